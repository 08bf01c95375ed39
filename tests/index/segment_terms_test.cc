// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "index/segment_terms_builder.h"
#include "index/segment_terms_opener.h"
#include "index/terms_database.h"
#include "storage/base/checksum.h"
#include "storage/segment_format.h"
#include "tests/storage/columns/block_fixture.h"
#include "tests/support/temporary_directory.h"

namespace cordwood::index {
namespace {

using cordwood::samples::MemoryStore;
using cordwood::samples::Rows;

/// Asks for label `name` = `value` after the parsers.
FieldProbe equals(const std::string& name, const std::string& value, bool json = true, bool logfmt = false) {
  FieldProbe probe;
  probe.key = fmt::format("{}{}{}={}", json, logfmt, name, value);
  probe.json = json;
  probe.logfmt = logfmt;
  probe.equals = value;
  probe.may_become = [name](ColumnSource, const std::vector<std::string>& path) { return path.back() == name; };
  probe.accepts = [value](std::string_view text) { return text == value; };
  return probe;
}

struct World {
  explicit World(SegmentTermsOptions options = {}, uint64_t open_bytes = 1 << 20)
      : builder(options, directory.path() + "/terms", fs, metrics), opener(open_bytes, memory, *log, metrics) {}

  std::string build(const std::vector<std::vector<std::string>>& blocks) {
    spilled.clear();
    for (const auto& lines : blocks) {
      Rows rows;
      for (int i = 0; i < 10; ++i)
        for (const std::string& line : lines) rows.add(line, static_cast<int64_t>(rows.size()));
      spilled.push_back(cordwood::samples::spill(blocks_builder.build(rows.input())));
    }
    auto part = builder.build(spilled);
    EXPECT_TRUE(part.ok()) << part.error().message;
    return part.ok() ? *part : "";
  }
  std::shared_ptr<const SegmentTerms> open(const std::string& part) {
    return opener.open(part, xxh3_64(part), static_cast<uint32_t>(spilled.size()));
  }
  /// `01001`: by block.
  std::string holders(const SegmentTerms& terms, const FieldProbe& probe) {
    std::string text;
    for (uint32_t b = 0; b < spilled.size(); ++b) text += terms.may_hold(b, probe, &stats) ? '1' : '0';
    return text;
  }
  bool counted(const std::string& line) { return metrics.text().find("\n" + line + "\n") != std::string::npos; }

