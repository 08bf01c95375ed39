// SPDX-License-Identifier: Apache-2.0
// Common id tables of days: when they are written, what they are good for, and that nothing depends on them.
#include "lifecycle/day_tables.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "lifecycle/backup.h"
#include "lifecycle/repair.h"
#include "storage/id_reads.h"
#include "tests/support/eraser_world.h"
#include "tests/support/merge_world.h"
#include "tests/support/s3_world.h"

namespace cordwood::lifecycle {
namespace {

constexpr int64_t kMidnightNs = 1'700'006'400'000'000'000;
constexpr int kSegments = 4;
constexpr int kRows = 60;

TEST(DayTables, AreChosenForDaysThatAreOver) {
  std::vector<MergeCandidate> all;
  const auto add = [&](uint32_t level, uint64_t bytes, std::vector<MergePart> parts) {
    all.push_back({fmt::format("s{}", all.size()), level, bytes, all.size(), all.size(), false, std::move(parts)});
  };
  add(1, 1000, {{"a", 5}});
  add(2, 4000, {{"a", 5}});
  add(1, 1000, {{"a", 6}});
  add(1, 1000, {{"b", 5}});
  add(0, 1000, {{"a", 5}});            // young, and left so
  add(1, 1000, {{"a", 5}, {"b", 5}});  // shared
  add(1, 1000, {{"b", 6}});
  add(1, 1000, {{"b", 6}});
  bool rests = false;
  const auto f = [&](int32_t first_open_day, std::set<size_t> joined, bool quiet,
                     const std::vector<std::vector<size_t>>& want) {
    std::vector<std::vector<size_t>> got;
    for (const DayTable& day : choose_day_tables(
             all, {}, [&](size_t i) { return joined.contains(i); }, [&](const MergePart&) { return rests; }, quiet,
             first_open_day))
      got.push_back(day.segments);
    EXPECT_EQ(got, want);
  };
  f(5, {}, true, {});
  f(6, {}, false, {{1, 0}});
  rests = true;
  f(6, {}, false, {{1, 0, 4}});
  f(7, {}, false, {{6, 7}, {1, 0, 4}});
  f(7, {0, 1, 4}, true, {{6, 7}});
  f(6, {1, 4}, false, {{1, 0, 4}});  // the other is a sixth of it
  all[0].size_bytes = 300;
  f(6, {1, 4}, false, {});
  f(6, {1, 4}, true, {{1, 4, 0}});
  for (int i = 0; i < 4; ++i) add(1, 10, {{"a", 5}});
  f(6, {0, 1, 4}, false, {{1, 4, 0, 10, 11, 8, 9}});
  f(6, {0, 1, 4, 8}, false, {});
}

std::string id_of(uint64_t number) {
  std::mt19937_64 random(number);
  const uint64_t high = random();
  return fmt::format("{:016x}{:016x}", high, random());
}

/// A day that is over, of several segments that nothing merges any more.
struct DayWorld {
  explicit DayWorld(uint64_t seed = 1) : world(seed), merging(world), erasing(world, merging) {
    world.options.block_rows = 20;
    merging.options.policy.segment_bytes = 1;
    merging.options.own_segment_bytes = 1;
    merging.options.day_ids = true;
    world.clock.set_now_ns(kMidnightNs + 3 * kNsPerDay);
  }
  void open() {
    erasing.forget();
    merging.forget();
    const Result<void> opened = world.open();
    ASSERT_TRUE(opened.ok()) << opened.error().message;
  }
  /// One more segment of the day, as a merge leaves it.
  void add_segment() {
    add_young_segment();
    const std::vector<SegmentMeta> segments = merging.segments();
    ASSERT_TRUE(merging.renew().merge_segments({segments.back().key}).ok());
  }
  void add_young_segment() {
    std::vector<StoredRow> more;
    for (int i = 0; i < kRows; ++i) {
      const uint64_t n = rows.size() + more.size();
      more.push_back({fmt::format("s{}", n % 3),
                      kMidnightNs + static_cast<int64_t>(n),
                      fmt::format("{{\"id\":\"{}\",\"n\":{}}}", id_of(n), n),
                      {{"pair", id_of(1'000'000 + n / 2)}}});
    }
    ASSERT_TRUE(world.engine->append(make_batch(*world.engine, "t", more), nullptr).ok());
    rows.insert(rows.end(), more.begin(), more.end());
    ASSERT_TRUE(world.engine->flush().ok());
  }
  void fill() {
    for (int i = 0; i < kSegments; ++i) add_segment();
    world.engine->tick();
  }
  std::vector<std::shared_ptr<const DayIds>> tables() { return world.engine->merge_target()->merge_state().day_ids; }
  /// Blocks that may hold it; what it took is added to the stats.
  std::vector<BlockSourcePtr> holders(const std::string& id, ReadStats* stats) {
    const auto blocks = world.engine->snapshot()->blocks("t", TimeRange::all());
    const TextProbe probe = TextProbe::value(id);
    IdReads reads;
    for (const BlockSourcePtr& block : blocks) block->add_id_reads(probe, &reads);
    reads.run(stats);
    std::vector<BlockSourcePtr> found;
    for (const BlockSourcePtr& block : blocks)
      if (*block->may_hold(probe, stats)) found.push_back(block);
    return found;
  }
  /// Every id is found where it is, and hardly one where it is not.
  void check_ids() {
    for (size_t n = 0; n < rows.size(); n += 7) {
      ReadStats stats;
      const auto own = holders(id_of(n), &stats);
      ASSERT_GE(own.size(), 1u) << n;
      ASSERT_LE(own.size(), 2u) << n;
      ASSERT_TRUE(std::any_of(own.begin(), own.end(), [&](const BlockSourcePtr& block) {
        const auto view = block->open(&stats);
        return view.ok() && !(*view)->rows_with_text(id_of(n), TextPlace::line)->none();
      })) << n;
      ASSERT_GE(holders(id_of(1'000'000 + n / 2), &stats).size(), 1u) << n;
    }
  }
  /// Objects that are there and named, and no others.
  void check_objects() {
    std::set<std::string> named;
    for (const SegmentMeta& meta : merging.segments()) named.insert(meta.key);
    for (const auto& table : tables()) named.insert(table->meta().key);
    std::set<std::string> there;
    const auto listed = world.store->list("segments/", "", 1000);
    for (const ObjectInfo& object : *listed) there.insert(object.key);
    EXPECT_EQ(there, named);
  }
  uint64_t reads_of(const std::string& id) {
    ReadStats stats;
    (void)holders(id, &stats);
    return stats.index_reads;
  }
  std::vector<StoredRow> read() { return *read_distinct_rows(*world.engine->snapshot(), "t"); }
  void rest() { world.clock.advance_ns(merging.options.quiet_after_ns + 1); }

