// SPDX-License-Identifier: Apache-2.0
#include "lifecycle/merger.h"

#include <gmock/gmock.h>

#include <set>

#include "storage/base/niceness.h"
#include "storage/segment_format.h"
#include "tests/support/merge_world.h"

namespace cordwood::lifecycle {
namespace {

using ::testing::IsEmpty;
using ::testing::Not;

constexpr int64_t kDayBeginNs = 1'700'006'400'000'000'000;

class MergerTest : public testing::Test {
 protected:
  void SetUp() override { open(); }
  void open() {
    merging_.forget();
    const Result<void> opened = world_.open();
    ASSERT_TRUE(opened.ok()) << opened.error().message;
  }
  void append(const TenantId& tenant, const std::vector<StoredRow>& rows) {
    const auto done = world_.engine->append(make_batch(*world_.engine, tenant, rows), nullptr);
    ASSERT_TRUE(done.ok()) << done.error().message;
  }
  void flush() {
    const Result<void> flushed = world_.engine->flush();
    ASSERT_TRUE(flushed.ok()) << flushed.error().message;
  }
  void merge(const std::vector<std::string>& keys) {
    const Result<void> merged = merging_.merger().merge_segments(keys);
    ASSERT_TRUE(merged.ok()) << merged.error().message;
  }
  std::vector<StoredRow> read(const TenantId& tenant) {
    auto rows = read_distinct_rows(*world_.engine->snapshot(), tenant);
    EXPECT_TRUE(rows.ok()) << rows.error().message;
    return rows.ok() ? *rows : std::vector<StoredRow>();
  }
  std::vector<StoredRow> read_copies_too(const TenantId& tenant) {
    auto rows = read_rows(*world_.engine->snapshot(), tenant);
    EXPECT_TRUE(rows.ok()) << rows.error().message;
    return rows.ok() ? *rows : std::vector<StoredRow>();
  }
  size_t objects() {
    const auto found = world_.store->list("segments/", "", 10000);
    EXPECT_TRUE(found.ok());
    return found.ok() ? found->size() : 0;
  }
  uint64_t count(const std::string& name) { return world_.metrics.counter(name, "").value(); }

  EngineWorld world_{1};
  MergeWorld merging_{world_};
};

/// Rows of several streams around midnight: many of one time, late ones, copies of earlier ones, with metadata and
/// without, JSON and not.
class RandomRows {
 public:
  explicit RandomRows(uint64_t seed) : random_(seed) {}
  uint64_t pick(uint64_t below) { return random_() % below; }
  std::vector<StoredRow> make(size_t count) {
    std::vector<StoredRow> rows(count);
    for (StoredRow& row : rows) {
      if (!recent_.empty() && pick(8) == 0) {
        row = recent_[pick(recent_.size())];
        continue;
      }
      row.stream = fmt::format("s{}", pick(6));
      time_ns_ += static_cast<int64_t>(pick(3)) * 1000;
      row.time_ns = time_ns_ - (pick(5) == 0 ? static_cast<int64_t>(pick(60)) * 1000 : 0);
      row.line = fmt::format("{{\"n\":{},\"text\":\"{}\"}}", number_++, std::string(pick(30), 'x'));
      if (pick(10) == 0) row.line = fmt::format("plain \xff {}", pick(50));
      if (pick(3) == 0) row.metadata = {{"k", std::to_string(pick(4))}, {"trace", fmt::format("{:016x}", pick(9))}};
      recent_.push_back(row);
      if (recent_.size() > 200) recent_.erase(recent_.begin());
    }
    return rows;
  }

