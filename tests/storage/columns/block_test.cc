// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <random>

#include "storage/count_columns.h"
#include "tests/storage/columns/block_fixture.h"

namespace cordwood {
namespace {

using samples::round_trip;
using samples::Rows;

std::vector<std::string> lines_of(const std::string& command) {
  std::vector<std::string> lines;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return lines;
  std::string all;
  char buffer[1 << 16];
  for (size_t n; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;) all.append(buffer, n);
  pclose(pipe);
  for (size_t begin = 0; begin < all.size();) {
    size_t end = all.find('\n', begin);
    if (end == std::string::npos) end = all.size();
    lines.push_back(all.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

/// Every line of the file, in blocks of a size; the first `limit` of them.
void check_file(const std::string& command, size_t limit) {
  const std::vector<std::string> lines = lines_of(command);
  ASSERT_FALSE(lines.empty()) << command;
  BlockBuilder builder({});
  for (size_t begin = 0; begin < std::min(limit, lines.size()); begin += 9000) {
    Rows rows(3);
    const size_t end = std::min({lines.size(), limit, begin + 9000});
    for (size_t i = begin; i < end; ++i) {
      rows.add(lines[i], static_cast<int64_t>(i) * 1'000'003, static_cast<uint32_t>((i - begin) / 3000));
    }
    round_trip(&rows, &builder);
    if (::testing::Test::HasFatalFailure()) FAIL() << command;
  }
}

TEST(BlockTest, RealFilesComeBack) {
  const std::string data = "../shared/data";
  if (!std::filesystem::exists(data)) GTEST_SKIP() << data << " is missing";
  for (const auto& file : std::filesystem::directory_iterator(data + "/loghub")) {
    if (file.path().extension() == ".log") check_file("cat " + file.path().string(), 2000);
  }
  check_file("zcat " + data + "/nginx-access.log.gz", 20000);
  check_file("zcat " + data + "/nginxplus-nested.json.gz", 500);
  check_file("unzip -p " + data + "/windows/sharpdump.json.zip | head -n 4000", 4000);
}

TEST(BlockTest, OddLines) {
  BlockBuilder builder({});
  const auto f = [&](const std::vector<std::string>& lines) {
    Rows rows;
    for (const std::string& line : lines) rows.add(line, 5);
    round_trip(&rows, &builder);
  };
  f({""});
  f({"", "", "\r", "\n", std::string(1, '\0'), "\xff\xfe"});
  f({"{}", "{ }", "{\"a\":1}", " {\"a\":1}", "{\"a\":1} ", "{\"a\":1}\r"});
  f({R"({"a":1,"a":2})", R"({"a":{"b":1}})", R"({"a.b":1})", R"({"a":[1,2,{"b":3}]})"});
  f({R"({"a":"\u00e9\n"})", R"({"a":"é"})", R"({"\u0061":1})", R"({"a":})", R"({"a":1)"});
  f({std::string(300'000, 'x'), "short", std::string(600'000, 'y'), R"({"a":")" + std::string(400'000, 'z') + "\"}"});
}

TEST(BlockTest, RandomJsonComesBack) {
  std::mt19937_64 random(20260101);
  const auto pick = [&](uint64_t n) { return random() % n; };
  const std::vector<std::string> scalars = {
      "1",      "-0",   "0",     "007",     "1.50",  "1e3",     "-1.5E-7",
      "true",   "null", "false", "\"\"",    "\"x\"", "\"5\"",   "18446744073709551615",
      "[1, 2]", "[]",   "{}",    "\"\\n\"", "0.10",  "\"u17\"", "-9223372036854775808"};
  const std::function<std::string(int)> value = [&](int depth) -> std::string {
    if (depth > 0 && pick(4) == 0) {
      std::string out = "{";
      const uint64_t n = pick(4);
      for (uint64_t i = 0; i < n; ++i)
        out +=
            (i > 0 ? (pick(3) == 0 ? " , " : ",") : "") + ("\"k" + std::to_string(pick(6))) + "\":" + value(depth - 1);
      return out + "}";
    }
    if (pick(3) == 0) return std::to_string(static_cast<int64_t>(random()) >> pick(63));
    return scalars[pick(scalars.size())];
  };
  BlockBuilder builder({});
  for (int round = 0; round < 20; ++round) {
    Rows rows;
    for (int i = 0; i < 400; ++i) {
      std::string line = "{\"id\":" + std::to_string(i);
      const uint64_t n = pick(6);
      for (uint64_t k = 0; k < n; ++k) line += ",\"f" + std::to_string(pick(8)) + "\":" + value(3);
      rows.add(line + "}", i);
    }
    round_trip(&rows, &builder);
  }
}

TEST(BlockTest, MetadataComesBack) {
  BlockBuilderOptions options;
  options.max_shapes = 40;  // rows past it are packed
  BlockBuilder builder(options);
  Rows rows(2);
  for (int i = 0; i < 6000; ++i) {
    std::vector<std::pair<std::string, std::string>> metadata;
    if (i % 3 != 0) metadata.push_back({"trace_id", fmt::format("{:016x}{:016x}", i * 0x9e3779b97f4a7c15ull, i)});
    if (i > 3000) metadata.push_back({"k" + std::to_string(i % 200), std::to_string(i)});
    metadata.push_back({"detected_level", i % 5 == 0 ? "error" : "info"});
    rows.add("line", i, i < 2500 ? 0 : 1, metadata, 1);
  }
  const EncodedBlock block = round_trip(&rows, &builder);
  ReadStats stats;
  auto view = samples::source_of(block)->open(&stats).value();
  const auto f = [&](uint32_t row, std::string_view name, std::optional<std::string_view> want) {
    auto got = view->metadata_value(row, name);
    ASSERT_TRUE(got.ok()) << got.error().message;
    EXPECT_EQ(*got, want) << row << " " << name;
  };
  f(0, "trace_id", std::nullopt);
  f(0, "detected_level", "error");
  f(5000, "detected_level", "error");
  f(5001, "detected_level", "info");
  f(5190, "k190", "5190");
  f(5190, "k191", std::nullopt);
  f(1, "absent", std::nullopt);
}

TEST(BlockTest, TimesOfAnyDistance) {
  BlockBuilder builder({});
  Rows rows(3);
  for (const int64_t t : {INT64_MIN, int64_t{-1}, int64_t{0}, INT64_MAX}) rows.add("a", t, 0);
  for (int i = 0; i < 9000; ++i) rows.add("b", int64_t{1'700'000'000'000'000'000} + i * int64_t{1'000'000'000}, 1);
  rows.add("c", -5, 2);
  round_trip(&rows, &builder);
}

TEST(BlockTest, IntegersAreReadFromNarrowFramesAlone) {
  BlockBuilder builder({});
  Rows rows;
  for (int i = 0; i < 20000; ++i) {
    rows.add(fmt::format(R"({{"msg":"text number {}","http":{{"status":{}}}}})", i * 7919, i % 7 == 0 ? 503 : 200), i);
  }
  const EncodedBlock block = builder.build(rows.input());
  EXPECT_EQ(block.forms.rows[1], 20000u);
  ReadStats stats;
  auto view = samples::source_of(block)->open(&stats).value();
  EXPECT_EQ(stats.blocks_opened, 0u);
  uint64_t errors = 0;
  for (uint32_t row = 0; row < view->row_count(); ++row) {
    const Shape* shape = view->shape(row).value();
    ASSERT_NE(shape, nullptr);
    ASSERT_EQ(shape->slots.size(), 2u);
    EXPECT_THAT(shape->slots[1].path, testing::ElementsAre("http", "status"));
    const auto value = view->integer_cell(row, shape->slots[1]).value();
    ASSERT_TRUE(value.has_value());
    errors += *value >= 500 ? 1 : 0;
  }
  EXPECT_EQ(errors, 2858u);
  EXPECT_EQ(stats.heap_frames, 0u);
  EXPECT_EQ(stats.lines_rendered, 0u);
  EXPECT_EQ(stats.blocks_opened, 1u);
}

void expect_columns(const CountColumns& columns, CountValues values, const std::vector<BlockCount>& counts) {
  ASSERT_EQ(columns.size(), counts.size());
  EXPECT_EQ(columns.line_bytes.size(), values == CountValues::rows ? 0 : counts.size());
  EXPECT_EQ(columns.metadata_bytes.size(), values == CountValues::all ? counts.size() : 0);
  for (size_t i = 0; i < counts.size(); ++i) {
    EXPECT_EQ(columns.streams[i], counts[i].stream);
    EXPECT_EQ(columns.buckets[i], counts[i].bucket);
    EXPECT_EQ(columns.levels[columns.level_ids[i]], counts[i].level);
    EXPECT_EQ(columns.rows[i], counts[i].rows);
  }
  for (size_t i = 0; i < columns.line_bytes.size(); ++i) EXPECT_EQ(columns.line_bytes[i], counts[i].line_bytes);
  for (size_t i = 0; i < columns.metadata_bytes.size(); ++i)
    EXPECT_EQ(columns.metadata_bytes[i], counts[i].metadata_bytes);
}

/// By columns, with the values that were asked for, as entry by entry.
void expect_same_columns(const BlockSource& source, size_t table, const std::vector<BlockCount>& counts) {
  expect_columns(to_columns(counts), CountValues::all, counts);
  CountColumns columns;
  for (const CountValues values : {CountValues::all, CountValues::rows, CountValues::line_bytes}) {
    ASSERT_TRUE(source.count_columns(table, values, &columns).ok());
    expect_columns(columns, values, counts);
  }
}

/// Every entry has just the rows of its stream, level and bucket, and none is left out.
void expect_counts(const BlockSource& source, size_t table, const Rows& rows) {
  const auto counts = source.counts(table).value();
  uint64_t errors = 0;
  uint64_t total = 0;
  for (const BlockCount& c : counts) {
    total += c.rows;
    if (c.level == "error") errors += c.rows;
    EXPECT_EQ(c.line_bytes, c.rows * 10);
    EXPECT_EQ(c.metadata_bytes, c.rows * (3 + 14 + c.level.size()));
    uint64_t want = 0;
    for (const BlockInputRow& r : rows.rows()) {
      const int64_t width = source.count_widths_ns()[table];
      const bool in = r.time_ns > (c.bucket - 1) * width && r.time_ns <= c.bucket * width;
      want += in && r.stream == c.stream && r.metadata[1].value == c.level ? 1 : 0;
    }
    EXPECT_EQ(c.rows, want);
  }
  EXPECT_EQ(total, 3000u);
  EXPECT_EQ(errors, 300u);
  expect_same_columns(source, table, counts);
}

TEST(BlockTest, CountsNeedNoData) {
  BlockBuilder builder({});
  Rows rows(2);
  const int64_t second = 1'000'000'000;
  for (int i = 0; i < 3000; ++i) {
    const char* level = i % 10 == 0 ? "error" : "info";
    rows.add("0123456789", (i % 1500) * second / 10 + 1, i / 1500, {{"m", "xy"}, {"detected_level", level}}, 1);
  }
  const EncodedBlock block = builder.build(rows.input());
  const BlockSourcePtr source = samples::source_of(block);
  ASSERT_EQ(source->count_widths_ns().size(), 2u);
  EXPECT_EQ(source->count_widths_ns()[0] % (5 * second), 0);
  EXPECT_EQ(source->count_widths_ns()[1], 60 * second);
  for (size_t table = 0; table < 2; ++table) expect_counts(*source, table, rows);
  EXPECT_EQ(source->info().streams.size(), 2u);
  EXPECT_EQ(source->info().streams[1].rows, 1500u);
  EXPECT_EQ(source->info().raw_bytes, 3000u * 13);
}

}  // namespace
}  // namespace cordwood