  EngineWorld world;
  MergeWorld merging;
  EraserWorld erasing;
  std::vector<StoredRow> rows;
};

TEST(DayTables, OneReadLocatesAnIdInADayOfManySegments) {
  DayWorld day;
  day.open();
  day.fill();
  ASSERT_EQ(day.merging.segments().size(), static_cast<size_t>(kSegments));
  EXPECT_EQ(day.reads_of(id_of(5)), static_cast<uint64_t>(kSegments));
  EXPECT_EQ(day.reads_of(id_of(77'777'777)), static_cast<uint64_t>(kSegments));
  day.merging.merger().tick();
  ASSERT_EQ(day.tables().size(), 1u);
  EXPECT_EQ(day.tables()[0]->meta().parts.size(), static_cast<size_t>(kSegments));
  EXPECT_EQ(day.reads_of(id_of(6)), 1u);
  EXPECT_EQ(day.reads_of(id_of(77'777'778)), 1u) << "an id that is nowhere";
  day.check_ids();
  day.check_objects();
  day.world.close();
  day.open();
  ASSERT_EQ(day.tables().size(), 1u);
  EXPECT_EQ(day.reads_of(id_of(6)), 1u);
  day.merging.renew().tick();
  EXPECT_EQ(day.world.metrics.counter("cordwood_day_id_tables_total", "").value(), 1u);
}

/// A single one beside a large one stays as it is, and all else may go on meanwhile.
TEST(DayTables, AYoungSegmentCountsOnceItsDayRests) {
  DayWorld day;
  day.open();
  day.add_segment();
  day.add_young_segment();
  const auto another_day = [&] {
    const StoredRow row{"s0", day.world.clock.now_ns(), "{}", {}};
    ASSERT_TRUE(day.world.engine->append(make_batch(*day.world.engine, "t", {row}), nullptr).ok());
    ASSERT_TRUE(day.world.engine->flush().ok());
  };
  another_day();
  day.merging.merger().tick();
  EXPECT_TRUE(day.tables().empty());
  EXPECT_EQ(day.reads_of(id_of(5)), 2u);
  day.world.clock.advance_ns(day.merging.options.quiet_after_ns / 2);
  day.merging.merger().tick();
  another_day();
  day.world.clock.advance_ns(day.merging.options.quiet_after_ns / 2 + 1);
  another_day();
  day.merging.merger().tick();
  ASSERT_EQ(day.tables().size(), 1u);
  EXPECT_EQ(day.tables()[0]->meta().parts.size(), 2u);
  EXPECT_EQ(day.reads_of(id_of(6)), 1u);
  day.check_ids();
}

TEST(DayTables, DaysThatGoOnGetNone) {
  DayWorld day;
  day.world.clock.set_now_ns(kMidnightNs + kNsPerDay);
  day.open();
  day.fill();
  day.merging.merger().tick();
  EXPECT_TRUE(day.tables().empty());
  day.world.clock.set_now_ns(kMidnightNs + kNsPerDay + 3'600'000'000'000);
  day.merging.options.day_ids = false;
  day.merging.renew().tick();
  EXPECT_TRUE(day.tables().empty());
  day.merging.options.day_ids = true;
  day.merging.renew().tick();
  EXPECT_EQ(day.tables().size(), 1u);
}

/// A table goes with the first of its segments; a reader that began before keeps it.
TEST(DayTables, GoWithTheirSegments) {
  DayWorld day;
  day.open();
  day.fill();
  day.merging.merger().tick();
  ASSERT_EQ(day.tables().size(), 1u);
  const std::string key = day.tables()[0]->meta().key;
  SnapshotPtr before = day.world.engine->snapshot();
  const auto keys = day.merging.keys();
  ASSERT_TRUE(day.merging.merger().merge_segments({keys[0], keys[1]}).ok());
  EXPECT_TRUE(day.tables().empty());
  day.check_ids();
  day.world.engine->tick();
  EXPECT_TRUE(day.world.store->head(key).ok()) << "a snapshot still asks it";
  ReadStats stats;
  size_t found = 0;
  for (const BlockSourcePtr& block : before->blocks("t", TimeRange::all()))
    found += *block->may_hold(TextProbe::value(id_of(5)), &stats);
  EXPECT_EQ(found, 1u);
  before = nullptr;
  day.world.engine->tick();
  EXPECT_FALSE(day.world.store->head(key).ok());
  day.check_objects();
  // Not at once: what replaces segments may go on.
  day.merging.merger().tick();
  EXPECT_TRUE(day.tables().empty());
  day.rest();
  day.merging.merger().tick();
  ASSERT_EQ(day.tables().size(), 1u);
  EXPECT_EQ(day.tables()[0]->meta().parts.size(), 3u);
  day.check_ids();
  // One late segment is asked alone, until nothing has come for a while.
  day.add_segment();
  ASSERT_EQ(day.tables().size(), 1u);
  EXPECT_EQ(day.reads_of(id_of(8)), 2u);
  day.check_ids();
}

/// The power goes at each operation in turn while a table is written, and while one is taken away.
TEST(DayTables, WhereverItEndsIdsAreFoundAndNothingIsLeft) {
  for (const bool replaced : {false, true}) {
    int cuts = 0;
    for (uint64_t at = 1; at < 1000; ++at) {
      DayWorld day(at);
      day.open();
      day.fill();
      if (replaced) {
        day.merging.merger().tick();
        ASSERT_EQ(day.tables().size(), 1u);
      }
      day.world.fs.cut_power_at(day.world.fs.operations() + at);
      if (replaced) {
        const auto keys = day.merging.keys();
        (void)day.merging.merger().merge_segments({keys[1], keys[2]});
        day.world.engine->tick();
      } else {
        day.merging.merger().tick();
      }
      const bool cut = !day.world.fs.powered();
      cuts += cut ? 1 : 0;
      day.world.close();
      day.world.fs.restart();
      day.world.fs.cut_power_at(0);
      day.open();
      day.check_ids();
      day.check_objects();
      EXPECT_EQ(day.read().size(), day.rows.size());
      day.rest();
      day.merging.renew().tick();
      EXPECT_EQ(day.tables().size(), 1u) << at;
      day.check_ids();
      if (testing::Test::HasFailure()) FAIL() << "operation " << at;
      if (!cut) break;
    }
    EXPECT_GT(cuts, 8);
  }
}

/// Each operation of the disk fails in turn; the change may have been made all the same.
TEST(DayTables, AChangeWhoseAnswerWasLostIsSettled) {
  for (const SimOperation operation : {SimOperation::sync_directory, SimOperation::rename, SimOperation::sync}) {
    for (uint64_t nth = 1; nth < 8; ++nth) {
      DayWorld day(nth);
      day.open();
      day.fill();
      day.world.fs.fail_nth(operation, nth, ErrorKind::io);
      day.merging.merger().tick();
      day.check_ids();
      day.world.fs.clear_failure_rates();
      day.rest();
      day.merging.merger().tick();
      EXPECT_EQ(day.tables().size(), 1u) << nth;
      day.check_ids();
      day.world.close();
      day.world.fs.restart();
      day.open();
      EXPECT_EQ(day.tables().size(), 1u) << nth;
      day.check_ids();
      day.check_objects();
      ASSERT_FALSE(testing::Test::HasFailure()) << nth;
    }
  }
}

/// One that is damaged or lost is not believed, and is written again.
TEST(DayTables, DamagedOnesAreWrittenAgain) {
  DayWorld day;
  day.open();
  day.fill();
  day.merging.merger().tick();
  ASSERT_EQ(day.tables().size(), 1u);
  const std::string key = day.tables()[0]->meta().key;
  ASSERT_TRUE(day.world.store->remove(key).ok());
  day.check_ids();
  EXPECT_TRUE(day.tables()[0]->damaged());
  day.rest();
  day.merging.merger().tick();
  ASSERT_EQ(day.tables().size(), 1u);
  EXPECT_NE(day.tables()[0]->meta().key, key);
  EXPECT_FALSE(day.tables()[0]->damaged());
  EXPECT_EQ(day.reads_of(id_of(9)), 1u);
  day.check_ids();
  day.world.engine->tick();
  day.check_objects();
}

/// What is deleted is gone from them before the request says so.
TEST(DayTables, DeletedRowsLeaveThem) {
  DayWorld day;
  day.open();
  day.fill();
  day.merging.merger().tick();
  ASSERT_EQ(day.tables().size(), 1u);
  const std::string key = day.tables()[0]->meta().key;
  DeleteRequest request;
  request.id = "d";
  request.tenant = "t";
  request.query = "s1 *";
  request.start_ns = 0;
  request.end_ns = kMidnightNs + kNsPerDay;
  request.created_ns = day.world.clock.now_ns();
  ASSERT_TRUE(day.erasing.target().request_delete(request).ok());
  day.world.clock.advance_ns(3600'000'000'000);
  day.erasing.run(8);
  ASSERT_EQ(day.erasing.target().acts().deletes[0].state, DeleteRequest::State::processed);
  EXPECT_FALSE(day.world.store->head(key).ok());
  day.check_objects();
  day.rest();
  day.merging.merger().tick();
  ASSERT_EQ(day.tables().size(), 1u);
  ReadStats stats;
  for (uint64_t n = 1; n < day.rows.size(); n += 3) EXPECT_LE(day.holders(id_of(n), &stats).size(), 0u) << n;
  EXPECT_EQ(day.holders(id_of(3), &stats).size(), 1u);
}

TEST(DayTables, ABackupHasThemAndARepairDoesWithoutThem) {
  DayWorld day;
  day.open();
  day.fill();
  day.merging.merger().tick();
  const auto target = *open_directory_store(day.world.fs, "backup");
  const BackupOptions options{.node = day.world.options.node, .wal_dir = "data/wal", .parallel = 1};
  const auto copied = back_up(*day.world.store, *target, day.world.fs, options, *day.world.log);
  ASSERT_TRUE(copied.ok()) << copied.error().message;
  EXPECT_TRUE(target->head(day.tables()[0]->meta().key).ok());
  {
    const auto to = *open_directory_store(day.world.fs, "other/objects");
    BackupOptions there = options;
    there.wal_dir = "other/wal";
    ASSERT_TRUE(restore_backup(*target, *to, day.world.fs, there, *day.world.log).ok());
  }
  day.world.close();
  day.world.options.data_dir = "other";
  day.world.open_store = [&] { return open_directory_store(day.world.fs, "other/objects"); };
  day.open();
  ASSERT_EQ(day.tables().size(), 1u);
  EXPECT_EQ(day.reads_of(id_of(5)), 1u);
  day.check_objects();
  // The manifest is lost.
  day.merging.forget();
  const auto manifest = day.world.store->list("manifest/", "", 1000);
  for (const ObjectInfo& object : *manifest) ASSERT_TRUE(day.world.store->remove(object.key).ok());
  const auto store = std::move(day.world.store);
  day.world.engine.reset();
  const RepairOptions repair_options{.node = day.world.options.node, .data_dir = "other", .parallel = 1};
  const auto repaired = repair(*store, day.world.fs, repair_options, *day.world.log);
  ASSERT_TRUE(repaired.ok()) << repaired.error().message;
  EXPECT_EQ(repaired->plan.named.size(), static_cast<size_t>(kSegments));
  EXPECT_TRUE(repaired->plan.left_out.empty());
  day.open();
  EXPECT_TRUE(day.tables().empty());
  day.check_ids();
  day.check_objects();
  day.merging.renew().tick();
  EXPECT_EQ(day.tables().size(), 1u);
}

/// With a bucket as the home: requests, counted, and those of many segments at once.
TEST(DayTables, RequestsToABucket) {
  S3World s3;
  DayWorld day;
  day.world.open_store = [&] { return open_s3_store(s3.options, s3.environment()); };
  day.open();
  day.fill();
  const auto requests = [&](const std::string& id, size_t holding) {
    const size_t before = s3.count("get");
    ReadStats stats;
    EXPECT_LE(day.holders(id, &stats).size(), holding);
    return s3.count("get") - before;
  };
  s3.bucket.set_latency_ns(20'000'000);
  EXPECT_EQ(requests(id_of(5), 1), static_cast<size_t>(kSegments));
  EXPECT_EQ(requests(id_of(77'777'777), 0), static_cast<size_t>(kSegments));
  EXPECT_GE(s3.bucket.most_at_once(), 2u) << "one after the other";
  s3.bucket.set_latency_ns(0);
  day.merging.merger().tick();
  ASSERT_EQ(day.tables().size(), 1u);
  EXPECT_EQ(requests(id_of(6), 1), 1u);
  EXPECT_EQ(requests(id_of(77'777'778), 0), 1u);
  EXPECT_EQ(requests(id_of(77'777'778), 0), 0u) << "it was asked lately";
  // Away: blocks are asked again when it is back.
  s3.options.max_retries = 0;
  day.open();
  ASSERT_EQ(day.tables().size(), 1u) << "another machine knows it from the manifest";
  EXPECT_EQ(requests(id_of(6), 1), 1u);
  s3.bucket.set_faults([](const S3Double::Seen&) { return S3Fault::hang_up; });
  ReadStats stats;
  EXPECT_GT(day.holders(id_of(77'777'779), &stats).size(), 3u) << "nothing is ruled out";
  s3.bucket.set_faults({});
  EXPECT_EQ(day.holders(id_of(77'777'779), &stats).size(), 0u);
  EXPECT_EQ(stats.index_damages, 0u);
  day.check_ids();
  day.erasing.forget();
  day.merging.forget();
  day.world.close();
}

}  // namespace
}  // namespace cordwood::lifecycle
