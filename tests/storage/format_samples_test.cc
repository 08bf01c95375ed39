// SPDX-License-Identifier: Apache-2.0
// Files as the first version wrote them must stay readable for ever, and today's version must still write them so
// (a new layout brings a new number and a new sample beside the old one).
#include <gtest/gtest.h>

#include "storage/base/checksum.h"
#include "storage/day_ids.h"
#include "storage/id_table_writer.h"
#include "storage/manifest.h"
#include "storage/wal_reader.h"
#include "storage/wal_writer.h"
#include "tests/support/sim_file_system.h"

namespace cordwood {
namespace {

constexpr const char* kSampleFiles = "tests/format/";

/// The frozen bytes; a missing sample is written to the temporary directory, for a person to put in its place.
std::string sample(const std::string& name, const std::string& written_today) {
  PosixFileSystem fs;
  const Result<std::string> frozen = fs.read_all(kSampleFiles + name, 1u << 20);
  if (frozen.ok()) return *frozen;
  const std::string path = testing::TempDir() + name;
  auto file = fs.open(path, OpenMode::open_or_create);
  CHECK(file.ok() && (*file)->truncate(0).ok() && (*file)->append(written_today).ok(), "{}", path);
  ADD_FAILURE() << kSampleFiles << name << " is missing; what today's version writes is in " << path;
  return "";
}

RowBatch sample_batch() {
  RowBatch batch;
  batch.tenant = "fake";
  batch.streams = {Stream::make("fake", StreamKind::log, Labels::from_pairs({{"app", "web"}, {"zone", "ü"}})),
                   Stream::make("fake", StreamKind::span, Labels::from_pairs({{"app", "db"}}))};
  batch.metadata = {{"trace_id", "0af7651916cd43dd"}, {"detected_level", "error"}};
  batch.rows = {{0, 1'700'000'000'000'000'000, "first\r\n", 0, 2, 1}, {1, -1, "", 0, 1, 0}, {0, 0, "\xff", 0, 0, 0}};
  return batch;
}

std::string wal_today(uint64_t mark) {
  SimFileSystem fs(1);
  WalWriterOptions options;
  options.node = "sample";
  options.mark = mark;
  auto writer = WalWriter::create(fs, "wal", 42, options);
  CHECK(writer.ok(), "{}", writer.error().message);
  const WalPolicy policy{xxh3_64("policy"), "policy"};
  const WalBody body{BodyFormat::otlp_json, BodyEncoding::gzip, "a body", {0, 2, 300}, &policy};
  const RowBatch batch = sample_batch();
  CHECK((*writer)->wait((*writer)->enqueue({"fake", 7, 123456789, &body, nullptr})).ok(), "body");
  CHECK((*writer)->wait((*writer)->enqueue({"fake", 8, -1, nullptr, &batch})).ok(), "batch");
  return *fs.read_all("wal/" + wal_file_name({42, 1}), 1u << 20);
}

class WalSample : public testing::TestWithParam<std::pair<const char*, uint64_t>> {};
INSTANTIATE_TEST_SUITE_P(FormatSamples, WalSample,
                         testing::Values(std::pair("wal-1.0.wal", 0), std::pair("wal-1.0-marked.wal", 0xfeed'0123)));

TEST_P(WalSample, IsWrittenAndRead) {
  const auto& [name, mark] = GetParam();
  const std::string today = wal_today(mark);
  const std::string frozen = sample(name, today);
  EXPECT_EQ(frozen, today);
  SimFileSystem fs(1);
  ASSERT_TRUE((*fs.open("f", OpenMode::create_new))->append(frozen).ok());
  std::vector<WalRecord> records;
  const auto scan = scan_wal_file(fs, "f", {}, [&](uint64_t, const WalRecord& r) -> Result<void> {
    records.push_back(r);
    return {};
  });
  ASSERT_TRUE(scan.ok()) << scan.error().message;
  EXPECT_EQ(scan->intact_end, scan->file_bytes);
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[0].payload, "policy");
  EXPECT_EQ(records[1].payload, "a body");
  EXPECT_EQ(records[1].refused, (std::vector<uint32_t>{0, 2, 300}));
  EXPECT_EQ(records[1].receive_time_ns, 123456789);
  EXPECT_EQ(records[1].format, BodyFormat::otlp_json);
  EXPECT_EQ(records[1].encoding, BodyEncoding::gzip);
  std::string want;
  encode_wal_batch(sample_batch(), &want);
  EXPECT_EQ(records[2].payload, want);
  RowBatch batch;
  ASSERT_TRUE(decode_wal_batch(records[2].payload, "fake", &batch).ok());
  EXPECT_EQ(batch.rows[0].line, "first\r\n");
  EXPECT_EQ(batch.rows[1].time_ns, -1);
}

TEST(FormatSamples, Manifest) {
  SegmentMeta meta;
  meta.key = "segments/sample/1";
  meta.size_bytes = 1'000'000;
  meta.tail_bytes = 5'000;
  meta.node = "sample";
  meta.generation = 42;
  meta.level = 1;
  meta.blocks = 16;
  meta.rows = 500'000;
  meta.raw_bytes = 80'000'000;
  meta.time_min_ns = -1;
  meta.time_max_ns = 1'700'000'000'000'000'000;
  meta.arrival_min = 3;
  meta.arrival_max = 500'003;
  meta.replaces = {"segments/sample/0"};
  const ManifestObject change{ManifestObject::Kind::change,
                              "sample",
                              9,
                              0x1234'5678'9abc'def0,
                              {{meta}, {"segments/sample/0"}, {{41, 0}, {42, 0}}}};
  const ManifestObject snapshot{
      ManifestObject::Kind::snapshot, "sample", 9, 1, {{meta}, {}, {{1, 0}, {2, 0}, {300, 0}}}};
  auto f = [](const std::string& name, const ManifestObject& object) {
    const std::string frozen = sample(name, encode_manifest(object));
    EXPECT_EQ(frozen, encode_manifest(object)) << name;
    const Result<ManifestObject> back = decode_manifest(frozen);
    ASSERT_TRUE(back.ok()) << back.error().message;
    EXPECT_EQ(back->change.added.size(), 1u);
    EXPECT_EQ(back->change.added[0].time_max_ns, 1'700'000'000'000'000'000);
  };
  f("manifest-1.0", change);
  f("manifest-snapshot-1.0", snapshot);
}

TEST(FormatSamples, ManifestWithMarksOfLogs) {
  CatalogChange change;
  change.generations_done = {{41, 0}, {42, 0xfeed'0123}};
  const ManifestObject object{ManifestObject::Kind::change, "sample", 9, 1, change};
  const std::string frozen = sample("manifest-1.2", encode_manifest(object));
  EXPECT_EQ(frozen, encode_manifest(object));
  const Result<ManifestObject> back = decode_manifest(frozen);
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(back->change.generations_done, change.generations_done);
}

TEST(FormatSamples, ManifestWithCommonIdTables) {
  DayIdsMeta table;
  table.key = DayIdsMeta::make_key("sample", 9, 2);
  table.shape.remainder_bits = 20;
  table.shape.block_bits = 6;
  table.shape.hash_bits = 48;
  table.shape.reach = 3;
  table.shape.buckets = 1000;
  table.shape.overflow = 1;
  table.shape.ids = 120'000;
  table.shape.entries = 150'000;
  table.size_bytes = kDayIdsHeaderBytes + table.shape.bytes();
  table.parts = {{"segments/sample/1", 30}, {"segments/sample/2", 20}};
  CatalogChange change;
  change.day_ids = {table};
  change.day_ids_gone = {DayIdsMeta::make_key("sample", 8, 1)};
  const ManifestObject object{ManifestObject::Kind::change, "sample", 10, 1, change};
  const std::string frozen = sample("manifest-1.3", encode_manifest(object));
  EXPECT_EQ(frozen, encode_manifest(object));
  const Result<ManifestObject> back = decode_manifest(frozen);
  ASSERT_TRUE(back.ok()) << back.error().message;
  ASSERT_EQ(back->change.day_ids.size(), 1u);
  EXPECT_EQ(back->change.day_ids[0].parts, table.parts);
  EXPECT_EQ(back->change.day_ids[0].shape.bytes(), table.shape.bytes());
  EXPECT_EQ(back->change.day_ids_gone, change.day_ids_gone);
}

TEST(FormatSamples, CommonIdTable) {
  IdTableShape shape;
  shape.remainder_bits = 20;
  shape.block_bits = 6;
  shape.hash_bits = 48;
  shape.buckets = 2;
  std::string today = day_ids_header();
  const IdTableWriter::Append append = [&](std::string_view bytes) -> Result<void> {
    today += bytes;
    return {};
  };
  IdTableWriter writer(&shape, append);
  ASSERT_TRUE(writer.add(id_place(0x1234'5678'9abc'def0, shape), {3, 40}).ok());
  ASSERT_TRUE(writer.add(id_place(0xf234'5678'9abc'def0, shape), {62}).ok());
  ASSERT_TRUE(writer.finish().ok());
  EXPECT_EQ(sample("day-ids-1.0.ids", today), today);
}

TEST(FormatSamples, ManifestWithDeletesAndHolds) {
  CatalogChange change;
  change.deletes = {{"d1", "fake", R"({app="web"} |= "x")", -5, 1'700'000'000'000'000'000, 7, 500'003, 42,
                     DeleteRequest::State::received, 0},
                    {"d2", "fake", "{}", 1, 2, 3, 4, 5, DeleteRequest::State::processed, 6}};
  change.deletes_gone = {"d0"};
  change.holds = {{"h1", "fake", R"({app="db"})", 1, 2, "case 7", 3}};
  change.holds_gone = {"h0"};
  const ManifestObject object{ManifestObject::Kind::change, "sample", 9, 1, change};
  const std::string frozen = sample("manifest-1.1", encode_manifest(object));
  EXPECT_EQ(frozen, encode_manifest(object));
  const Result<ManifestObject> back = decode_manifest(frozen);
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(back->change.deletes, change.deletes);
  EXPECT_EQ(back->change.deletes_gone, change.deletes_gone);
  EXPECT_EQ(back->change.holds, change.holds);
  EXPECT_EQ(back->change.holds_gone, change.holds_gone);
}

}  // namespace
}  // namespace cordwood
