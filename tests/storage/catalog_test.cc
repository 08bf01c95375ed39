// SPDX-License-Identifier: Apache-2.0
#include "storage/catalog.h"

#include <gtest/gtest.h>

#include <random>

#include "storage/manifest.h"
#include "tests/support/sim_file_system.h"

namespace cordwood {
namespace {

SegmentMeta segment(uint64_t n) {
  SegmentMeta meta;
  meta.key = fmt::format("segments/node-1/{:06}", n);
  meta.size_bytes = 1000 + n;
  meta.tail_bytes = 100;
  meta.node = "node-1";
  meta.generation = n;
  meta.rows = 7 * n;
  meta.time_min_ns = -static_cast<int64_t>(n);
  meta.time_max_ns = 5;
  meta.arrival_max = n;
  meta.replaces = {"a", "b"};
  return meta;
}

CatalogChange adding(uint64_t n) {
  return {{segment(n)}, {}, {{n, 0}}};
}

/// A catalog on a simulated disk, reopened as often as wanted.
struct World {
  explicit World(uint64_t seed = 1, uint64_t snapshot_every = 4) : fs(seed), log(Logger::silent()) {
    options.sqlite_path = "data/catalog.sqlite";
    options.snapshot_every = snapshot_every;
  }
  Result<void> open() {
    catalog.reset();
    store.reset();
    TRY(fs.create_directories_durably(".", "./data"));
    TRY_ASSIGN(store, open_directory_store(fs, "data/objects"));
    TRY_ASSIGN(catalog, Catalog::open(fs, *store, options, *log));
    return {};
  }
  void reopen() {
    const Result<void> opened = open();
    ASSERT_TRUE(opened.ok()) << opened.error().message;
  }
  /// Numbers of the segments, checked to be whole.
  std::string numbers() const {
    std::string out;
    for (const SegmentMeta& meta : catalog->segments()) {
      std::string got, want;
      meta.encode(&got);
      segment(meta.generation).encode(&want);
      out += fmt::format("{}{} ", got == want ? "" : "damaged:", meta.generation);
    }
    return out;
  }
  SimFileSystem fs;
  std::shared_ptr<Logger> log;
  CatalogOptions options;
  std::unique_ptr<ObjectStore> store;
  std::unique_ptr<Catalog> catalog;
};

class CatalogTest : public testing::Test {
 protected:
  void SetUp() override {
    world_.reopen();
    for (uint64_t n = 1; n <= 10; ++n) ASSERT_TRUE(world_.catalog->commit(adding(n)).ok());
    ASSERT_TRUE(world_.catalog->commit({{segment(11)}, {segment(3).key, segment(4).key}, {}}).ok());
  }
  void expect_whole() {
    EXPECT_EQ(world_.numbers(), "1 2 5 6 7 8 9 10 11 ");
    EXPECT_EQ(world_.catalog->version(), 12u);
    EXPECT_TRUE(world_.catalog->generation_done(10));
    EXPECT_FALSE(world_.catalog->generation_done(11));
    EXPECT_EQ(world_.catalog->last_generation_done(), 10u);
  }
  World world_;
};

TEST_F(CatalogTest, ShowsChangesAtOnceAndAfterReopening) {
  expect_whole();
  world_.reopen();
  expect_whole();
}

TEST_F(CatalogTest, ReopensFromTheLocalViewWithoutReadingTheManifestAgain) {
  world_.catalog.reset();
  // Damage in what the view covers is not noticed, because it is not read.
  world_.fs.damage("data/objects/manifest/node-1/00000000000000000010", 20);
  world_.reopen();
  expect_whole();
}

TEST_F(CatalogTest, SurvivesTheLossOfTheLocalView) {
  world_.catalog.reset();
  ASSERT_TRUE(world_.fs.remove("data/catalog.sqlite").ok());
  world_.reopen();
  expect_whole();
}

TEST_F(CatalogTest, RebuildsADamagedLocalView) {
  const std::string good = *world_.fs.read_all("data/catalog.sqlite", 1u << 20);
  for (uint64_t seed = 0; seed < 150; ++seed) {
    world_.catalog.reset();
    world_.fs.damage("data/catalog.sqlite", 1 + static_cast<unsigned>(seed) * 3);
    world_.reopen();
    expect_whole();
  }
}

TEST_F(CatalogTest, BringsAStaleLocalViewUpToDate) {
  for (const uint64_t more : {1, 3, 40}) {
    world_.catalog.reset();
    const std::string old = *world_.fs.read_all("data/catalog.sqlite", 1u << 20);
    world_.reopen();
    for (uint64_t n = 0; n < more; ++n) ASSERT_TRUE(world_.catalog->commit(adding(100 * more + n)).ok());
    const std::string want = world_.numbers();
    const uint64_t version = world_.catalog->version();
    world_.catalog.reset();
    auto file = world_.fs.open("data/catalog.sqlite", OpenMode::read_write);
    ASSERT_TRUE((*file)->truncate(0).ok());
    ASSERT_TRUE((*file)->append(old).ok());
    world_.reopen();
    EXPECT_EQ(world_.numbers(), want);
    EXPECT_EQ(world_.catalog->version(), version);
    world_.reopen();
    EXPECT_EQ(world_.numbers(), want);
  }
}

TEST_F(CatalogTest, AViewOfAnotherManifestIsNotBelieved) {
  World other;
  other.reopen();
  for (uint64_t n = 50; n < 61; ++n) ASSERT_TRUE(other.catalog->commit(adding(n)).ok());
  ASSERT_EQ(other.catalog->version(), world_.catalog->version());
  other.catalog.reset();
  world_.catalog.reset();
  const std::string foreign = *other.fs.read_all("data/catalog.sqlite", 1u << 20);
  auto file = world_.fs.open("data/catalog.sqlite", OpenMode::read_write);
  ASSERT_TRUE((*file)->truncate(0).ok());
  ASSERT_TRUE((*file)->append(foreign).ok());
  world_.reopen();
  expect_whole();
}

TEST_F(CatalogTest, SnapshotsReplaceOldChanges) {
  std::string keys;
  const auto found = world_.store->list("manifest/node-1/", "", 100);
  for (const ObjectInfo& o : *found)
    keys += o.key.substr(o.key.size() - 4) + (o.key.find("snap") != std::string::npos ? "s " : " ");
  EXPECT_EQ(keys, "0008 0009 0010 0011 0012 0008s 0012s ");
}

TEST_F(CatalogTest, ADamagedSnapshotGivesWayToAnOlderOne) {
  world_.catalog.reset();
  ASSERT_TRUE(world_.fs.remove("data/catalog.sqlite").ok());
  world_.fs.damage("data/objects/manifest/node-1/snapshot-00000000000000000012", 3);
  world_.reopen();
  expect_whole();
}

TEST_F(CatalogTest, RefusesToGuessWhenNeededChangesAreGone) {
  world_.catalog.reset();
  ASSERT_TRUE(world_.fs.remove("data/catalog.sqlite").ok());
  const std::string dir = "data/objects/manifest/node-1/";
  ASSERT_TRUE(world_.fs.remove(dir + "snapshot-00000000000000000012").ok());
  ASSERT_TRUE(world_.fs.remove(dir + "00000000000000000010").ok());
  EXPECT_EQ(world_.open().error().kind, ErrorKind::corrupt);
}

TEST(Catalog, RefusesSegmentsWithoutAManifest) {
  World world;
  world.reopen();
  ASSERT_TRUE(*world.store->put_if_absent("segments/node-1/1", "x"));
  ASSERT_TRUE(world.store->remove(manifest_key("node-1", 1)).ok());
  ASSERT_TRUE(world.fs.remove("data/catalog.sqlite").ok());
  EXPECT_EQ(world.open().error().kind, ErrorKind::corrupt);
}

TEST_F(CatalogTest, ATakenNumberIsReadAndApplied) {
  World& w = world_;
  auto second = Catalog::open(w.fs, *w.store, {"data/second.sqlite", "node-1", 1000}, *w.log);
  ASSERT_TRUE(second.ok()) << second.error().message;
  ASSERT_TRUE((*second)->commit(adding(20)).ok());
  ASSERT_TRUE((*second)->commit(adding(21)).ok());
  ASSERT_TRUE(w.catalog->commit(adding(22)).ok());
  EXPECT_EQ(w.numbers(), "1 2 5 6 7 8 9 10 11 20 21 22 ");
  EXPECT_EQ(w.catalog->version(), 15u);
  w.reopen();
  EXPECT_EQ(w.numbers(), "1 2 5 6 7 8 9 10 11 20 21 22 ");
}

TEST_F(CatalogTest, TheSameChangeAgainAfterALostAnswerIsOneChange) {
  world_.fs.fail_nth(SimOperation::sync_directory, 1, ErrorKind::io);  // the object has its name by then
  ASSERT_FALSE(world_.catalog->commit(adding(20)).ok());
  EXPECT_EQ(world_.catalog->version(), 12u);
  ASSERT_TRUE(world_.catalog->commit(adding(20)).ok());
  EXPECT_EQ(world_.catalog->version(), 13u);
  EXPECT_EQ(world_.numbers(), "1 2 5 6 7 8 9 10 11 20 ");
}

TEST_F(CatalogTest, OrphansGoAndNamedSegmentsStay) {
  for (const uint64_t n : {1, 2, 3, 20, 21}) ASSERT_TRUE(*world_.store->put_if_absent(segment(n).key, "x"));
  ASSERT_TRUE(*world_.store->put_if_absent("segments/node-2/1", "x"));
  world_.fs.fail_nth(SimOperation::sync_directory, 1, ErrorKind::io);
  ASSERT_FALSE(world_.catalog->commit(adding(21)).ok());
  EXPECT_EQ(*world_.catalog->remove_orphans({segment(3).key}), 1u);
  std::string left;
  const auto found = world_.store->list("segments/", "", 100);
  for (const ObjectInfo& o : *found) left += o.key.substr(9) + " ";
  EXPECT_EQ(left, "node-1/000001 node-1/000002 node-1/000003 node-1/000021 node-2/1 ");
}

TEST_F(CatalogTest, AFailingLocalViewDoesNotFailACommit) {
  for (uint64_t n = 20; n < 60; ++n) {
    // Somewhere behind the manifest's own sync: sometimes the view's, sometimes none.
    world_.fs.fail_nth(SimOperation::sync, 2, ErrorKind::io);
    ASSERT_TRUE(world_.catalog->commit(adding(n)).ok());
    world_.fs.clear_failure_rates();
    if (n % 7 == 0) world_.reopen();
  }
  const std::string want = world_.numbers();
  world_.reopen();
  EXPECT_EQ(world_.numbers(), want);
}

/// Commits under random faults and power cuts, during opening too: what was answered is there, in order, and at most
/// the change whose answer failed besides.  Says what went wrong, if anything did.
std::string break_and_check(uint64_t seed, const std::string& ignored_syncs) {
  World world(seed, 3);
  world.fs.ignore_syncs_of(ignored_syncs);
  std::mt19937_64 random(seed);
  std::string acknowledged;
  uint64_t next = 1;
  for (int life = 0; life < 5; ++life) {
    world.fs.cut_power_at(world.fs.operations() + 1 + random() % 150);
    if (seed % 3 == 0) {
      for (size_t op = 0; op < kSimOperations; ++op) world.fs.set_failure_rate(static_cast<SimOperation>(op), 0.01);
    }
    if (world.open().ok()) {
      for (int i = 0; i < 20 && world.catalog->commit(adding(next)).ok(); ++i)
        acknowledged += fmt::format("{} ", next++);
    }
    world.fs.clear_failure_rates();
    world.fs.cut_power();
    world.catalog.reset();
    world.fs.restart();
    world.fs.cut_power_at(0);
    const Result<void> opened = world.open();
    if (!opened.ok()) return fmt::format("seed {} life {}: {}", seed, life, opened.error().message);
    const std::string got = world.numbers();
    if (got != acknowledged) acknowledged += fmt::format("{} ", next++);
    if (got != acknowledged) return fmt::format("seed {} life {}: {} instead of {}", seed, life, got, acknowledged);
  }
  return "";
}

TEST(Catalog, SurvivesPowerCutsAndFaults) {
  for (uint64_t seed = 0; seed < 60; ++seed) ASSERT_EQ(break_and_check(seed, ""), "");
}

TEST(Catalog, TheCheckFindsAMissingSync) {
  auto f = [](const std::string& ignored) {
    for (uint64_t seed = 0; seed < 60; ++seed) {
      if (!break_and_check(seed, ignored).empty()) return true;
    }
    return false;
  };
  EXPECT_TRUE(f("objects/tmp/"));             // content of objects
  EXPECT_TRUE(f("objects/manifest/node-1"));  // their names
}

TEST_F(CatalogTest, TheLocalViewIsAWriteAheadLog) {
  EXPECT_TRUE(*world_.fs.exists("data/catalog.sqlite-wal"));
  EXPECT_FALSE(*world_.fs.exists("data/catalog.sqlite-shm"));
}

TEST(Manifest, RoundTripsAndRefusesDamage) {
  const ManifestObject object{
      ManifestObject::Kind::change, "n", 17, 99, {{segment(1), segment(2)}, {"gone"}, {{3, 0}, {UINT64_MAX, 5}}}};
  const std::string bytes = encode_manifest(object);
  const Result<ManifestObject> back = decode_manifest(bytes);
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(encode_manifest(*back), bytes);
  EXPECT_EQ(back->change.generations_done, object.change.generations_done);
  for (size_t at = 0; at < bytes.size(); ++at) {
    EXPECT_FALSE(decode_manifest(std::string_view(bytes).substr(0, at)).ok());
    std::string bad = bytes;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    EXPECT_EQ(decode_manifest(bad).error().kind, ErrorKind::corrupt) << at;
  }
}

TEST_F(CatalogTest, KeepsDeletesAndHolds) {
  const auto request = [](const std::string& id, int64_t created_ns) {
    DeleteRequest r;
    r.id = id;
    r.tenant = "fake";
    r.query = "{app=\"" + id + "\"}";
    r.created_ns = created_ns;
    r.arrival_cut = 9;
    return r;
  };
  CatalogChange change;
  change.deletes = {request("b", 1), request("a", 2), request("c", 3)};
  change.holds = {{"h", "fake", "{}", 1, 2, "why", 3}, {"i", "fake", "{}", 1, 2, "", 4}};
  ASSERT_TRUE(world_.catalog->commit(change).ok());
  CatalogChange second;
  second.deletes = {request("a", 2)};
  second.deletes[0].state = DeleteRequest::State::processed;
  second.deletes_gone = {"c"};
  second.holds_gone = {"i"};
  ASSERT_TRUE(world_.catalog->commit(second).ok());
  const auto check = [&](const char* when) {
    const CatalogActs acts = world_.catalog->acts();
    ASSERT_EQ(acts.deletes.size(), 2u) << when;
    EXPECT_EQ(acts.deletes[0], request("b", 1)) << when;
    EXPECT_EQ(acts.deletes[1], second.deletes[0]) << when;
    ASSERT_EQ(acts.holds.size(), 1u) << when;
    EXPECT_EQ(acts.holds[0], change.holds[0]) << when;
  };
  check("now");
  world_.reopen();
  check("from the view");
  world_.catalog.reset();
  ASSERT_TRUE(world_.fs.remove("data/catalog.sqlite").ok());
  world_.reopen();
  check("from the manifest");
  for (uint64_t n = 12; n <= 24; ++n) ASSERT_TRUE(world_.catalog->commit(adding(n)).ok());
  world_.catalog.reset();
  ASSERT_TRUE(world_.fs.remove("data/catalog.sqlite").ok());
  world_.reopen();
  check("from a snapshot of the manifest");
}

DayIdsMeta table_of(uint64_t number, std::vector<uint64_t> segments) {
  DayIdsMeta table;
  table.key = DayIdsMeta::make_key("node-1", number, 1);
  table.shape.hash_bits = 48;
  table.shape.remainder_bits = 20;
  table.shape.block_bits = 5;
  table.shape.buckets = 7;
  table.size_bytes = kDayIdsHeaderBytes + table.shape.bytes();
  for (const uint64_t n : segments) table.parts.push_back({segment(n).key, 0});
  return table;
}

/// Common id tables: each of segments that are all named, and never two of one segment, whatever is reopened how.
TEST_F(CatalogTest, KeepsCommonIdTablesAsLongAsTheirSegments) {
  const auto keys = [&] {
    std::vector<std::string> found;
    for (const DayIdsMeta& table : world_.catalog->day_ids()) found.push_back(table.key);
    return found;
  };
  const auto key = [](uint64_t number) { return DayIdsMeta::make_key("node-1", number, 1); };
  const auto f = [&](CatalogChange change, const std::vector<std::string>& want) {
    ASSERT_TRUE(world_.catalog->commit(change).ok());
    EXPECT_EQ(keys(), want);
    world_.reopen();
    EXPECT_EQ(keys(), want) << "after reopening";
    ASSERT_TRUE(world_.fs.remove("data/catalog.sqlite").ok());
    static_cast<void>(world_.fs.remove("data/catalog.sqlite-wal").ok());
    world_.reopen();
    EXPECT_EQ(keys(), want) << "from the manifest";
  };
  const auto set = [&](uint64_t number, std::vector<uint64_t> segments) {
    CatalogChange change;
    change.day_ids = {table_of(number, std::move(segments))};
    return change;
  };
  f(set(1, {1, 2}), {key(1)});
  f(set(2, {5, 6, 7}), {key(1), key(2)});
  f(set(2, {5, 6, 7}), {key(1), key(2)});  // again
  f(set(3, {3, 8}), {key(1), key(2)});     // 3 is not named
  f(set(4, {7, 8}), {key(1), key(4)});     // in the place of 2
  f(adding(12), {key(1), key(4)});
  f({{segment(13)}, {segment(2).key, segment(12).key}, {}}, {key(4)});
  CatalogChange gone;
  gone.day_ids_gone = {key(4), key(9)};
  f(gone, {});
  for (uint64_t n = 20; n < 26; ++n) f(set(n, {9, 10}), {key(n)});  // by way of snapshots
  world_.reopen();
  EXPECT_TRUE(world_.store->put_if_absent(key(25), "x").value());
  EXPECT_TRUE(world_.store->put_if_absent(key(24), "x").value());
  EXPECT_EQ(world_.catalog->remove_orphans({}).value(), 1u);
  EXPECT_TRUE(world_.store->head(key(25)).ok());
}

TEST(Catalog, AClaimWritesTheViewAnewOnlyIfItLags) {
  World w;
  w.reopen();
  CatalogChange many;
  for (uint64_t n = 1; n <= 2000; ++n) many.added.push_back(segment(n));
  ASSERT_TRUE(w.catalog->commit(many).ok());
  w.reopen();
  const auto claim = [&w] {
    const uint64_t before = w.fs.operations();
    EXPECT_TRUE(w.catalog->claim("session").ok());
    return w.fs.operations() - before;
  };
  const uint64_t alone = claim();
  EXPECT_LT(alone, 40u);
  const uint64_t version = w.catalog->version();
  w.reopen();
  EXPECT_EQ(w.catalog->version(), version);
  EXPECT_EQ(w.catalog->segments().size(), 2000u);
  {
    CatalogOptions other = w.options;
    other.sqlite_path = "data/other.sqlite";
    auto opened = Catalog::open(w.fs, *w.store, other, *w.log);
    ASSERT_TRUE(opened.ok());
    ASSERT_TRUE((*opened)->commit(adding(2001)).ok());
  }
  EXPECT_GT(claim(), 3 * alone);
  w.reopen();
  EXPECT_EQ(w.catalog->segments().size(), 2001u);
  EXPECT_LT(claim(), 40u);
}

}  // namespace
}  // namespace cordwood