  TemporaryDirectory directory;
  PosixFileSystem fs;
  MemoryAccountant memory{{}};
  Metrics metrics;
  std::shared_ptr<Logger> log = Logger::silent();
  XapianTermsBuilder builder;
  XapianTermsOpener opener;
  BlockBuilder blocks_builder{{}};
  std::vector<SpilledBlock> spilled;
  ReadStats stats;
};

const std::vector<std::vector<std::string>> kBlocks = {
    {R"({"status":200,"level":"info"})"},
    {R"({"status":503,"level":"error"})", R"({"status":200})"},
    {R"({"status":"e\u0073c"})"},
    {"status=503 level=info"},
    {R"({"http":{"status":404}})", R"({"status":404} and more)"},
};

TEST(SegmentTerms, NamesTheBlocksThatMayHoldAValue) {
  World world;
  const auto terms = world.open(world.build(kBlocks));
  ASSERT_NE(terms, nullptr);
  const auto f = [&](const FieldProbe& probe, const std::string& want) {
    EXPECT_EQ(world.holders(*terms, probe), want) << probe.key;
  };
  f(equals("status", "503"), "01101");  // the third has escapes, the last a line that json reads though it is none
  f(equals("status", "404"), "00101");
  f(equals("status", "599"), "00101");
  f(equals("level", "error"), "01001");
  f(equals("status", "503", false, true), "11111");  // what logfmt finds in json is not known
  f(equals("status", "200", false, false), "00000");
  f(equals("absent", "x"), "00001");
  FieldProbe large = equals("status", "");
  large.key = "more than 300";
  large.equals.reset();
  large.accepts = [](std::string_view text) { return text > "300"; };
  f(large, "01101");
  EXPECT_EQ(world.stats.index_reads, 1u) << "the database is opened once";
  EXPECT_EQ(world.stats.index_damages, 0u);
  EXPECT_TRUE(world.fs.exists(world.directory.path() + "/terms").ok());
  EXPECT_FALSE(*world.fs.exists(world.directory.path() + "/terms"));
}

TEST(SegmentTerms, KeepsToItsTerms) {
  SegmentTermsOptions options;
  options.terms_per_block = 12;
  World world(options);
  std::vector<std::string> lines;
  for (int i = 0; i < 30; ++i) lines.push_back(fmt::format(R"({{"few":{},"many":{}}})", i % 3, i));
  const std::string part = world.build({lines, {R"({"few":7,"many":7})"}});
  const auto decoded = TermsPart::decode(part);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->blocks, 2u);
  EXPECT_EQ(decoded->fields, 2u);
  EXPECT_LE(decoded->postings, 24u);
  const auto terms = world.open(part);
  ASSERT_NE(terms, nullptr);
  EXPECT_EQ(world.holders(*terms, equals("few", "1")), "10");
  EXPECT_EQ(world.holders(*terms, equals("few", "7")), "01");
  EXPECT_EQ(world.holders(*terms, equals("many", "7")), "11");
  EXPECT_EQ(world.holders(*terms, equals("many", "700")), "10");
  // Of the values that are not listed their range is.
  FieldProbe above = equals("many", "");
  above.equals.reset();
  above.accepts = [](std::string_view) { return false; };
  for (const auto& [least, want] : std::vector<std::pair<double, std::string>>{{29, "10"}, {29.5, "00"}, {-1, "10"}}) {
    above.key = fmt::format("many >= {}", least);
    above.accepts_range = [at_least = least](double, double max) { return max >= at_least; };
    EXPECT_EQ(world.holders(*terms, above), want) << above.key;
  }
}

TEST(SegmentTerms, GivesSmallBlocksAndCrowdedSegmentsFewTerms) {
  SegmentTermsOptions options;
  options.terms_per_segment = 30;
  World world(options);
  const auto f = [&](size_t blocks, size_t fields, uint64_t postings) {
    std::string line = "{";
    for (size_t i = 0; i < fields; ++i) line += fmt::format("{}\"k{}\":{}", i > 0 ? "," : "", i, i);
    const std::string part =
        world.build(std::vector<std::vector<std::string>>(blocks, std::vector<std::string>{line + "}"}));
    EXPECT_EQ(TermsPart::decode(part)->postings, postings) << blocks << " blocks of " << fields << " fields";
    const auto terms = world.open(part);
    ASSERT_NE(terms, nullptr);
    // Blocks whose fields are too many are not described, and so may hold anything.
    EXPECT_EQ(world.holders(*terms, equals("k0", "7")), std::string(blocks, postings == blocks ? '1' : '0'));
  };
  f(1, 20, 21);  // with the term that logfmt may find more
  f(1, 30, 1);
  f(2, 10, 22);
  f(3, 10, 3);
}

TEST(SegmentTerms, DamageRulesNothingOut) {
  World world;
  const std::string part = world.build(kBlocks);
  for (size_t at = 0; at < part.size(); at += 7) {
    std::string damaged = part;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x40);
    EXPECT_EQ(world.opener.open(damaged, xxh3_64(part), 5), nullptr) << at;
  }
  EXPECT_EQ(world.opener.open(part, xxh3_64(part), 6), nullptr) << "of another segment";
  EXPECT_FALSE(world.counted("cordwood_segment_terms_damaged_total 0"));
  // Sums that hold, and a database that is none.
  TermsPart forged;
  forged.blocks = 5;
  std::string bytes;
  forged.encode(std::string(8192, 'x'), &bytes);
  const auto terms = world.opener.open(bytes, xxh3_64(bytes), 5);
  ASSERT_NE(terms, nullptr);
  EXPECT_EQ(world.holders(*terms, equals("status", "599")), "11111");
  EXPECT_EQ(world.stats.index_damages, 1u);
}