 private:
  std::mt19937_64 random_;
  std::vector<StoredRow> recent_;
  int64_t time_ns_ = kDayBeginNs - 100'000;
  uint64_t number_ = 0;
};

TEST_F(MergerTest, TheWholeOrderedAnswerStaysWhateverIsMerged) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(seed);
    RandomRows random(seed);
    world_.options.block_rows = 5 + static_cast<uint32_t>(random.pick(60));
    world_.options.segment_bytes = random.pick(3) == 0 ? 1 + random.pick(4000) : 256u << 20;
    merging_.options.block_limits.rows = 8 + static_cast<uint32_t>(random.pick(100));
    merging_.options.memory_bytes = random.pick(2) == 0 ? 64u << 20 : 4096 + random.pick(60'000);
    merging_.options.policy.segment_bytes = random.pick(3) == 0 ? 2000 : 256u << 20;
    merging_.options.own_segment_bytes = 500 + random.pick(8000);
    if (seed % 2 == 0) merging_.options.carry = {300 + random.pick(2000), 3 + static_cast<uint32_t>(random.pick(40))};
    open();
    const std::string a = fmt::format("a{}", seed), b = fmt::format("b{}", seed);
    for (int round = 0; round < 25; ++round) {
      append(a, random.make(random.pick(40)));
      append(b, random.make(random.pick(12)));
      if (random.pick(3) > 0) flush();
      if (round % 3 != 2) continue;
      const std::vector<StoredRow> before_a = read(a), before_b = read(b);
      std::vector<std::string> some;  // neighbours or not
      const uint64_t share = 1 + random.pick(4);
      for (const std::string& key : merging_.keys())
        if (random.pick(4) < share) some.push_back(key);
      if (some.empty()) continue;
      merge(some);
      ASSERT_EQ(read(a), before_a) << "round " << round;
      ASSERT_EQ(read(b), before_b) << "round " << round;
    }
    flush();
    const std::vector<StoredRow> before_a = read(a), before_b = read(b);
    merging_.options.memory_bytes = 64u << 20;
    merging_.options.block_limits.rows = 64u << 10;
    merging_.options.carry = {};
    merging_.renew();
    merge(merging_.keys());
    EXPECT_EQ(read_copies_too(a), before_a) << "copies are folded for good";
    EXPECT_EQ(read_copies_too(b), before_b);
    world_.fs.restart();
    open();
    EXPECT_EQ(read_copies_too(a), before_a) << "after a restart";
    EXPECT_EQ(objects(), merging_.keys().size()) << "objects of merged segments are left";
    if (HasFailure()) return;
  }
}

TEST_F(MergerTest, IdsOfManyBlocksAreListedAndComeBack) {
  std::mt19937_64 random(5);
  world_.options.block_rows = 300;
  merging_.options.block_limits.rows = 500;
  open();
  int64_t time_ns = kDayBeginNs;
  for (int round = 0; round < 3; ++round) {
    std::vector<StoredRow> rows;
    std::vector<std::string> ids(900);
    for (std::string& id : ids) id = fmt::format("{:016x}{:016x}", random(), random());
    for (int stream = 0; stream < 6; ++stream) {
      for (const std::string& id : ids) {
        const std::string line = fmt::format(R"({{"trace_id":"{}","span":"{:016x}"}})", id, random());
        rows.push_back({fmt::format("s{}", stream), time_ns += 1000, line, {{"request", id}}});
      }
    }
    append("t", rows);
    flush();
  }
  const auto listed = [&] {
    size_t segments = 0;
    for (const std::string& key : merging_.keys()) {
      const uint64_t size = world_.store->head(key).value().size_bytes;
      const std::string footer =
          world_.store->get_range(key, size - SegmentFooter::kBytes, SegmentFooter::kBytes).value();
      segments += (SegmentFooter::decode(footer, size).value().features & kFeatureIdLists) != 0;
    }
    return segments;
  };
  EXPECT_EQ(listed(), 3u);
  const std::vector<StoredRow> before = read("t");
  EXPECT_EQ(before.size(), 16200u);
  merge(merging_.keys());
  EXPECT_EQ(listed(), 1u);
  EXPECT_EQ(read_copies_too("t"), before);
  world_.fs.restart();
  open();
  EXPECT_EQ(read_copies_too("t"), before);
}

TEST_F(MergerTest, ThePolicyIsCarriedOutUntilNothingIsDue) {
  for (int64_t i = 0; i < 20; ++i) {
    append("t", {{"s0", kDayBeginNs + i, fmt::format("line {}", i), {}}, {"s0", kDayBeginNs, "the same", {}}});
    append("u", {{"s1", kDayBeginNs - 50 + i * 5, fmt::format("line {}", i), {{"k", "v"}}}});
    flush();
  }
  const std::vector<StoredRow> t = read("t"), u = read("u");
  EXPECT_EQ(t.size(), 21u);
  merging_.options.policy.fan_in = 4;
  merging_.renew().tick();
  EXPECT_EQ(read("t"), t);
  EXPECT_EQ(read("u"), u);
  EXPECT_LE(merging_.keys().size(), 8u);
  EXPECT_GE(count("cordwood_merges_total"), 5u);
  const size_t left = merging_.keys().size();
  merging_.merger().tick();
  EXPECT_EQ(merging_.keys().size(), left) << "nothing was due";
  append("t", {{"s0", kDayBeginNs + 100, "in the head", {}}});
  merging_.merger().tick();
  EXPECT_EQ(read("t").size(), 22u);
}

TEST_F(MergerTest, PausesWhileAnswersAreAwaitedUnlessItIsBehind) {
  RandomRows random(3);
  const auto paused_while_merging_ns = [&] {
    for (int i = 0; i < 8; ++i) {
      append("t", random.make(3000));
      flush();
    }
    const AwaitedAnswer awaited;
    const int64_t before_ns = PausesForAnswers::total_ns();
    EXPECT_TRUE(merging_.renew().merge_once());
    return PausesForAnswers::total_ns() - before_ns;
  };
  merging_.options.policy.fan_in = 8;
  EXPECT_GT(paused_while_merging_ns(), 0) << "eight wait";
  merging_.options.hurry_segments = 7;
  EXPECT_EQ(paused_while_merging_ns(), 0) << "eight wait, one too many";
}

TEST_F(MergerTest, HundredThousandRowsOfOneTime) {
  constexpr size_t kSameTimeRows = 100'000;
  std::vector<StoredRow> all;
  for (size_t i = 0; i < kSameTimeRows; ++i) all.push_back({"s0", kDayBeginNs, fmt::format("line {}", i), {}});
  for (size_t i = 0; i < kSameTimeRows; i += 10'000) {
    std::vector<StoredRow> part(all.begin() + static_cast<ptrdiff_t>(i),
                                all.begin() + static_cast<ptrdiff_t>(i) + 10'000);
    append("t", part);
    flush();
    append("t", part);  // once more, after they were published
  }
  flush();
  merging_.options.block_limits.rows = 16u << 10;
  merging_.renew();
  merge(merging_.keys());
  const auto rows = read_copies_too("t");
  EXPECT_EQ(rows.size(), kSameTimeRows);
  EXPECT_TRUE(rows == all) << "in the order of arrival";
  EXPECT_EQ(count("cordwood_merge_duplicate_rows_total"), kSameTimeRows);
}

/// Blocks that were one have one arrival.  A later merge that has no room for all of them must not join some with rows
/// that came later.
TEST_F(MergerTest, LaterRowsStayBehindBlocksOfEqualArrival) {
  std::vector<StoredRow> rows;
  for (int64_t i = 0; i < 14; ++i) rows.push_back({"s0", kDayBeginNs + i, fmt::format("line {}", i), {}});
  append("t", rows);
  flush();
  merging_.options.block_limits.rows = 8;
  merging_.renew();
  merge(merging_.keys());
  ASSERT_EQ(merging_.segments()[0].blocks, 2u);
  const StoredRow late{"s0", kDayBeginNs + 6, "late", {}};  // of the time that the first block ends with
  append("t", {late});
  flush();
  merging_.options.memory_bytes = 1024;  // room for the order of eight rows: a block of seven and one more
  merging_.renew();
  merge(merging_.keys());
  rows.insert(rows.begin() + 7, late);
  EXPECT_EQ(read("t"), rows);
  merging_.options.memory_bytes = 64u << 20;
  merging_.renew();
  merge(merging_.keys());
  EXPECT_EQ(read("t"), rows);
}

/// Large blocks stay as they are, and so do small ones of their family, which would stay small.  Those whose rows
/// overlap are made anew.
TEST_F(MergerTest, LargeBlocksAreCarriedOver) {
  world_.options.block_rows = 1000;
  merging_.options.carry = {1u << 30, 100};
  open();
  int64_t time_ns = kDayBeginNs;
  const auto rows_of = [&time_ns](const std::string& stream, int count) {
    std::vector<StoredRow> rows;
    for (int i = 0; i < count; ++i) {
      const std::string line = fmt::format(R"({{"id":"{:032x}","n":{}}})", time_ns / 7000 % 90, time_ns % 977);
      rows.push_back({stream, time_ns += 1000, line, {{"request", fmt::format("{:016x}", time_ns / 5000)}}});
    }
    return rows;
  };
  const auto add = [&](const std::vector<StoredRow>& rows) {
    append("t", rows);
    flush();
  };
  for (int round = 0; round < 3; ++round) add(rows_of("s0", 400));
  const auto check = [&](uint64_t carried, uint32_t blocks) {
    const std::vector<StoredRow> before = read("t");
    const uint64_t carried_before = count("cordwood_merge_carried_rows_total");
    merge(merging_.keys());
    EXPECT_EQ(read("t"), before);
    EXPECT_EQ(count("cordwood_merge_carried_rows_total") - carried_before, carried);
    ASSERT_EQ(merging_.segments().size(), 1u);
    EXPECT_EQ(merging_.segments()[0].blocks, blocks);
  };
  check(1200, 3);
  add(rows_of("s0", 20));
  check(1220, 4);
  std::vector<StoredRow> late = rows_of("s0", 300);
  time_ns -= 200'000;
  const std::vector<StoredRow> later = rows_of("s0", 300);
  add(late);
  add(later);
  check(1200, 4);  // 20 and 600 rows, 200 of them copies, become one block
  for (int round = 0; round < 3; ++round) add(rows_of("s1", 30));
  check(1620 + 90, 7);
}

TEST_F(MergerTest, SmallBlocksBecomeLargeOnes) {
  world_.options.block_rows = 500;
  open();
  for (int64_t i = 0; i < 8; ++i) {
    std::vector<StoredRow> rows;
    for (int64_t n = 0; n < 1000; ++n)
      rows.push_back({"s0", kDayBeginNs + i * 1000 + n, fmt::format("line {}", n), {}});
    append("t", rows);
    flush();
  }
  merging_.options.block_limits.rows = 4500;
  merge(merging_.keys());
  const std::vector<SegmentMeta> segments = merging_.segments();
  ASSERT_EQ(segments.size(), 1u);
  EXPECT_EQ(segments[0].blocks, 2u);
  EXPECT_EQ(segments[0].rows, 8000u);
  EXPECT_EQ(segments[0].level, 1u);
  EXPECT_EQ(segments[0].replaces.size(), 8u);
  EXPECT_EQ(segments[0].arrival_min, 1u);
  EXPECT_EQ(segments[0].arrival_max, 8000u);
}

TEST_F(MergerTest, ASnapshotKeepsWhatItNames) {
  for (int64_t i = 0; i < 4; ++i) {
    append("t", {{"s0", kDayBeginNs + i, fmt::format("line {}", i), {}}});
    flush();
  }
  SnapshotPtr held = world_.engine->snapshot();
  const auto before = read_rows(*held, "t");
  ASSERT_TRUE(before.ok());
  merge(merging_.keys());
  world_.engine->tick();
  EXPECT_EQ(objects(), 5u) << "four that a snapshot names, and the new one";
  const auto after = read_rows(*held, "t");
  ASSERT_TRUE(after.ok()) << after.error().message;
  EXPECT_EQ(*after, *before);
  held = nullptr;
  world_.engine->tick();
  EXPECT_EQ(objects(), 1u);
  EXPECT_EQ(read("t"), *before);
}

TEST_F(MergerTest, WhatCannotBeReadStaysAsItIs) {
  for (int64_t i = 0; i < 9; ++i) {
    std::vector<StoredRow> rows;
    for (int64_t n = 0; n < 200; ++n) {
      rows.push_back({"s0", kDayBeginNs + i * 1000 + n, fmt::format("{:x}", xxh3_64(fmt::format("{}-{}", i, n))), {}});
    }
    append("t", rows);
    flush();
  }
  const std::string bad = merging_.keys()[4];
  {
    const auto file = world_.fs.open("data/objects/" + bad, OpenMode::read_write);
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE((*file)->write_at(30, "this is no longer what was written").ok());
  }
  open();
  ASSERT_EQ(merging_.keys().size(), 9u) << "the damage is not in the tail";
  merging_.options.policy.fan_in = 9;
  merging_.renew().tick();
  EXPECT_EQ(count("cordwood_merge_damaged_total"), 1u);
  EXPECT_EQ(count("cordwood_merges_total"), 0u);
  EXPECT_EQ(merging_.keys().size(), 9u);
  EXPECT_EQ(objects(), 9u);
  for (int i = 0; i < 10; ++i) merging_.merger().tick();
  EXPECT_EQ(count("cordwood_merge_damaged_total"), 1u) << "it was tried again at once";
  // The others go on without it.
  world_.clock.advance_ns(merging_.options.quiet_after_ns);
  merging_.merger().tick();
  EXPECT_EQ(count("cordwood_merges_total"), 2u);
  EXPECT_THAT(merging_.keys(), testing::Contains(bad));
  EXPECT_EQ(merging_.keys().size(), 3u);
}

TEST_F(MergerTest, AChangeWhoseAnswerWasLostIsSettled) {
  int next = 0;
  for (const SimOperation operation : {SimOperation::sync_directory, SimOperation::rename, SimOperation::sync}) {
    for (uint64_t nth = 1; nth < 12; ++nth) {
      SCOPED_TRACE(nth);
      for (int64_t i = 0; i < 3; ++i) {
        append("t", {{"s0", kDayBeginNs + static_cast<int64_t>(nth), fmt::format("line {}", next++), {}}});
        flush();
      }
      const std::vector<StoredRow> before = read("t");
      world_.fs.fail_nth(operation, nth, ErrorKind::io);
      merging_.merger().tick();
      EXPECT_EQ(read("t"), before);
      world_.fs.clear_failure_rates();
      world_.clock.advance_ns(2 * merging_.options.retry_after_ns);
      append("t", {{"s0", kDayBeginNs, fmt::format("other {}", next++), {}}});
      flush();
      world_.clock.advance_ns(2 * merging_.options.retry_after_ns);
      merging_.merger().tick();
      EXPECT_EQ(read("t").size(), before.size() + 1);
      const std::vector<StoredRow> after = read("t");
      world_.fs.restart();
      open();
      EXPECT_EQ(read("t"), after);
      ASSERT_FALSE(HasFailure());
    }
  }
  EXPECT_GT(count("cordwood_merges_total"), 30u);
}

}  // namespace
}  // namespace cordwood::lifecycle
