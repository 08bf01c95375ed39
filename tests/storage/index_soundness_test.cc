// SPDX-License-Identifier: Apache-2.0
// Blocks are never ruled out that hold what is asked for: needles cut from stored lines at random offsets, values of
// fields and of metadata, over every data file and random json.  CORDWOOD_INDEX_NEEDLES: how many a file (default 300).
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <random>
#include <set>

#include "storage/base/fold_text.h"
#include "storage/block_carrier.h"
#include "storage/block_index.h"
#include "storage/segment_index.h"
#include "tests/storage/columns/block_fixture.h"
#include "tests/support/json_leaves.h"

namespace cordwood {
namespace {

using samples::MemoryStore;
using samples::Rows;

constexpr size_t kRowsPerBlock = 400;
constexpr size_t kMaxLines = 6000;

struct Tally {
  uint64_t comparisons = 0;
  uint64_t held = 0;       ///< the block holds the needle
  uint64_t ruled_out = 0;  ///< it does not, and the index says so
};

uint64_t needles_per_file() {
  const char* text = std::getenv("CORDWOOD_INDEX_NEEDLES");
  return text == nullptr ? 300 : std::strtoull(text, nullptr, 10);
}

std::vector<std::string> probe_lines(const std::string& command) {
  std::vector<std::string> lines;
  FILE* pipe = popen((command + " 2>/dev/null").c_str(), "r");
  if (pipe == nullptr) return lines;
  std::string all;
  char buffer[1 << 16];
  for (size_t n; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;) all.append(buffer, n);
  pclose(pipe);
  for (size_t begin = 0; begin < all.size() && lines.size() < kMaxLines;) {
    size_t end = all.find('\n', begin);
    if (end == std::string::npos) end = all.size();
    lines.push_back(all.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

/// A segment whose blocks each hold the next lines, and its rows.
class Fixture {
 public:
  explicit Fixture(uint64_t seed) : random_(seed) {}

  void add(const std::vector<std::string>& lines) {
    for (size_t begin = 0; begin < lines.size(); begin += kRowsPerBlock) {
      Rows& rows = blocks_.emplace_back();
      const size_t end = std::min(lines.size(), begin + kRowsPerBlock);
      for (size_t i = begin; i < end; ++i) {
        std::vector<std::pair<std::string, std::string>> metadata;
        if (i % 3 == 0) metadata = {{"trace_id", id(32)}, {"note", piece_of(lines[i], 1 + pick(40))}};
        if (i % 5 == 0) metadata.push_back({"odd", with_odd_folds(piece_of(lines[i], 1 + pick(40)))});
        if (i % 7 == 0) metadata.push_back({"m" + std::to_string(i % 50), id(16) + "-" + std::to_string(i)});
        rows.add(lines[i], static_cast<int64_t>(i), 0, metadata);
      }
    }
  }

  void open() {
    BlockBuilderOptions options;
    options.max_shapes = 30;  // metadata past it is packed, lines past it are raw
    BlockBuilder builder(options);
    std::vector<SpilledBlock> spilled;
    std::vector<std::string> indexes;
    for (Rows& rows : blocks_) {
      EncodedBlock block = builder.build(rows.input());
      indexes.push_back(block.index);
      spilled.push_back(samples::spill(std::move(block)));
    }
    write("s", spilled, &segment_);
    if (!::testing::Test::HasFatalFailure()) carry(indexes);
  }

  /// A second segment of the same blocks, taken over from the first, must know no less.
  void carry(const std::vector<std::string>& indexes) {
    BlockCarrier carrier;
    std::vector<SpilledBlock> spilled;
    for (size_t i = 0; i < blocks_.size(); ++i) {
      const auto source = published_block(*segment_->blocks()[i]);
      ASSERT_TRUE(source.has_value());
      Result<EncodedBlock> block = carrier.carry(*source);
      ASSERT_TRUE(block.ok()) << block.error().message;
      const auto view = samples::source_of(*block)->open(&stats_);
      ASSERT_TRUE(view.ok()) << view.error().message;
      samples::expect_same(view->get(), blocks_[i].rows());
      expect_covers(block->index, indexes[i]);
      spilled.push_back(samples::spill(std::move(block).value()));
    }
    write("carried", spilled, &carried_);
  }

  /// Random offsets: needles begin and end anywhere, or at tokens.
  void cut_needles(uint64_t count, Tally* tally) {
    for (uint64_t n = 0; n < count; ++n) {
      const BlockInputRow& row = row_at(pick(blocks_.size()));
      std::string_view text = row.line;
      if (pick(4) == 0 && !row.metadata.empty()) text = row.metadata[pick(row.metadata.size())].value;
      const size_t length = pick(3) == 0 ? 1 + pick(80) : 1 + pick(24);
      std::string needle = piece_of(text, length);
      if (pick(8) == 0) change(&needle);
      check(TextProbe::substring(needle), needle, tally);
      if (n % 4 == 0) check_folded(needle, tally);
    }
  }

  /// Whole values of metadata and of json fields: `rows` hold them whatever their text looks like.
  void cut_values(uint64_t count, Tally* tally) {
    for (uint64_t n = 0; n < count; ++n) {
      const size_t block = pick(blocks_.size());
      const BlockInputRow& row = row_at(block);
      for (const MetadataPair& pair : row.metadata) expect_held(block, pair.value, tally);
      const auto leaves = json_leaves(row.line);
      if (!leaves) continue;
      for (const JsonLeaf& leaf : *leaves)
        if (leaf.kind == 's') expect_held(block, leaf.value, tally);
    }
  }

  uint64_t pick(uint64_t n) { return random_() % n; }
  std::string id(size_t digits) {
    std::string out;
    while (out.size() < digits) out += "0123456789abcdefABCDEF"[pick(pick(2) == 0 ? 16 : 22)];
    return out;
  }

 private:
  const BlockInputRow& row_at(size_t block) {
    const auto& rows = blocks_[block].rows();
    return rows[pick(rows.size())];
  }
  std::string piece_of(std::string_view text, size_t length) {
    if (text.empty()) return "";
    const size_t begin = pick(text.size());
    return std::string(text.substr(begin, length));
  }
  void change(std::string* needle) {
    if (!needle->empty()) (*needle)[pick(needle->size())] = "aZ0 _-"[pick(6)];
  }
  bool holds(size_t block, std::string_view needle) const {
    for (const BlockInputRow& row : blocks_[block].rows()) {
      if (row.line.find(needle) != std::string_view::npos) return true;
      for (const MetadataPair& pair : row.metadata)
        if (pair.value.find(needle) != std::string_view::npos) return true;
    }
    return false;
  }
  static std::string with_odd_folds(std::string_view text) {
    std::string out;
    for (const char c : text) {
      if (c == 's' || c == 'k') {
        out += c == 's' ? kOddFolds[0] : kOddFolds[1];
      } else {
        out += c;
      }
    }
    return out;
  }
  /// What a text looks like to those who do not tell cases apart.
  static std::string folded(std::string text) {
    for (size_t at; (at = text.find(kOddFolds[0])) != std::string::npos;) text.replace(at, kOddFolds[0].size(), "s");
    for (size_t at; (at = text.find(kOddFolds[1])) != std::string::npos;) text.replace(at, kOddFolds[1].size(), "k");
    std::string out;
    fold_text(text, &out);
    return out;
  }
  bool holds_folded(size_t block, std::string_view needle) const {
    for (const BlockInputRow& row : blocks_[block].rows()) {
      if (folded(std::string(row.line)).find(needle) != std::string::npos) return true;
      for (const MetadataPair& pair : row.metadata)
        if (folded(std::string(pair.value)).find(needle) != std::string::npos) return true;
    }
    return false;
  }
  void check_folded(const std::string& text, Tally* tally) {
    const std::string needle = folded(text);
    const TextProbe probe = TextProbe::folded(needle);
    for (size_t block = 0; block < blocks_.size(); ++block) {
      const bool may = may_hold(block, probe);
      ++tally->comparisons;
      tally->ruled_out += !may;
      // Looking for it takes long: only where it was ruled out it matters.
      ASSERT_TRUE(may || !holds_folded(block, needle)) << "block " << block << " holds, in some case: " << needle;
    }
  }
  /// What either segment says: both must be right.
  bool may_hold(size_t block, const TextProbe& probe) {
    bool may = true;
    for (const auto* segment : {&segment_, &carried_}) {
      const auto answer = (*segment)->blocks()[block]->may_hold(probe, &stats_);
      EXPECT_TRUE(answer.ok());
      may = may && (!answer.ok() || *answer);
      const TextProbe* const asked = &probe;
      const RowBits located = (*segment)->index()->locate_blocks(std::span(&asked, 1), &stats_);
      EXPECT_EQ(located.test(static_cast<uint32_t>(block)), answer.ok() && *answer) << "block " << block;
    }
    return may;
  }
  void write(const std::string& key, const std::vector<SpilledBlock>& blocks, std::shared_ptr<const Segment>* out) {
    const auto meta = write_segment(store_, key, "node", 1, blocks);
    ASSERT_TRUE(meta.ok()) << meta.error().message;
    auto segment = Segment::open(store_, *meta);
    ASSERT_TRUE(segment.ok()) << segment.error().message;
    *out = std::move(segment).value();
  }
  /// The same facts and filters, and all ids.
  void expect_covers(std::string_view index, std::string_view original) {
    const auto head = check_block_index(index);
    const auto wanted = check_block_index(original);
    ASSERT_TRUE(head.ok() && wanted.ok());
    EXPECT_EQ(head->facts.flags, wanted->facts.flags);
    EXPECT_EQ(head->facts.hex_lengths, wanted->facts.hex_lengths);
    EXPECT_EQ(index.substr(head->filters_offset(), head->facts.filter_bytes()),
              original.substr(wanted->filters_offset(), wanted->facts.filter_bytes()));
    const auto ids_of = [](std::string_view bytes, const BlockIndexHeader& h) {
      std::set<std::string_view> ids;
      for (uint32_t i = 0; i < h.ids; ++i)
        ids.insert(bytes.substr(h.ids_offset() + i * BlockIndexHeader::kIdBytes, BlockIndexHeader::kIdBytes));
      return ids;
    };
    const auto ids = ids_of(index, *head);
    const auto needed = ids_of(original, *wanted);
    EXPECT_EQ(ids.size(), head->ids) << "an id twice";
    EXPECT_TRUE(std::includes(ids.begin(), ids.end(), needed.begin(), needed.end())) << "an id was lost";
    surplus_ids_ += ids.size() - needed.size();
    ids_ += needed.size();
    EXPECT_LE(surplus_ids_, 10 + ids_ / 20);
  }
  void check(const TextProbe& probe, const std::string& needle, Tally* tally) {
    for (size_t block = 0; block < blocks_.size(); ++block) {
      const bool may = may_hold(block, probe);
      ++tally->comparisons;
      const bool truth = holds(block, needle);
      tally->held += truth;
      tally->ruled_out += !truth && !may;
      ASSERT_TRUE(may || !truth) << "block " << block << " holds: " << needle;
    }
  }
  void expect_held(size_t block, std::string_view value, Tally* tally) {
    ++tally->comparisons;
    ++tally->held;
    ASSERT_TRUE(may_hold(block, TextProbe::value(value))) << "block " << block << " holds the value: " << value;
  }

  std::mt19937_64 random_;
  std::vector<Rows> blocks_;
  MemoryStore store_;
  std::shared_ptr<const Segment> segment_;
  std::shared_ptr<const Segment> carried_;  ///< the same blocks, taken over
  uint64_t ids_ = 0;
  uint64_t surplus_ids_ = 0;
  ReadStats stats_;
};

void run(const std::vector<std::string>& lines, const std::string& name, Tally* sum) {
  Tally tally;
  Fixture fixture(std::hash<std::string>()(name) ^ 7);
  fixture.add(lines);
  fixture.open();
  fixture.cut_needles(needles_per_file(), &tally);
  fixture.cut_values(needles_per_file(), &tally);
  sum->comparisons += tally.comparisons;
  sum->held += tally.held;
  sum->ruled_out += tally.ruled_out;
}

void report(const Tally& t) {
  ::testing::Test::RecordProperty("comparisons", std::to_string(t.comparisons));
  std::printf("%llu comparisons: %llu held, %llu ruled out, %llu not ruled out\n",
              static_cast<unsigned long long>(t.comparisons), static_cast<unsigned long long>(t.held),
              static_cast<unsigned long long>(t.ruled_out),
              static_cast<unsigned long long>(t.comparisons - t.held - t.ruled_out));
}

TEST(IndexSoundness, RealFiles) {
  const std::string data = "../shared/data";
  if (!std::filesystem::exists(data)) GTEST_SKIP() << data << " is missing";
  Tally sum;
  std::vector<std::string> commands = {"zcat " + data + "/nginx-access.log.gz",
                                       "zcat " + data + "/nginxplus-nested.json.gz",
                                       "unzip -p " + data + "/windows/sharpdump.json.zip"};
  for (const auto& file : std::filesystem::directory_iterator(data + "/loghub"))
    if (file.path().extension() == ".log") commands.push_back("cat " + file.path().string());
  for (const std::string& command : commands) {
    const std::vector<std::string> lines = probe_lines(command);
    ASSERT_FALSE(lines.empty()) << command;
    run(lines, command, &sum);
    if (HasFatalFailure()) FAIL() << command;
  }
  report(sum);
  EXPECT_GT(sum.ruled_out, sum.comparisons / 10);
}

/// Text in which ids, escapes, UUIDs, times and odd bytes stand beside one another.
class RandomText {
 public:
  /// `plain`: nothing that hides values.
  RandomText(uint64_t seed, bool plain) : random_(seed), plain_(plain) {}
  std::string line() {
    if (pick(3) == 0) return text(1 + pick(12));
    std::string out = "{\"id\":" + std::to_string(pick(1000));
    for (uint64_t i = pick(7); i > 0; --i) out += ",\"k" + std::to_string(pick(9)) + "\":" + value(2);
    return out + "}";
  }

 private:
  uint64_t pick(uint64_t n) { return random_() % n; }
  std::string hex(size_t digits) {
    std::string out;
    while (out.size() < digits) out += "0123456789abcdefABCDEF"[pick(22)];
    return out;
  }
  std::string uuid() {
    constexpr uint64_t kOdd = 4;
    return hex(8 + (pick(kOdd) == 0)) + "-" + hex(4) + "-" + hex(4) + "-" + hex(4 + (pick(9) == 0)) + "-" +
           hex(12 + (pick(kOdd) == 0));
  }
  std::string word() {
    switch (pick(14)) {
      case 0: return hex(16);
      case 1: return hex(32);
      case 2: return hex(14 + pick(24));
      case 3: return uuid();
      case 4: return uuid() + "-" + hex(4) + "-" + hex(4) + "-" + hex(4) + "-" + hex(12);
      case 5: return std::to_string(random_() >> pick(63));
      case 6: return "2026-01-0" + std::to_string(1 + pick(9)) + "T12:" + std::to_string(10 + pick(50)) + ":01.123456Z";
      case 7: return "caf\xc3\xa9" + std::to_string(pick(99));
      case 8: return "user_" + hex(pick(20));
      case 9: return std::to_string(pick(1000)) + "." + std::to_string(pick(1000));
      default: return std::string(1 + pick(3), static_cast<char>('a' + pick(26))) + std::to_string(pick(300)) + "x";
    }
  }
  std::string joint() { return std::vector<std::string>{" ", "-", "_", "=", ":", "/", "", ".", ","}[pick(9)]; }
  std::string text(uint64_t words) {
    std::string out;
    for (uint64_t i = 0; i < words; ++i) out += (i > 0 ? joint() : "") + word();
    if (!plain_ && pick(20) == 0) out += "\xff" + word();
    if (pick(20) == 0) out += "\\n" + word();
    return out;
  }
  std::string value(int depth) {
    const uint64_t kind = pick(10);
    if (kind == 0 && depth > 0) return "{\"in\":" + value(depth - 1) + "}";
    if (kind == 1) return std::to_string(static_cast<int64_t>(random_()) >> pick(63));
    if (kind == 2) return "[\"" + word() + "\"," + std::to_string(pick(9)) + "]";
    std::string out = "\"";
    for (uint64_t i = 1 + pick(3); i > 0; --i) {
      out += word() + (pick(3) == 0 ? joint() : "");
      if (pick(rare_) == 0) out += std::vector<std::string>{"\\n", "\\\\", "\\\"", "\\b", "\\f", "\\/", "\\t"}[pick(7)];
      if (!plain_ && pick(rare_ * 20) == 0) out += std::vector<std::string>{"\\u0041", "\\u00e9", "\\\\u0041"}[pick(3)];
    }
    return out + "\"";
  }

  std::mt19937_64 random_;
  const uint64_t rare_ = 6;
  const bool plain_;
};

TEST(IndexSoundness, RandomJson) {
  Tally sum;
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    RandomText text(seed, seed % 2 == 0);
    std::vector<std::string> lines;
    for (size_t i = 0; i < 2000; ++i) lines.push_back(text.line());
    run(lines, std::to_string(seed), &sum);
    if (HasFatalFailure()) FAIL() << "seed " << seed;
  }
  report(sum);
}

}  // namespace
}  // namespace cordwood
