// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "storage/block_ids.h"
#include "storage/block_rewriter.h"
#include "storage/spilled_block.h"
#include "storage/text_tokens.h"
#include "tests/storage/columns/block_fixture.h"

namespace cordwood {
namespace {

using samples::Rows;

BlockDirectory directory_of(const EncodedBlock& block) {
  const EntryParts parts = decode_entry(block.entry).value();
  return decode_directory(unpack_part(parts.directory).value(), parts.summary).value();
}

const ColumnMeta& column_named(const BlockDirectory& directory, const std::string& name) {
  const auto at = std::find_if(directory.columns.begin(), directory.columns.end(),
                               [&](const ColumnMeta& c) { return c.path == std::vector<std::string>{name}; });
  EXPECT_NE(at, directory.columns.end()) << name;
  return *at;
}

/// Seals lines, checks that they come back, and tells how the column of `name` is kept.
ColumnMeta kept_as(const std::string& name, int count, const std::function<std::string(int)>& line) {
  static BlockBuilder builder({});
  Rows rows;
  for (int i = 0; i < count; ++i) rows.add(line(i), i);
  return column_named(directory_of(samples::round_trip(&rows, &builder)), name);
}

uint64_t mixed(int i) {
  return static_cast<uint64_t>(i + 1) * 0x9e3779b97f4a7c15ull;
}

std::string request_line(int i) {
  const std::string user = fmt::format("u{:x}", mixed(i) >> 40);
  const std::string path = fmt::format("/api/v1/orders/{}/{:x}", i % 91, mixed(i) >> 50);
  const uint64_t ms = mixed(i) % 977;
  return fmt::format(
      R"({{"user":"{0}","path":"{1}","ms":{2},"msg":"request of {0} for {1} was answered from the cache after {2} ms\r\n\tuser:\t{0}"}})",
      user, path, ms);
}

TEST(RenderedColumn, MessagesOfFieldsBecomeTemplates) {
  const ColumnMeta msg = kept_as("msg", 3000, request_line);
  EXPECT_EQ(msg.type, ColumnType::rendered);
  EXPECT_EQ(msg.distinct, 1u);
  const ColumnMeta logfmt = kept_as("msg", 3000, [](int i) {
    const std::string id = fmt::format("{:x}-{:o}", mixed(i), i);
    return fmt::format("level=info id={0} msg=\"stored the object {0} in the bucket, nothing else is to be done\"", id);
  });
  EXPECT_EQ(logfmt.type, ColumnType::rendered);
  EXPECT_EQ(logfmt.distinct, 1u);
}

TEST(RenderedColumn, FieldsThatAreEqualNowAndThenMakeNoOtherTemplate) {
  const ColumnMeta msg = kept_as("msg", 3000, [](int i) {
    const std::string from = fmt::format("node-{:x}", mixed(i) >> 44);
    const std::string to = i % 3 == 0 ? from : fmt::format("node-{:x}", mixed(i + 7) >> 44);
    return fmt::format(R"({{"msg":"moved the shard from {0} to {1}, both of which are well","from":"{0}","to":"{1}"}})",
                       from, to);
  });
  EXPECT_EQ(msg.type, ColumnType::rendered);
  EXPECT_EQ(msg.distinct, 1u);
}

TEST(RenderedColumn, NoWordIsCut) {
  // Every number from 1 to 9 is a part of the others.
  const ColumnMeta msg = kept_as("msg", 3000, [](int i) {
    return fmt::format(R"({{"n":{},"of":{},"msg":"part {} of {} of the whole has come, 1234567890 are to come"}})",
                       i % 9 + 1, mixed(i) % 1000, i % 9 + 1, mixed(i) % 1000);
  });
  EXPECT_EQ(msg.type, ColumnType::rendered);
  EXPECT_EQ(msg.distinct, 1u);
}

TEST(RenderedColumn, WhatWouldNotPayStaysAsItWas) {
  const auto f = [](const std::string& name, const std::function<std::string(int)>& line) {
    EXPECT_NE(kept_as(name, 2000, line).type, ColumnType::rendered) << line(0);
  };
  // Texts of their own, short ones, and those of fields that nobody else has.
  f("msg", [](int i) {
    return fmt::format(R"({{"k":{},"msg":"{:x} {:o} {:b} some text of its own"}})", i, mixed(i), mixed(i), mixed(i));
  });
  f("msg", [](int i) { return fmt::format(R"({{"k":"{0:x}","msg":"is {0:x}"}})", mixed(i)); });
  f("msg", [](int i) { return fmt::format(R"({{"msg":"{:x}-{:x}-{:x}-{:x}"}})", i, mixed(i), mixed(i + 1), i / 2); });
}

TEST(RenderedColumn, NoColumnIsRenderedFromOneThatIs) {
  static BlockBuilder builder({});
  Rows rows;
  for (int i = 0; i < 3000; ++i) {
    const std::string text =
        fmt::format("some {:x} text {:o} that {:b} stands twice", mixed(i), mixed(i + 1), mixed(i));
    rows.add(fmt::format(R"({{"a":"{0}","b":"{0}","c":"{0}"}})", text), i);
  }
  const BlockDirectory directory = directory_of(samples::round_trip(&rows, &builder));
  int rendered = 0;
  for (const ColumnMeta& column : directory.columns) rendered += column.type == ColumnType::rendered ? 1 : 0;
  EXPECT_EQ(rendered, 2);
}

/// Ids in messages are told from the columns they come from, from templates, and across their edges.
TEST(RenderedColumn, IdsOfABlockAreThoseOfItsLines) {
  Rows rows;
  std::vector<uint64_t> want;
  for (int i = 0; i < 2000; ++i) {
    const std::string line =
        fmt::format(R"({{"span":"{0:016x}","high":"{1:08x}","low":"{2:012x}","msg":"span {0:016x} of trace {3:032x} )"
                    R"(does what {1:08x}-1234-4abc-8def-{2:012x} asked for"}})",
                    mixed(i), mixed(i + 1) >> 32, mixed(i + 2) >> 16, i % 3 + 1);
    rows.add(line, i);
    append_ids(line, &want);
  }
  const EncodedBlock block = BlockBuilder({}).build(rows.input());
  ASSERT_EQ(column_named(directory_of(block), "msg").type, ColumnType::rendered);
  ReadStats stats;
  const auto view = open_by_entry(block.info, block.entry,
                                  {memory_source(block.narrow + block.heap), 0, block.narrow.size(), nullptr}, &stats);
  ASSERT_TRUE(view.ok()) << view.error().message;
  std::vector<uint64_t> got;
  const Result<void> collected = collect_block_ids(**view, &got);
  ASSERT_TRUE(collected.ok()) << collected.error().message;
  for (std::vector<uint64_t>* ids : {&want, &got}) {
    std::sort(ids->begin(), ids->end());
    ids->erase(std::unique(ids->begin(), ids->end()), ids->end());
  }
  EXPECT_TRUE(std::includes(got.begin(), got.end(), want.begin(), want.end()));
}

