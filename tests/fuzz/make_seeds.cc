// SPDX-License-Identifier: Apache-2.0
// Writes seeds of the binary formats, made by the writers of this build: make_seeds <directory> gives
// <directory>/<target>/.
#include <fmt/core.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "storage/base/check.h"
#include "storage/base/coding.h"
#include "storage/base/compression.h"
#include "storage/manifest.h"
#include "storage/segment.h"
#include "storage/wal_reader.h"
#include "tests/support/memory_store.h"

using namespace cordwood;

namespace {

constexpr int64_t kStartNs = 1'700'000'000'000'000'000;

void save(const std::filesystem::path& directory, const std::string& name, std::string_view bytes) {
  std::filesystem::create_directories(directory);
  std::ofstream(directory / name, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

/// Rows of the three forms and raw, with and without metadata.
struct Rows {
  std::vector<StreamPtr> streams;
  std::vector<std::string> lines;
  std::vector<std::string> traces;
  std::vector<MetadataPair> metadata;
  std::vector<BlockInputRow> rows;
};

std::string line_of(int variant, int i) {
  const std::string n = std::to_string(i);
  switch (variant) {
    case 0:
      return "{\"ts\":\"2023-11-14T22:13:2" + std::to_string(i % 10) + ".5Z\",\"status\":" + n + ",\"d\":" + n +
             ".25,\"ok\":" + (i % 2 == 0 ? "true" : "null") + ",\"a\":[" + n + "],\"ip\":\"10.0.0." + n +
             "\",\"id\":\"4bf92f3577b34da6a3ce929d0e0e4" + std::to_string(700 + i) + "\",\"http\":{\"path\":\"/a/" + n +
             "\"}}";
    case 1: return "level=warn msg=\"took " + n + " ms\" status=" + n + " user=u" + n;
    case 2: return "2023-11-14 22:13:2" + std::to_string(i % 10) + " INFO [main] took " + n + "ms (id=" + n + ")";
    default: return i % 2 == 0 ? std::string(static_cast<size_t>(i), 'x') : "\xff\xfe{" + n;
  }
}

Rows make_rows(int variant, int count) {
  Rows out;
  for (const char* app : {"a", "b"}) {
    out.streams.push_back(Stream::make("fake", StreamKind::log, Labels::from_pairs({{"app", app}})));
  }
  for (int i = 0; i < count; ++i) {
    out.lines.push_back(line_of(variant < 4 ? variant : i % 4, i));
    const uint64_t scrambled = static_cast<uint64_t>(i + 1) * 0x9e3779b97f4a7c15ull;
    out.traces.push_back(variant == 5 ? fmt::format("{:016x}{:016x}", scrambled, ~scrambled)
                                      : "4bf92f3577b34da6a3ce929d0e0e" + std::to_string(1000 + i));
  }
  for (int i = 0; i < count; ++i) {
    out.metadata.push_back({"trace_id", out.traces[static_cast<size_t>(i)]});
    out.metadata.push_back({"detected_level", "info"});
  }
  for (int i = 0; i < count; ++i) {
    const auto at = static_cast<size_t>(i);
    BlockInputRow row;
    row.stream = i < count / 2 ? 0 : 1;
    row.time_ns = kStartNs + (i % (count / 2)) * 1'000'000'000LL;
    row.line = out.lines[at];
    if (i % 3 != 0) row.metadata = {&out.metadata[2 * at], 2};
    row.derived_count = i % 3 != 0 ? 1 : 0;
    out.rows.push_back(row);
  }
  return out;
}

void save_blocks(const std::filesystem::path& out) {
  for (int variant = 0; variant < 6; ++variant) {
    // The last one has ids enough for id lists.
    const Rows rows = make_rows(variant, variant == 5 ? 100 : variant == 4 ? 40 : 12);
    BlockBuilder builder({});
    BlockInput input;
    input.tenant = "fake";
    input.streams = rows.streams;
    input.rows = rows.rows;
    input.arrival_min = 1;
    input.arrival_max = 2;
    const EncodedBlock block = builder.build(input);
    std::string bytes;
    ByteWriter w(&bytes);
    w.u32(1);
    w.u32(static_cast<uint32_t>(block.entry.size()));
    w.u32(static_cast<uint32_t>(block.narrow.size()));
    save(out / "block", std::to_string(variant), bytes + block.entry + block.narrow + block.heap);
    SpilledBlock spilled;
    spilled.info = block.info;
    spilled.entry = block.entry;
    spilled.source = memory_source(block.narrow + block.heap + block.index);
    spilled.narrow_bytes = spilled.heap_offset = block.narrow.size();
    spilled.heap_bytes = block.heap.size();
    spilled.index_offset = block.narrow.size() + block.heap.size();
    spilled.index_bytes = block.index.size();
    samples::MemoryStore store;
    const std::vector<SpilledBlock> blocks(variant == 5 ? 6 : 2, spilled);
    const auto meta = write_segment(store, "segments/s", "node-1", 1, blocks);
    CHECK(meta.ok(), "{}", meta.error().message);
    save(out / "segment", std::to_string(variant), store.objects.at("segments/s"));
  }
}

void save_wal(const std::filesystem::path& out) {
  const Rows rows = make_rows(4, 6);
  RowBatch batch;
  batch.tenant = "fake";
  batch.streams = rows.streams;
  batch.metadata = rows.metadata;
  for (const BlockInputRow& row : rows.rows) {
    batch.rows.push_back({row.stream, row.time_ns, row.line, 0, 2, 1});
  }
  std::string encoded;
  encode_wal_batch(batch, &encoded);
  save(out / "wal", "batch", "\x02" + encoded);
  std::string file;
  encode_wal_file_header({1, 1, "node-1"}, &file);
  std::string records, meta;
  const WalPolicy policy{7, "rules"};
  encode_wal_policy_meta("fake", policy.id, &meta);
  append_wal_record(WalRecordType::policy, 1, meta, policy.encoded, &records);
  save(out / "wal", "policy", "\x01\x03" + meta + policy.encoded);
  meta.clear();
  WalBody body;
  body.body = "{\"streams\":[]}";
  body.refused = {1, 5};
  body.policy = &policy;
  encode_wal_body_meta("fake", kStartNs, body, &meta);
  append_wal_record(WalRecordType::push_body, 2, meta, body.body, &records);
  save(out / "wal", "body", "\x01\x01" + meta + std::string(body.body));
  meta.clear();
  encode_wal_batch_meta("fake", kStartNs, encoded.size(), &meta);
  std::string packed;
  compress(Codec::lz4, encoded, &packed);
  append_wal_record(WalRecordType::push_batch, 3, meta, packed, &records);
  save(out / "wal", "packed", "\x01\x02" + meta + packed);
  seal_wal_records({1, 1}, records.data(), records.size());
  save(out / "wal", "file", std::string(1, '\0') + file + records);
}

void save_manifest(const std::filesystem::path& out) {
  ManifestObject object;
  object.node = "node-1";
  object.number = 2;
  SegmentMeta meta;
  meta.key = "segments/a";
  meta.node = "node-1";
  meta.size_bytes = 4096;
  meta.blocks = 3;
  meta.replaces = {"segments/b"};
  object.change = {{meta}, {"segments/b"}, {{1, 0}, {2, 77}}};
  save(out / "manifest", "change", encode_manifest(object));
  object.kind = ManifestObject::Kind::snapshot;
  save(out / "manifest", "snapshot", encode_manifest(object));
}

}  // namespace

int main(int argc, char** argv) {
  CHECK(argc == 2, "usage: make_seeds <directory>");
  save_blocks(argv[1]);
  save_wal(argv[1]);
  save_manifest(argv[1]);
  return 0;
}