TEST(SegmentTerms, BoundsWhatIsOpen) {
  World world({}, 1);
  const std::string part = world.build(kBlocks);
  {
    const auto a = world.open(part);
    const auto b = world.open(part);
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(world.holders(*a, equals("status", std::to_string(i))), "00101");
      EXPECT_EQ(world.holders(*b, equals("status", std::to_string(i))), "00101");
    }
    EXPECT_EQ(world.stats.index_reads, 6u) << "only one stays open";
    EXPECT_EQ(world.memory.used(MemoryShare::cache), TermsPart::decode(part)->database_bytes);
    EXPECT_EQ(world.holders(*a, equals("status", "1")), "00101");
    EXPECT_EQ(world.stats.index_reads, 6u) << "answers are remembered";
  }
  EXPECT_EQ(world.memory.used(MemoryShare::cache), 0u);
}

TEST(SegmentTerms, TravelInTheSegment) {
  World world;
  SegmentOrigin origin;
  origin.terms = world.build(kBlocks);
  MemoryStore store;
  const auto meta = write_segment(store, "segments/s", "node-1", 3, world.spilled, origin);
  ASSERT_TRUE(meta.ok());
  const auto f = [&](SegmentTermsOpener* opener, const std::string& want) {
    const auto segment = Segment::open(store, *meta, opener);
    ASSERT_TRUE(segment.ok()) << segment.error().message;
    std::string got;
    for (const BlockSourcePtr& block : (*segment)->blocks())
      got += block->may_hold_field(equals("status", "503"), &world.stats) ? '1' : '0';
    EXPECT_EQ(got, want);
  };
  f(&world.opener, "01101");
  f(nullptr, "11111");
  std::string& bytes = store.objects["segments/s"];
  const auto footer =
      SegmentFooter::decode(std::string_view(bytes).substr(bytes.size() - SegmentFooter::kBytes), bytes.size());
  ASSERT_TRUE(footer.ok());
  EXPECT_NE(footer->features & kFeatureXapian, 0u);
  bytes[footer->sections[kXapianSection].offset + 20] ^= 1;
  f(&world.opener, "11111");
  EXPECT_TRUE(world.counted("cordwood_segment_terms_damaged_total 1"));
}

TEST(SegmentTerms, AreListed) {
  World world;
  const std::string part = world.build(kBlocks);
  std::string text;
  const auto print = [&text](std::string_view line) { text += std::string(line) + "\n"; };
  ASSERT_TRUE(list_terms(part, print).ok());
  EXPECT_NE(text.find("json status: 2 values, 3 times in a block; range alone in 0 blocks, nothing in 1\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("logfmt level: 1 values, 1 times in a block; range alone in 0 blocks, nothing in 0\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("not described: 0, with packed metadata: 0, with more for json: 1, for logfmt: 4\n"),
            std::string::npos)
      << text;
  EXPECT_FALSE(list_terms(part.substr(0, part.size() / 2), print).ok());
}

/// A part as the first version wrote it.
TEST(SegmentTerms, FrozenSample) {
  World world;
  const std::string today = world.build(kBlocks);
  const auto frozen = world.fs.read_all("tests/format/xapian-part-1", 1 << 20);
  if (!frozen.ok()) {
    const std::string path = ::testing::TempDir() + "xapian-part-1";
    auto file = world.fs.open(path, OpenMode::open_or_create);
    CHECK(file.ok() && (*file)->truncate(0).ok() && (*file)->append(today).ok(), "{}", path);
    FAIL() << "tests/format/xapian-part-1 is missing; what today's version writes is in " << path;
  }
  const auto terms = world.open(*frozen);
  ASSERT_NE(terms, nullptr);
  EXPECT_EQ(world.holders(*terms, equals("status", "503")), "01101");
}

}  // namespace
}  // namespace cordwood::index