/// Templates that name what they must not are an error of the block, not a crash.
TEST(RenderedColumn, DamagedTemplatesAreTold) {
  Rows rows;
  for (int i = 0; i < 2000; ++i) rows.add(request_line(i), i, 0, {{"source", "test"}});
  const EncodedBlock block = BlockBuilder({}).build(rows.input());
  const BlockDirectory directory = directory_of(block);
  ASSERT_EQ(column_named(directory, "msg").type, ColumnType::rendered);
  uint32_t own = 0, metadata = 0;
  for (uint32_t c = 0; c < directory.columns.size(); ++c) {
    if (directory.columns[c].type == ColumnType::rendered) own = c;
    if (directory.columns[c].source == ColumnSource::metadata) metadata = c;
  }
  const auto reads = [&](const std::string& text) {
    const EntryParts parts = decode_entry(block.entry).value();
    const BlockBytes changed =
        rewrite_columns(parts, directory, block.narrow, block.heap,
                        [&](uint32_t, ColumnMeta* meta, PieceWriter* writer) -> Result<std::optional<PieceMeta>> {
                          if (meta->type != ColumnType::rendered) return std::optional<PieceMeta>();
                          const std::string_view texts[] = {text};
                          return std::optional(writer->texts(texts, false));
                        })
            .value();
    ReadStats stats;
    const auto view =
        open_by_entry(block.info, changed.entry,
                      {memory_source(changed.narrow + changed.heap), 0, changed.narrow.size(), nullptr}, &stats);
    std::string scratch;
    const auto line = (*view)->line(0, &scratch);
    const auto bytes = (*view)->line_bytes(0);
    const auto rows_with = (*view)->rows_with_text("cache", TextPlace::line);
    std::vector<uint64_t> ids;
    const bool collected = collect_block_ids(**view, &ids).ok();
    EXPECT_TRUE(line.ok() == bytes.ok() && line.ok() == rows_with.ok() && line.ok() == collected) << text;
    if (!line.ok()) {
      EXPECT_EQ(line.error().kind, ErrorKind::corrupt) << line.error().message;
    }
    return line.ok();
  };
  const auto naming = [](uint32_t column) { return std::string("x\0", 2) + static_cast<char>(column); };
  EXPECT_TRUE(reads("without any field"));
  EXPECT_TRUE(reads(naming(own - 1)));
  EXPECT_FALSE(reads(naming(own)));
  EXPECT_FALSE(reads(naming(metadata)));
  EXPECT_FALSE(reads(naming(127)));
  EXPECT_FALSE(reads(std::string("x\0", 2)));
  EXPECT_FALSE(reads(std::string("x\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 13)));
}

}  // namespace
}  // namespace cordwood
