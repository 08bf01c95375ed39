// SPDX-License-Identifier: Apache-2.0
#include "storage/engine.h"

#include <gtest/gtest.h>

#include <set>

#include "storage/wal_reader.h"
#include "tests/support/engine_world.h"

namespace cordwood {
namespace {

constexpr int64_t kBaseNs = 1'700'000'000'000'000'000;

std::vector<StoredRow> some_rows(const std::string& stream, int64_t first, int64_t count) {
  std::vector<StoredRow> rows;
  for (int64_t i = first; i < first + count; ++i) {
    rows.push_back({stream,
                    kBaseNs + i,
                    fmt::format("{{\"n\":{},\"pad\":\"{}\"}}", i, std::string(80, 'p')),
                    {{"k", std::to_string(i % 3)}}});
  }
  return rows;
}

class EngineTest : public testing::Test {
 protected:
  EngineTest() { open(); }
  explicit EngineTest(MemoryAccountant::Limits limits) : world_(1, limits) {}
  void open() {
    const Result<void> opened = world_.open();
    ASSERT_TRUE(opened.ok()) << opened.error().message;
  }
  Result<Engine::Appended> append(const std::vector<StoredRow>& rows, const TenantId& tenant = "t") {
    return world_.engine->append(make_batch(*world_.engine, tenant, rows), nullptr);
  }
  std::vector<StoredRow> read(const TenantId& tenant = "t") {
    auto rows = read_distinct_rows(*world_.engine->snapshot(), tenant);
    EXPECT_TRUE(rows.ok()) << rows.error().message;
    return rows.ok() ? *rows : std::vector<StoredRow>();
  }
  void flush() {
    const Result<void> flushed = world_.engine->flush();
    ASSERT_TRUE(flushed.ok()) << flushed.error().message;
  }

