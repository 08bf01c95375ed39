// SPDX-License-Identifier: Apache-2.0
#include "lifecycle/backup.h"

#include <gtest/gtest.h>

#include "tests/support/engine_world.h"
#include "tests/support/merge_world.h"

namespace cordwood::lifecycle {
namespace {

constexpr int64_t kBaseNs = 1'700'000'000'000'000'000;

class BackupTest : public testing::Test {
 protected:
  BackupTest() {
    const Result<void> opened = world_.open();
    CHECK(opened.ok(), "{}", opened.error().message);
  }
  void append(int count) {
    std::vector<StoredRow> more;
    for (int i = 0; i < count; ++i) {
      const auto n = static_cast<int64_t>(rows_.size()) + i;
      more.push_back({"s0", kBaseNs + n, fmt::format("line {}", n), {}});
    }
    ASSERT_TRUE(world_.engine->append(make_batch(*world_.engine, "t", more), nullptr).ok());
    rows_.insert(rows_.end(), more.begin(), more.end());
  }
  void flush() { ASSERT_TRUE(world_.engine->flush().ok()); }
  BackupOptions options(const std::string& data_dir) {
    return {.node = world_.options.node, .wal_dir = data_dir + "/wal", .parallel = 1};
  }
  std::unique_ptr<ObjectStore> target() { return *open_directory_store(world_.fs, "backup"); }
  Result<BackupReport> back_up_now() {
    const auto from = view_directory_store(world_.fs, "data/objects");
    return back_up(*from, *target(), world_.fs, options("data"), *world_.log);
  }
  /// Rows of a store made of the backup.
  std::vector<StoredRow> restored(const std::string& data_dir) {
    {
      const auto to = *open_directory_store(world_.fs, data_dir + "/objects");
      const auto done = restore_backup(*target(), *to, world_.fs, options(data_dir), *world_.log);
      EXPECT_TRUE(done.ok()) << done.error().message;
    }
    EngineOptions engine_options = world_.options;
    engine_options.data_dir = data_dir;
    EngineEnvironment environment = world_.environment;
    const auto store = *open_directory_store(world_.fs, data_dir + "/objects");
    environment.store = store.get();
    const auto engine = Engine::open(engine_options, environment);
    EXPECT_TRUE(engine.ok()) << engine.error().message;
    if (!engine.ok()) return {};
    auto rows = *read_rows(*(*engine)->snapshot(), "t");
    EXPECT_TRUE((*engine)->flush().ok());
    EXPECT_EQ(read_rows(*(*engine)->snapshot(), "t")->size(), rows.size());
    return rows;
  }

  EngineWorld world_{1};
  MergeWorld merging_{world_};
  std::vector<StoredRow> rows_;
};

TEST_F(BackupTest, AllThatWasAcknowledgedIsInItWhileTheServerRuns) {
  append(10);
  flush();
  append(7);
  const auto done = back_up_now();
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_EQ(done->segments, 1u);
  EXPECT_EQ(done->wal_files, 1u);
  EXPECT_EQ(restored("one"), rows_);
  append(3);
  flush();
  EXPECT_EQ(read_rows(*world_.engine->snapshot(), "t")->size(), rows_.size()) << "the server was not disturbed";
}

TEST_F(BackupTest, TheNextOneCopiesWhatIsNewAndDropsWhatIsNot) {
  for (int i = 0; i < 3; ++i) {
    append(10);
    flush();
  }
  EXPECT_EQ(back_up_now()->segments_copied, 3u);
  append(10);
  flush();
  EXPECT_EQ(back_up_now()->segments_copied, 1u);
  EXPECT_EQ(restored("one"), rows_);
  ASSERT_TRUE(merging_.renew().merge_segments(merging_.keys()).ok());
  append(1);
  const auto merged = back_up_now();
  EXPECT_EQ(merged->segments, 1u);
  EXPECT_EQ(target()->list("segments/", "", 10)->size(), 1u);
  EXPECT_EQ(target()->list("manifest/", "", 10)->size(), 1u);
  EXPECT_EQ(restored("two"), rows_);
}

TEST_F(BackupTest, WhatIsNotWholeIsNoBackup) {
  append(10);
  flush();
  append(5);
  ASSERT_TRUE(back_up_now().ok());
  const std::vector<StoredRow> before = rows_;
  append(10);
  flush();
  append(5);
  // The second one breaks at each file operation in turn; the first one, or the second, is there.
  for (int at = 1;; ++at) {
    world_.fs.fail_nth(SimOperation::rename, static_cast<uint64_t>(at), ErrorKind::io);
    const bool whole = back_up_now().ok();
    world_.fs.fail_nth(SimOperation::rename, 1'000'000, ErrorKind::io);
    const auto found = restored(fmt::format("r{}", at));
    EXPECT_TRUE(found == before || found == rows_) << at;
    if (whole) break;
  }
}

TEST_F(BackupTest, StoresAreNotMixed) {
  append(10);
  flush();
  ASSERT_TRUE(back_up_now().ok());
  const auto data = *open_directory_store(world_.fs, "data/objects");
  EXPECT_EQ(restore_backup(*target(), *data, world_.fs, options("data"), *world_.log).error().kind, ErrorKind::invalid);
  const auto other = *open_directory_store(world_.fs, "other/objects");
  BackupOptions unknown = options("other");
  unknown.node = "node-2";
  EXPECT_EQ(restore_backup(*target(), *other, world_.fs, unknown, *world_.log).error().kind, ErrorKind::not_found);
  EXPECT_EQ(back_up(*other, *target(), world_.fs, options("other"), *world_.log).error().kind, ErrorKind::not_found);
  world_.close();
  EngineWorld second(2);
  ASSERT_TRUE(second.open().ok());
  const auto refused = back_up(*second.store, *target(), second.fs, options("data"), *second.log);
  EXPECT_EQ(refused.error().kind, ErrorKind::invalid) << "its manifest is behind what the target holds";
}

}  // namespace
}  // namespace cordwood::lifecycle
