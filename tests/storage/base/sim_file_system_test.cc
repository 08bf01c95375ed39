// SPDX-License-Identifier: Apache-2.0
#include "tests/support/sim_file_system.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/support/file_system_contract.h"

namespace cordwood {
namespace {

FileSystemUnderTest make_sim() {
  auto fs = std::make_shared<SimFileSystem>(1);
  CHECK(fs->create_directories("/root").ok(), "root");
  return {fs, "/root"};
}
INSTANTIATE_TEST_SUITE_P(Sim, FileSystemContract, testing::Values(&make_sim));

std::string content(SimFileSystem& fs, const std::string& path) {
  const Result<std::string> got = fs.read_all(path, 1u << 20);
  return got.ok() ? *got : "(" + std::string(to_string(got.error().kind)) + ")";
}

/// The different states that `path` has after `prepare` and a power cut, over many seeds.
std::set<std::string> outcomes(const std::string& path, const std::function<void(SimFileSystem&)>& prepare) {
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    SimFileSystem fs(seed);
    prepare(fs);
    fs.cut_power();
    EXPECT_FALSE(fs.exists(path).ok());
    fs.restart();
    seen.insert(content(fs, path));
  }
  return seen;
}

void put(SimFileSystem& fs, const std::string& path, std::string_view data, bool sync) {
  auto file = fs.open(path, OpenMode::open_or_create);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->append(data).ok());
  if (sync) {
    ASSERT_TRUE((*file)->sync().ok());
  }
}

using Set = std::set<std::string>;

TEST(SimFileSystem, SyncedContentUnderASyncedNameLasts) {
  EXPECT_EQ(outcomes("f",
                     [](SimFileSystem& fs) {
                       put(fs, "f", "data", true);
                       ASSERT_TRUE(fs.sync_directory(".").ok());
                     }),
            Set{"data"});
}

TEST(SimFileSystem, NamesNeedASyncOfTheirDirectory) {
  EXPECT_EQ(outcomes("f", [](SimFileSystem& fs) { put(fs, "f", "data", true); }), (Set{"data", "(not found)"}));
  EXPECT_EQ(outcomes("d/f",
                     [](SimFileSystem& fs) {
                       ASSERT_TRUE(fs.create_directories("d").ok());
                       put(fs, "d/f", "data", true);
                       ASSERT_TRUE(fs.sync_directory("d").ok());
                     }),
            (Set{"data", "(not found)"}));
}

TEST(SimFileSystem, RenamesAreAtomicAndLastWhenTheNewDirectoryIsSynced) {
  const auto prepare = [](SimFileSystem& fs, bool sync) {
    ASSERT_TRUE(fs.create_directories("tmp").ok());
    put(fs, "old", "1", true);
    put(fs, "tmp/new", "2", true);
    ASSERT_TRUE(fs.sync_directory("").ok());
    ASSERT_TRUE(fs.sync_directory("tmp").ok());
    ASSERT_TRUE(fs.rename("tmp/new", "old").ok());
    if (sync) {
      ASSERT_TRUE(fs.sync_directory("").ok());
    }
  };
  EXPECT_EQ(outcomes("old", [&](SimFileSystem& fs) { prepare(fs, false); }), (Set{"1", "2"}));
  EXPECT_EQ(outcomes("old", [&](SimFileSystem& fs) { prepare(fs, true); }), Set{"2"});
  EXPECT_EQ(outcomes("tmp/new", [&](SimFileSystem& fs) { prepare(fs, true); }), (Set{"2", "(not found)"}));
}

TEST(SimFileSystem, RemovalsMayComeBack) {
  EXPECT_EQ(outcomes("f",
                     [](SimFileSystem& fs) {
                       put(fs, "f", "x", true);
                       ASSERT_TRUE(fs.sync_directory("").ok());
                       ASSERT_TRUE(fs.remove("f").ok());
                     }),
            (Set{"x", "(not found)"}));
}