  EngineWorld world_{1};
};

TEST_F(EngineTest, RowsAreThereAtOnceAfterAFlushAndAfterARestart) {
  const std::vector<StoredRow> rows = some_rows("s0", 0, 50);
  const auto appended = append(rows);
  ASSERT_TRUE(appended.ok()) << appended.error().message;
  EXPECT_EQ(appended->rows, 50u);
  EXPECT_EQ(read(), rows);
  world_.fs.restart();
  open();
  EXPECT_EQ(read(), rows) << "from the WAL";
  flush();
  EXPECT_EQ(read(), rows) << "from a segment";
  EXPECT_EQ(world_.engine->status().segments, 1u);
  EXPECT_EQ(world_.engine->status().head_rows, 0u);
  world_.fs.restart();
  open();
  EXPECT_EQ(read(), rows) << "from a segment after a restart";
  EXPECT_TRUE(list_wal_generations(world_.fs, "data/wal")->empty());
}

TEST_F(EngineTest, OrderIsStreamTimeArrivalAcrossBlocksAndGenerations) {
  world_.options.block_rows = 4;
  open();
  std::vector<StoredRow> want;
  for (int i = 0; i < 30; ++i) {
    want.push_back({"s0", kBaseNs, fmt::format("arrival {:02}", i), {}});
    ASSERT_TRUE(append({want.back()}).ok());
    if (i == 10) flush();
    if (i == 20) world_.tasks.drain();
  }
  EXPECT_EQ(read(), want);
  flush();
  EXPECT_EQ(read(), want);
}

TEST_F(EngineTest, CopiesInTheHeadAreDroppedAndCounted) {
  const std::vector<StoredRow> rows = some_rows("s0", 0, 10);
  ASSERT_TRUE(append(rows).ok());
  const auto again = append(rows);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->rows, 0u);
  EXPECT_EQ(again->duplicates, 10u);
  flush();
  ASSERT_TRUE(append(rows).ok());
  EXPECT_EQ(read(), rows) << "copies of published rows are the reader's to drop";
}

TEST_F(EngineTest, ASnapshotStaysAsItWasTaken) {
  const std::vector<StoredRow> rows = some_rows("s0", 0, 20);
  ASSERT_TRUE(append(rows).ok());
  const SnapshotPtr before = world_.engine->snapshot();
  ASSERT_TRUE(append(some_rows("s1", 0, 20)).ok());
  flush();
  EXPECT_EQ(*read_rows(*before, "t"), rows);
  const SnapshotPtr after = world_.engine->snapshot();
  ASSERT_TRUE(append(some_rows("s0", 100, 5)).ok());
  flush();
  EXPECT_EQ(read_rows(*after, "t")->size(), 40u);
  EXPECT_EQ(after->tenants(), std::vector<TenantId>{"t"});
  EXPECT_EQ(after->published_days().size(), 1u);
  EXPECT_EQ(after->published_streams("t", after->published_days()[0].day).size(), 2u);
  EXPECT_EQ(after->published_streams_of(after->published_days()[0].day).size(), 2u);
  EXPECT_TRUE(after->published_streams_of(after->published_days()[0].day + 1).empty());
  EXPECT_EQ(before->published_days().size(), 0u);
}

TEST_F(EngineTest, RangesAndTenantsLeaveBlocksOut) {
  ASSERT_TRUE(append(some_rows("s0", 0, 5), "one").ok());
  ASSERT_TRUE(append(some_rows("s0", 0, 5), "two").ok());
  for (const char* where : {"head", "segment"}) {
    const SnapshotPtr snapshot = world_.engine->snapshot();
    EXPECT_EQ(snapshot->blocks("one", TimeRange::all()).size(), 1u) << where;
    EXPECT_EQ(snapshot->blocks("one", {kBaseNs + 4, kBaseNs + 5}).size(), 1u) << where;
    EXPECT_EQ(snapshot->blocks("one", {kBaseNs + 5, kBaseNs + 6}).size(), 0u) << where;
    EXPECT_EQ(snapshot->blocks("three", TimeRange::all()).size(), 0u) << where;
    flush();
  }
}

TEST_F(EngineTest, AGenerationIsPublishedWhenItIsOldOrLarge) {
  ASSERT_TRUE(append(some_rows("s0", 0, 5)).ok());
  world_.engine->tick();
  world_.tasks.drain();
  EXPECT_EQ(world_.engine->status().segments, 0u);
  world_.clock.advance_ns(world_.options.generation_age_ns);
  world_.engine->tick();
  world_.tasks.drain();
  EXPECT_EQ(world_.engine->status().segments, 1u);
  world_.options.generation_raw_bytes = 1000;
  open();
  ASSERT_TRUE(append(some_rows("s0", 10, 50)).ok());
  world_.tasks.drain();
  EXPECT_EQ(world_.engine->status().segments, 2u);
}

TEST_F(EngineTest, SmallFamiliesShareABlock) {
  std::vector<StoredRow> rows;
  for (int i = 0; i < 20; ++i) rows.push_back({fmt::format("s{}", i), kBaseNs, "l", {}});
  ASSERT_TRUE(append(rows).ok());
  EXPECT_EQ(world_.engine->snapshot()->blocks("t", TimeRange::all()).size(), 2u) << "two families";
  flush();
  EXPECT_EQ(world_.engine->snapshot()->blocks("t", TimeRange::all()).size(), 1u);
  EXPECT_EQ(read().size(), 20u);
}

TEST_F(EngineTest, AFullDiskRefusesAppendsButReadsGoOnAndItRecovers) {
  const std::vector<StoredRow> rows = some_rows("s0", 0, 50);
  ASSERT_TRUE(append(rows).ok());
  world_.fs.set_capacity_bytes(world_.fs.used_bytes());
  for (int i = 0; i < 3; ++i) {
    const auto refused = append(some_rows("s0", 100, 50));
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
    EXPECT_NE(refused.error().message.find("try again"), std::string::npos) << refused.error().message;
  }
  EXPECT_FALSE(world_.engine->status().writable);
  EXPECT_FALSE(world_.engine->flush().ok());
  EXPECT_EQ(read(), rows);
  // A start with a full disk serves what is there.
  open();
  EXPECT_EQ(read(), rows);
  world_.fs.set_capacity_bytes(UINT64_MAX);
  ASSERT_TRUE(append(some_rows("s0", 50, 50)).ok());
  EXPECT_TRUE(world_.engine->status().writable);
  flush();
  EXPECT_EQ(read(), some_rows("s0", 0, 100));
}

TEST_F(EngineTest, APublicationThatFailsIsTriedAgainLater) {
  ASSERT_TRUE(append(some_rows("s0", 0, 50)).ok());
  world_.fs.fail_nth(SimOperation::rename, 1, ErrorKind::io);
  EXPECT_FALSE(world_.engine->flush().ok());
  EXPECT_EQ(world_.engine->status().pending_generations, 1u);
  EXPECT_EQ(read().size(), 50u);
  world_.engine->tick();
  world_.tasks.drain();
  EXPECT_EQ(world_.engine->status().pending_generations, 1u) << "not before its time";
  world_.clock.advance_ns(120 * kNsPerSecond);
  world_.engine->tick();
  world_.tasks.drain();
  EXPECT_EQ(world_.engine->status().pending_generations, 0u);
  EXPECT_EQ(read(), some_rows("s0", 0, 50));
}

TEST_F(EngineTest, TooManyPendingGenerationsRefuseAppends) {
  world_.options.max_pending_generations = 1;
  world_.options.generation_raw_bytes = 1;
  open();
  world_.fs.set_failure_rate(SimOperation::rename, 1.0);
  int64_t accepted = 0;
  while (accepted < 10 && append(some_rows("s0", accepted, 1)).ok()) ++accepted;
  EXPECT_EQ(accepted, 2);
  EXPECT_EQ(read().size(), 2u);
  world_.fs.clear_failure_rates();
  world_.clock.advance_ns(120 * kNsPerSecond);
  world_.tasks.drain();
  world_.engine->tick();
  world_.tasks.drain();
  EXPECT_TRUE(append(some_rows("s0", 10, 1)).ok());
}

class SmallHeadTest : public EngineTest {
 protected:
  static MemoryAccountant::Limits limits() {
    MemoryAccountant::Limits limits;
    limits.bytes[static_cast<size_t>(MemoryShare::head)] = 256u << 10;
    return limits;
  }
  SmallHeadTest() : EngineTest(limits()) { open(); }
};

TEST_F(SmallHeadTest, BlocksSealEarlyWhenTheHeadIsFullAndReplayStaysWithinIt) {
  uint64_t rows = 0;
  for (int i = 0; i < 100; ++i) {
    const auto appended = append(some_rows(fmt::format("s{}", i % 7), i * 100, 100));
    ASSERT_TRUE(appended.ok()) << appended.error().message;
    rows += appended->rows;
    world_.tasks.run_one();
  }
  EXPECT_LT(world_.memory.peak(MemoryShare::head), 512u << 10);
  EXPECT_EQ(read().size(), rows);
  open();
  EXPECT_EQ(read().size(), rows);
  EXPECT_LT(world_.memory.peak(MemoryShare::head), 512u << 10);
  flush();
  EXPECT_EQ(read().size(), rows);
  EXPECT_EQ(world_.memory.used(MemoryShare::head), 0u);
}

TEST_F(EngineTest, ADamagedSegmentIsLeftOutAndTheRestIsServed) {
  ASSERT_TRUE(append(some_rows("s0", 0, 5)).ok());
  flush();
  ASSERT_TRUE(append(some_rows("s1", 0, 5)).ok());
  flush();
  const std::string directory = "data/objects/segments/" + world_.options.node;
  const auto names = world_.fs.list(directory);
  ASSERT_TRUE(names.ok());
  ASSERT_EQ(names->size(), 2u);
  // The footer is what is read first.
  const auto file = world_.fs.open(directory + "/" + names->front(), OpenMode::read_write);
  ASSERT_TRUE((*file)->write_at(*(*file)->size() - 20, "damagedamagedamage").ok());
  open();
  EXPECT_EQ(read(), some_rows("s1", 0, 5));
  EXPECT_EQ(world_.fs.list(directory)->size(), 2u) << "never deleted";
  EXPECT_NE(world_.metrics.text().find("cordwood_segments_corrupt_total 1"), std::string::npos);
}

TEST_F(EngineTest, ARecordThatCannotBeReadAgainIsReportedAndItsFileKept) {
  ASSERT_TRUE(append(some_rows("s0", 0, 5)).ok());
  const RowBatch batch = make_batch(*world_.engine, "t", some_rows("s1", 0, 5));
  std::string encoded;
  encode_wal_batch(batch, &encoded);
  const WalPolicy policy{9, "one the decoder does not know"};
  WalBody body;
  body.body = encoded;
  body.policy = &policy;
  ASSERT_TRUE(world_.engine->append(batch, &body).ok());
  EXPECT_EQ(read().size(), 10u);
  open();
  EXPECT_EQ(read(), some_rows("s0", 0, 5));
  flush();
  const auto names = world_.fs.list("data/wal");
  ASSERT_EQ(names->size(), 1u);
  EXPECT_TRUE(names->front().ends_with(".unread")) << names->front();
  open();
  EXPECT_EQ(read(), some_rows("s0", 0, 5));
  EXPECT_EQ(world_.fs.list("data/wal")->size(), 1u);
}

TEST_F(EngineTest, StreamsAreOneObjectAndListenersHearOfThemOnce) {
  struct Listener final : StreamListener {
    void on_stream_day(const StreamPtr& stream, int32_t day) override {
      heard.push_back(fmt::format("{} {}", stream->labels.get("app"), day - day_of(kBaseNs)));
    }
    std::vector<std::string> heard;
  } listener;
  world_.environment.streams = &listener;
  open();
  const Labels labels = Labels::from_pairs({{"app", "s0"}});
  const StreamPtr stream = world_.engine->stream("t", StreamKind::log, labels);
  EXPECT_EQ(world_.engine->stream("t", StreamKind::log, labels), stream);
  EXPECT_NE(world_.engine->stream("u", StreamKind::log, labels), stream);
  std::vector<StoredRow> rows = some_rows("s0", 0, 2);
  rows.push_back({"s0", kBaseNs + kNsPerDay, "next day", {}});
  ASSERT_TRUE(append(rows).ok());
  ASSERT_TRUE(append(some_rows("s0", 2, 2)).ok());
  EXPECT_EQ(listener.heard, (std::vector<std::string>{"s0 0", "s0 1"}));
  listener.heard.clear();
  open();
  EXPECT_EQ(listener.heard, (std::vector<std::string>{"s0 0", "s0 1"})) << "replay";
  flush();
  listener.heard.clear();
  ASSERT_TRUE(append(some_rows("s0", 4, 1)).ok());
  EXPECT_EQ(listener.heard, std::vector<std::string>{"s0 0"}) << "a new generation";
}

}  // namespace
}  // namespace cordwood
