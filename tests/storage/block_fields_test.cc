// SPDX-License-Identifier: Apache-2.0
#include "storage/block_fields.h"

#include <gmock/gmock.h>

#include "tests/storage/columns/block_fixture.h"

namespace cordwood {
namespace {

using ::testing::Contains;
using ::testing::IsSupersetOf;

BlockFields read(samples::Rows rows, const BlockFieldLimits& limits = {}) {
  BlockBuilder builder({});
  auto fields = read_block_fields(samples::spill(builder.build(rows.input())), limits);
  EXPECT_TRUE(fields.ok()) << fields.error().message;
  return fields.ok() ? *fields : BlockFields{};
}

samples::Rows rows_of(const std::vector<std::string>& lines, int times = 1) {
  samples::Rows rows;
  for (int i = 0; i < times; ++i)
    for (const std::string& line : lines) rows.add(line, static_cast<int64_t>(rows.size()));
  return rows;
}

/// `json a.b: x y`, or `json a.b` when not listed.
std::vector<std::string> texts(const BlockFields& block) {
  std::vector<std::string> all;
  for (const BlockField& field : block.fields) {
    std::string text(to_string(field.source));
    text += " ";
    for (size_t i = 0; i < field.path.size(); ++i) text += (i > 0 ? "." : "") + field.path[i];
    if (field.listed) text += ":";
    for (const std::string& value : field.values) text += " " + value;
    all.push_back(text);
  }
  return all;
}

TEST(BlockFields, ListsValues) {
  const auto f = [](const std::vector<std::string>& lines, const std::vector<std::string>& want) {
    const BlockFields block = read(rows_of(lines, 3));
    EXPECT_TRUE(block.described);
    EXPECT_EQ(texts(block), want) << lines[0];
  };
  f({R"({"a":1,"b":{"c":"x"}})", R"({"a":22,"b":{"c":true}})"}, {"json a: 1 22", "json b.c: true x"});
  f({R"({"a":1,"a":2})"}, {"json a: 1 2"});
  f({R"({"a":"e\u0065"})", R"({"a":"x"})", R"({"b":"x"})"}, {"json a", "json b: x"});
  f({"{\"a\":\"\xff\",\"b\":\"\xef\xbf\xbd\",\"c\":\"\xc3\xa9\"}"}, {"json a", "json b", "json c: \xc3\xa9"});
  f({"{\"a\":\"" + std::string(65, 'x') + "\"}"}, {"json a"});
  f({"a=1 b=x", "a=2 b=\"y z\""}, {"logfmt a: 1 2", "logfmt b: x y z"});
  f({R"({"a":1.50})", R"({"a":2.25})"}, {"json a: 1.50 2.25"});
  f({R"({"a":"10.0.0.1"})", R"({"a":"10.0.0.2"})"}, {"json a: 10.0.0.1 10.0.0.2"});
}

TEST(BlockFields, LeavesOutFieldsOfManyValues) {
  samples::Rows rows;
  for (int i = 0; i < 1000; ++i) {
    rows.add(fmt::format(R"({{"few":{},"many":{},"id":"{:016x}","text":"number {} of many"}})", i % 50, i,
                         i * 0x9e3779b97f4a7c15ull, i),
             i);
  }
  const BlockFields block = read(std::move(rows));
  ASSERT_EQ(block.fields.size(), 4u);
  for (const BlockField& field : block.fields) EXPECT_EQ(field.listed, field.path[0] == "few") << field.path[0];
  EXPECT_EQ(block.fields[0].values.size(), 50u);
  EXPECT_THAT(block.words, IsSupersetOf({"number", "of", "many"}));
}

TEST(BlockFields, TellsMetadata) {
  samples::Rows rows;
  for (int i = 0; i < 10; ++i) rows.add("x", i, 0, {{"who", i % 2 == 0 ? "a" : "b"}, {"detected_level", "info"}}, 1);
  EXPECT_EQ(texts(read(std::move(rows))),
            (std::vector<std::string>{"metadata detected_level: info", "metadata who: a b"}));
}

TEST(BlockFields, DoesNotDescribeBlocksOfManyColumns) {
  std::string line = "{";
  for (int i = 0; i < 300; ++i) line += fmt::format("{}\"k{}\":{}", i > 0 ? "," : "", i, i);
  const BlockFields block = read(rows_of({line + "}"}, 20));
  EXPECT_FALSE(block.described);
  EXPECT_TRUE(block.fields.empty());
  EXPECT_FALSE(read(rows_of({"{\"" + std::string(20'000, 'k') + "\":1}"}, 20)).described);
}

TEST(BlockFields, KnowsWhatParsersFindInLinesOfOtherForms) {
  const auto f = [](const std::vector<std::string>& lines, bool json, bool logfmt) {
    const BlockFields block = read(rows_of(lines, 20));
    EXPECT_EQ(block.json_elsewhere, json) << lines[0];
    EXPECT_EQ(block.logfmt_elsewhere, logfmt) << lines[0];
  };
  f({R"({"a":1})"}, false, true);
  f({R"({"a":1})", "started 5 workers"}, false, true);
  f({R"({"a":1})", R"({"a":1} trailing)"}, true, true);
  f({R"({"a":1})", R"(  {"a":1,)"}, true, true);
  f({"a=1 b=2"}, false, false);
  f({"a=1 b=2", "started 5 workers"}, false, false);
  f({"a=1 b=2", "started 5 workers with size=7"}, false, true);
  f({"a=1 b=2", "{not json"}, true, false);
  f({"took 5 ms for {x}", "took 6 ms for {x}"}, false, false);
  f({"{ took 5 ms", "{ took 6 ms"}, true, false);
}

TEST(BlockFields, TakesWordsOfTemplates) {
  samples::Rows rows;
  for (int i = 0; i < 50; ++i) rows.add(fmt::format("Connection {} to Upstream failed", i), i);
  EXPECT_THAT(read(std::move(rows)).words, IsSupersetOf({"connection", "upstream", "failed"}));
}

TEST(BlockFields, DamageIsAnError) {
  BlockBuilder builder({});
  samples::Rows rows = rows_of({R"({"a":"x"})", R"({"a":"y"})", R"({"a":"z","b":[1]})"}, 200);
  EncodedBlock encoded = builder.build(rows.input());
  SpilledBlock block = samples::spill(encoded);
  std::string bytes = encoded.narrow + encoded.heap;
  for (char& c : bytes) c = static_cast<char>(c ^ 0x55);
  block.source = memory_source(bytes);
  EXPECT_FALSE(read_block_fields(block, {}).ok());
  block.entry.resize(block.entry.size() / 2);
  EXPECT_FALSE(read_block_fields(block, {}).ok());
}

}  // namespace
}  // namespace cordwood
