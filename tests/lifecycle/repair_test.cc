// SPDX-License-Identifier: Apache-2.0
#include "lifecycle/repair.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/engine_world.h"
#include "tests/support/merge_world.h"

namespace cordwood::lifecycle {
namespace {

constexpr int64_t kLostNs = 1'700'000'000'000'000'000;

SegmentMeta young(uint64_t generation, uint64_t attempt, uint64_t number, uint64_t rows) {
  SegmentMeta meta;
  meta.key = fmt::format("segments/n/{:020}-{:06}-{:04}.seg", generation, attempt, number);
  meta.generation = generation;
  meta.rows = rows;
  return meta;
}
SegmentMeta merged(uint64_t version, uint64_t attempt, uint64_t number, uint32_t level, std::vector<SegmentMeta> of) {
  SegmentMeta meta;
  meta.key = fmt::format("segments/n/m{:020}-{:06}-{:04}.seg", version, attempt, number);
  meta.level = level;
  for (const SegmentMeta& source : of) {
    meta.generation = std::max(meta.generation, source.generation);
    meta.replaces.push_back(source.key);
  }
  return meta;
}
std::vector<std::string> keys_of(std::vector<SegmentMeta> metas) {
  std::vector<std::string> keys;
  for (const SegmentMeta& meta : metas) keys.push_back(meta.key);
  std::sort(keys.begin(), keys.end());
  return keys;
}

TEST(RepairPlan, NamesEachRowOnce) {
  const SegmentMeta a = young(1, 1, 0, 10), b = young(2, 1, 0, 10), c = young(3, 1, 0, 10), d = young(4, 1, 0, 10);
  const SegmentMeta ab = merged(5, 1, 0, 1, {a, b}), ab2 = merged(5, 1, 1, 1, {a, b});
  const SegmentMeta abc = merged(6, 1, 0, 1, {a, b, c});
  const SegmentMeta cd = merged(7, 1, 0, 1, {c, d});
  const SegmentMeta top = merged(9, 1, 0, 2, {ab, ab2, cd});
  const auto f = [](const char* what, std::vector<SegmentMeta> found, std::set<uint64_t> wal,
                    std::vector<SegmentMeta> want) {
    std::map<uint64_t, uint64_t> logs;
    for (const uint64_t generation : wal) logs[generation] = 0;
    const RepairPlan plan = plan_repair(found, logs);
    EXPECT_EQ(keys_of(plan.named), keys_of(want)) << what;
    EXPECT_EQ(plan.named.size() + plan.left_out.size(), found.size()) << what;
  };
  f("nothing", {}, {}, {});
  f("no merge", {a, b, c}, {}, {a, b, c});
  f("a merge, its sources gone", {ab, ab2, c}, {}, {ab, ab2, c});
  f("a merge, one source not removed yet", {a, ab, ab2, c}, {}, {ab, ab2, c});
  f("a merge that may not be whole", {a, b, ab, c}, {}, {a, b, c});
  f("an attempt that came to nothing before another", {ab, abc}, {}, {abc});
  f("two levels", {top}, {}, {top});
  f("two levels, replaced ones not removed yet", {a, ab, cd, top}, {}, {top});
  f("two levels, the upper one may not be whole", {ab, ab2, cd, top}, {}, {ab, ab2, cd});
  f("a generation whose log is there", {a, b}, {2}, {a});
  f("a merged generation whose log is there", {a, ab, ab2}, {1}, {ab, ab2});
  const SegmentMeta half = young(1, 2, 0, 4), rest = young(1, 2, 1, 6);
  f("attempts: the one with all rows", {a, half}, {}, {a});
  f("attempts: the later one", {a, half, rest}, {}, {half, rest});
  f("attempts: the merged one", {a, half, rest, ab, ab2}, {}, {ab, ab2});
}

TEST(RepairPlan, GenerationsThatAreNamedAreDone) {
  const SegmentMeta a = young(1, 1, 0, 10), b = young(7, 1, 0, 10);
  EXPECT_EQ(plan_repair({a, b}, {}).generations_done, (std::vector<WalLog>{{1, 0}, {7, 0}}));
  EXPECT_EQ(plan_repair({a, b}, {{7, 0}}).generations_done, (std::vector<WalLog>{{1, 0}}));
}

/// A log of the same number is replayed only if it is the one that a segment was made of; else both count.
TEST(RepairPlan, LogsAreKnownByTheirMarks) {
  SegmentMeta a = young(1, 1, 0, 10), b = young(7, 1, 0, 10);
  a.log_mark = 11;
  b.log_mark = 77;
  EXPECT_EQ(plan_repair({a, b}, {{7, 77}}).generations_done, (std::vector<WalLog>{{1, 11}}));
  const RepairPlan plan = plan_repair({a, b}, {{7, 78}});
  EXPECT_EQ(keys_of(plan.named), keys_of({a, b}));
  EXPECT_EQ(plan.generations_done, (std::vector<WalLog>{{1, 11}, {7, 77}}));
}

/// A real store that lost its manifest, with merged segments and rows in the log.
TEST(Repair, AStoreWithoutManifestComesBack) {
  EngineWorld world(1);
  MergeWorld merging(world);
  ASSERT_TRUE(world.open().ok());
  std::vector<StoredRow> rows;
  const auto append = [&](int count) {
    std::vector<StoredRow> more;
    for (int i = 0; i < count; ++i) {
      more.push_back({"s0", kLostNs + static_cast<int64_t>(rows.size()) + i, fmt::format("line {}", rows.size()), {}});
    }
    ASSERT_TRUE(world.engine->append(make_batch(*world.engine, "t", more), nullptr).ok());
    rows.insert(rows.end(), more.begin(), more.end());
  };
  for (int generation = 0; generation < 6; ++generation) {
    append(10);
    ASSERT_TRUE(world.engine->flush().ok());
  }
  const auto keys = merging.keys();
  ASSERT_TRUE(merging.renew().merge_segments({keys[0], keys[1], keys[2]}).ok());
  append(5);
  merging.forget();
  world.close();

  RepairOptions options{.node = world.options.node, .data_dir = "data"};
  const auto objects = *open_directory_store(world.fs, "data/objects");
  EXPECT_EQ(repair(*objects, world.fs, options, *world.log).error().kind, ErrorKind::invalid) << "it is whole";
  const auto manifests = *objects->list("manifest/", "", 1000);
  for (const ObjectInfo& object : manifests) ASSERT_TRUE(objects->remove(object.key).ok());
  EXPECT_FALSE(world.open().ok());
  world.close();
  options.dry_run = true;
  EXPECT_TRUE(repair(*objects, world.fs, options, *world.log).ok());
  EXPECT_TRUE(objects->list("manifest/", "", 10)->empty());
  options.dry_run = false;
  const auto done = repair(*objects, world.fs, options, *world.log);
  ASSERT_TRUE(done.ok()) << done.error().message;
  for (int start = 0; start < 2; ++start) {
    const auto opened = world.open();
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    EXPECT_EQ(*read_rows(*world.engine->snapshot(), "t"), rows);
  }
  append(5);
  ASSERT_TRUE(world.engine->flush().ok());
  ASSERT_TRUE(world.open().ok());
  EXPECT_EQ(*read_rows(*world.engine->snapshot(), "t"), rows);
}

}  // namespace
}  // namespace cordwood::lifecycle
