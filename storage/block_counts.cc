// SPDX-License-Identifier: Apache-2.0
#include "storage/base/coding.h"
#include "storage/block_entry.h"

#include <algorithm>
#include <map>

namespace cordwood {

void encode_counts(const std::vector<BlockCount>& counts, std::string* out) {
  ByteWriter w(out);
  std::map<std::string_view, uint64_t> levels;
  for (const BlockCount& c : counts) levels.emplace(c.level, 0);
  w.varint(levels.size());
  uint64_t id = 0;
  for (auto& [level, number] : levels) {
    w.string(level);
    number = id++;
  }
  w.varint(counts.size());
  // Field by field: equal neighbours pack well.
  uint32_t stream = 0;
  int64_t bucket = 0;
  for (const BlockCount& c : counts) {
    w.varint(c.stream - stream);
    stream = c.stream;
  }
  for (const BlockCount& c : counts) {
    w.zigzag(c.bucket - bucket);
    bucket = c.bucket;
  }
  for (const BlockCount& c : counts) w.varint(levels[c.level]);
  for (const BlockCount& c : counts) w.varint(c.rows);
  for (const BlockCount& c : counts) w.varint(c.line_bytes);
  for (const BlockCount& c : counts) w.varint(c.metadata_bytes);
}

namespace {

/// Calls `take(count, value)` for every entry with the next varint.
template <typename Take>
void read_field(ByteReader* in, std::vector<BlockCount>* counts, Take take) {
  for (BlockCount& c : *counts) take(&c, in->varint());
}

int64_t from_zigzag(uint64_t v) {
  return static_cast<int64_t>(v >> 1) ^ -static_cast<int64_t>(v & 1);
}

void read_by_entry(ByteReader* in, std::vector<uint64_t>* levels, std::vector<BlockCount>* counts) {
  for (size_t i = 0; i < counts->size(); ++i) {
    BlockCount& c = (*counts)[i];
    const uint64_t stream = in->varint();
    c.stream = static_cast<uint32_t>(std::min<uint64_t>(stream, UINT32_MAX));
    c.bucket = in->zigzag();
    (*levels)[i] = in->varint();
    c.rows = in->varint();
    c.line_bytes = in->varint();
    c.metadata_bytes = in->varint();
  }
}

void read_by_field(ByteReader* in, std::vector<uint64_t>* levels, std::vector<BlockCount>* counts) {
  read_field(in, counts,
             [](BlockCount* c, uint64_t v) { c->stream = static_cast<uint32_t>(std::min<uint64_t>(v, UINT32_MAX)); });
  read_field(in, counts, [](BlockCount* c, uint64_t v) { c->bucket = from_zigzag(v); });
  for (uint64_t& level : *levels) level = in->varint();
  read_field(in, counts, [](BlockCount* c, uint64_t v) { c->rows = v; });
  read_field(in, counts, [](BlockCount* c, uint64_t v) { c->line_bytes = v; });
  read_field(in, counts, [](BlockCount* c, uint64_t v) { c->metadata_bytes = v; });
}

}  // namespace

Result<std::vector<BlockCount>> decode_counts(std::string_view raw, uint8_t version, size_t streams) {
  ByteReader in(raw);
  const uint64_t level_count = in.count(1);
  std::vector<std::string_view> levels;
  levels.reserve(level_count);
  for (uint64_t i = 0; i < level_count; ++i) levels.push_back(in.string());
  const uint64_t n = in.count(6);
  std::vector<BlockCount> counts(n);
  std::vector<uint64_t> level_ids(n);
  if (version == 1) {
    read_by_entry(&in, &level_ids, &counts);
  } else {
    read_by_field(&in, &level_ids, &counts);
  }
  TRY(in.finish("block counts"));
  uint64_t stream = 0;
  uint64_t bucket = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    stream += counts[i].stream;
    bucket += static_cast<uint64_t>(counts[i].bucket);
    if (stream >= streams || level_ids[i] >= levels.size()) {
      return Error::corrupt("block counts: stream or level out of range");
    }
    counts[i].stream = static_cast<uint32_t>(stream);
    counts[i].bucket = static_cast<int64_t>(bucket);
    counts[i].level = levels[level_ids[i]];
  }
  return counts;
}

}  // namespace cordwood