TEST(SimFileSystem, UnsyncedWritesAreTornBySector) {
  const std::string sector_a(512, 'a'), sector_b(512, 'b');
  const Set seen = outcomes("f", [&](SimFileSystem& fs) {
    put(fs, "f", std::string(1024, '.'), true);
    ASSERT_TRUE(fs.sync_directory("").ok());
    auto file = fs.open("f", OpenMode::read_write);
    ASSERT_TRUE((*file)->write_at(0, sector_a + sector_b).ok());
  });
  const std::string dots(512, '.');
  EXPECT_EQ(seen, (Set{dots + dots, sector_a + dots, dots + sector_b, sector_a + sector_b}));
}

TEST(SimFileSystem, AfterAFailedSyncLaterSyncsDoNotHelp) {
  const Set seen = outcomes("f", [&](SimFileSystem& fs) {
    put(fs, "f", "", true);
    ASSERT_TRUE(fs.sync_directory("").ok());
    auto file = fs.open("f", OpenMode::read_write);
    ASSERT_TRUE((*file)->append("lost?").ok());
    fs.fail_nth(SimOperation::sync, 1, ErrorKind::io);
    EXPECT_EQ((*file)->sync().error().kind, ErrorKind::io);
    EXPECT_TRUE((*file)->sync().ok());
    EXPECT_EQ(content(fs, "f"), "lost?");
  });
  EXPECT_TRUE(seen.contains(""));
  EXPECT_TRUE(seen.contains("lost?"));
}

TEST(SimFileSystem, ThePowerGoesAtTheOperationAskedFor) {
  for (uint64_t cut = 1; cut <= 4; ++cut) {
    SimFileSystem fs(cut);
    fs.cut_power_at(cut);
    auto file = fs.open("f", OpenMode::create_new);  // 1
    EXPECT_EQ(file.ok(), cut > 1);
    if (file.ok()) {
      EXPECT_EQ((*file)->append("x").ok(), cut > 2);  // 2
      EXPECT_EQ((*file)->sync().ok(), cut > 3);       // 3
    }
    EXPECT_FALSE(fs.sync_directory("").ok());  // 4
    EXPECT_FALSE(fs.powered());
    EXPECT_FALSE(fs.list("").ok());
    fs.restart();
    EXPECT_EQ(fs.operations(), cut);
    EXPECT_FALSE(file.ok() && (*file)->append("y").ok());
    put(fs, "g", "works", true);
  }
}

TEST(SimFileSystem, RefusesBeyondItsCapacityUntilThereIsRoom) {
  SimFileSystem fs(1);
  fs.set_capacity_bytes(1000);
  put(fs, "a", std::string(900, 'a'), true);
  auto file = fs.open("b", OpenMode::create_new);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ((*file)->append(std::string(200, 'b')).error().kind, ErrorKind::unavailable);
  ASSERT_TRUE(fs.remove("a").ok());
  ASSERT_TRUE((*file)->truncate(0).ok());
  EXPECT_EQ(fs.used_bytes(), 0u);
  EXPECT_TRUE((*file)->append(std::string(1000, 'b')).ok());
  EXPECT_EQ(fs.open("c", OpenMode::create_new).error().kind, ErrorKind::unavailable);
}

TEST(SimFileSystem, TheSameSeedGivesTheSameDisk) {
  auto run = [](uint64_t seed) {
    SimFileSystem fs(seed);
    fs.set_failure_rate(SimOperation::write, 0.3);
    std::string log;
    for (int i = 0; i < 50; ++i) {
      auto file = fs.open(fmt::format("f{}", i % 7), OpenMode::open_or_create);
      const Result<void> done = (*file)->append(std::string(static_cast<size_t>(i) * 40, 'x'));
      log += done.ok() ? "." : done.error().message;
    }
    fs.restart();
    const std::vector<std::string> names = *fs.list("");
    for (const std::string& name : names) log += name + content(fs, name);
    return log;
  };
  EXPECT_EQ(run(5), run(5));
  EXPECT_NE(run(5), run(6));
}

TEST(SimFileSystem, AnIgnoredSyncLosesData) {
  const Set seen = outcomes("f", [](SimFileSystem& fs) {
    fs.ignore_syncs_of("f");
    put(fs, "f", "data", true);
    ASSERT_TRUE(fs.sync_directory("").ok());
  });
  EXPECT_TRUE(seen.contains(""));
}

}  // namespace
}  // namespace cordwood
