// SPDX-License-Identifier: Apache-2.0
#include "lifecycle/eraser.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/support/eraser_world.h"

namespace cordwood::lifecycle {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kHourNs = 3600 * kNsPerSecond;
constexpr int64_t kNowNs = 1'700'000'000'000'000'000;

Matcher equal(const std::string& name, const std::string& value) {
  auto made = Matcher::make(name, MatchOp::equal, value);
  CHECK(made.ok(), "{}", value);
  return *made;
}

class EraserTest : public testing::Test {
 protected:
  void open() {
    erasing_.forget();
    merging_.forget();
    const Result<void> opened = world_.open();
    ASSERT_TRUE(opened.ok()) << opened.error().message;
  }
  void append(const std::vector<StoredRow>& rows, const TenantId& tenant = "t") {
    const auto done = world_.engine->append(make_batch(*world_.engine, tenant, rows), nullptr);
    ASSERT_TRUE(done.ok()) << done.error().message;
  }
  void flush() {
    const Result<void> flushed = world_.engine->flush();
    ASSERT_TRUE(flushed.ok()) << flushed.error().message;
  }
  std::string lines(const SnapshotPtr& snapshot, const TenantId& tenant = "t") {
    const auto rows = read_distinct_rows(*snapshot, tenant);
    if (!rows.ok()) return rows.error().message;
    std::string out;
    for (const StoredRow& row : *rows) out += row.line + " ";
    return out;
  }
  std::string lines() { return lines(world_.engine->snapshot()); }
  void request(const std::string& id, const std::string& query, const TenantId& tenant = "t") {
    DeleteRequest request;
    request.id = id;
    request.tenant = tenant;
    request.query = query;
    request.start_ns = 0;
    request.end_ns = kNowNs;
    request.created_ns = world_.clock.now_ns();
    const Result<void> done = erasing_.target().request_delete(request);
    ASSERT_TRUE(done.ok()) << done.error().message;
  }
  void hold(const std::string& id, const std::string& selector, int64_t end_ns = kNowNs, const TenantId& tenant = "t") {
    const Result<void> done = erasing_.target().set_hold({id, tenant, selector, 0, end_ns, "", 0});
    ASSERT_TRUE(done.ok()) << done.error().message;
  }
  /// Rounds in which the power goes after so many operations, or, with 0, behind them; then a start.  How many
  /// operations there were.
  uint64_t run_to_a_power_cut(int rounds, uint64_t operations) {
    const uint64_t before = world_.fs.operations();
    if (operations > 0) world_.fs.cut_power_at(before + operations);
    erasing_.run(rounds);
    const uint64_t done = world_.fs.operations() - before;
    world_.fs.cut_power();
    world_.fs.cut_power_at(0);
    world_.fs.restart();
    open();
    return done;
  }
  std::string states() {
    std::string out;
    for (const DeleteRequest& r : erasing_.target().acts().deletes) {
      out += r.id + (r.state == DeleteRequest::State::processed ? ":processed " : ":received ");
    }
    return out;
  }
  std::vector<std::string> acts() {
    std::vector<std::string> out;
    const auto lines = erasing_.audit().newest("t", 100);
    for (const std::string& line : *lines) out.push_back(nlohmann::json::parse(line)["act"]);
    return out;
  }
  uint64_t count(const std::string& name) { return world_.metrics.counter(name, "").value(); }

  EngineWorld world_{1};
  MergeWorld merging_{world_};
  EraserWorld erasing_{world_, merging_};
};

TEST_F(EraserTest, ARequestMeansWhatWasThere) {
  open();
  append({{"a", kNowNs - 3, "old1", {}}, {"a", kNowNs - 2, "old2", {}}, {"b", kNowNs - 2, "other", {}}});
  flush();
  append({{"a", kNowNs - 1, "old3", {}}});
  const SnapshotPtr before = world_.engine->snapshot();
  const uint64_t version = world_.engine->version();
  request("d", "a old");
  EXPECT_GT(world_.engine->version(), version);
  EXPECT_EQ(lines(), "other ");
  append({{"a", kNowNs - 2, "old2", {}}, {"a", kNowNs - 1, "old4", {}}});
  EXPECT_EQ(lines(), "old2 old4 other ");
  EXPECT_EQ(lines(before), "old1 old2 old3 other ") << "a snapshot never changes";
  open();
  EXPECT_EQ(lines(), "old2 old4 other ");
  erasing_.run(1);
  EXPECT_EQ(lines(), "old2 old4 other ");
  const Result<void> cancelled = erasing_.target().cancel_delete("d", false);
  EXPECT_TRUE(cancelled.ok()) << cancelled.error().message;
  EXPECT_EQ(erasing_.target().cancel_delete("d", false).error().kind, ErrorKind::not_found);
}

TEST_F(EraserTest, BlocksThatNoRequestTouchesAreAsEver) {
  open();
  append({{"a", kNowNs - 3, "x", {}}});
  flush();
  append({{"b", kNowNs - 3, "y", {}}});
  flush();
  const auto blocks = [this] { return world_.engine->snapshot()->blocks("t", TimeRange::all()); };
  const auto was = blocks();
  ASSERT_EQ(was.size(), 2u);
  request("d", "a x");
  request("e", "b nothing");
  const auto now = blocks();
  ASSERT_EQ(now.size(), 2u);
  EXPECT_NE(now[0], was[0]);
  EXPECT_EQ(now[0]->info().rows, 0u);
  EXPECT_EQ(now[0]->counts(0)->size(), 0u);
  EXPECT_FALSE(now[1]->count_widths_ns().empty()) << "no row is meant after all";
  EXPECT_EQ(now[1]->counts(0)->size(), was[1]->counts(0)->size());
  EXPECT_EQ(blocks(), now) << "a block is the same source for all";
  ASSERT_TRUE(erasing_.target().cancel_delete("d", false).ok());
  EXPECT_EQ(blocks()[0], was[0]);
}

TEST_F(EraserTest, CountTablesAreOfTheRowsThatAreLeft) {
  open();
  std::vector<StoredRow> rows;
  for (int i = 0; i < 300; ++i) {
    rows.push_back({"a", kNowNs - 400 * kNsPerSecond + i * kNsPerSecond, fmt::format("line {}", i), {}});
  }
  rows.push_back({"c", kNowNs - 400 * kNsPerSecond, "line 1", {{"k", "v"}}});
  append(rows);
  flush();
  request("d", "a 7");
  request("e", "c *");
  const auto blocks = world_.engine->snapshot()->blocks("t", TimeRange::all());
  ASSERT_EQ(blocks.size(), 1u);
  const BlockSource& block = *blocks[0];
  std::map<int64_t, std::pair<uint64_t, uint64_t>> want;
  uint64_t left = 0;
  for (const StoredRow& row : rows) {
    if (row.stream == "c" || row.line.find('7') != std::string::npos) continue;
    auto& [count, bytes] = want[-floor_div(-row.time_ns, block.count_widths_ns()[0])];
    ++count;
    bytes += row.line.size();
    ++left;
  }
  EXPECT_EQ(block.info().rows, left);
  std::map<int64_t, std::pair<uint64_t, uint64_t>> got;
  const auto counts = block.counts(0);
  ASSERT_TRUE(counts.ok());
  for (const BlockCount& c : *counts) {
    EXPECT_EQ(c.stream, 0u);
    EXPECT_EQ(c.level, "unknown");
    EXPECT_EQ(c.metadata_bytes, c.rows * std::string("detected_levelunknown").size());
    got[c.bucket] = {c.rows, c.line_bytes};
  }
  EXPECT_EQ(got, want);
}

TEST_F(EraserTest, ProcessedWaitsForSnapshotsThatHoldTheOldObjects) {
  open();
  append({{"a", kNowNs - 3, "x", {}}, {"b", kNowNs - 3, "y", {}}});
  flush();
  SnapshotPtr held = world_.engine->snapshot();
  request("d", "a *");
  erasing_.run(5);
  EXPECT_EQ(states(), "d:received ");
  EXPECT_EQ(lines(held), "x y ");
  held = nullptr;
  erasing_.run(2);
  EXPECT_EQ(states(), "d:processed ");
  EXPECT_EQ(lines(), "y ");
  EXPECT_EQ(count("cordwood_delete_rows_total"), 1u);
  EXPECT_THAT(acts(), ElementsAre("delete_processed"));
}

TEST_F(EraserTest, NothingIsCarriedOutWhileItMayBeCancelled) {
  erasing_.options.cancel_period_ns = kHourNs;
  open();
  for (int i = 0; i < 4; ++i) {
    append({{"a", kNowNs - 10 + i, fmt::format("x{}", i), {}}});
    flush();
    if (i == 1) request("d", "a *");
  }
  world_.clock.advance_ns(merging_.options.quiet_after_ns);
  merging_.merger().tick();
  world_.clock.advance_ns(merging_.options.quiet_after_ns);
  merging_.merger().tick();
  EXPECT_EQ(merging_.segments().size(), 2u) << "not merged across the request";
  erasing_.run(3);
  EXPECT_EQ(states(), "d:received ");
  EXPECT_EQ(lines(), "x2 x3 ");
  world_.clock.advance_ns(kHourNs);
  erasing_.run(3);
  EXPECT_EQ(states(), "d:processed ");
  EXPECT_EQ(lines(), "x2 x3 ");
  EXPECT_EQ(count("cordwood_delete_segments_dropped_total"), 1u);
}

TEST_F(EraserTest, AHoldWinsAndTheRequestWaits) {
  open();
  append({{"a", kNowNs - 3, "x1", {}}, {"a", kNowNs - 2, "x2", {}}, {"b", kNowNs - 2, "y", {}}});
  flush();
  hold("h", "a *", kNowNs - 3);
  request("d", "* *");
  EXPECT_EQ(lines(), "x1 ");
  erasing_.run(4);
  EXPECT_EQ(lines(), "x1 ");
  EXPECT_EQ(merging_.segments()[0].rows, 1u);
  EXPECT_EQ(states(), "d:received ");
  EXPECT_TRUE(erasing_.eraser().progress("d").held);
  open();
  erasing_.run(4);
  EXPECT_EQ(lines(), "x1 ");
  ASSERT_TRUE(erasing_.target().lift_hold("h").ok());
  EXPECT_EQ(lines(), "");
  erasing_.run(4);
  EXPECT_EQ(states(), "d:processed ");
  EXPECT_THAT(merging_.segments(), IsEmpty());
}

/// Whether the veils of all are made at once, at a start or when a hold changes, or those of some.
TEST_F(EraserTest, DeletesAndHoldsAreOfTheirTenantAlone) {
  open();
  for (const TenantId tenant : {"t", "u", "v"}) {
    append({{"a", kNowNs - 3, tenant + "1", {}}, {"b", kNowNs - 2, tenant + "2", {}}}, tenant);
  }
  const auto all = [this] {
    const SnapshotPtr now = world_.engine->snapshot();
    return lines(now, "t") + lines(now, "u") + lines(now, "v");
  };
  request("d1", "a *");
  EXPECT_EQ(all(), "t2 u1 u2 v1 v2 ");
  hold("h1", "b *", kNowNs, "u");
  hold("h2", "a *", kNowNs, "v");
  request("d2", "* *", "u");
  EXPECT_EQ(all(), "t2 u2 v1 v2 ");
  open();
  EXPECT_EQ(all(), "t2 u2 v1 v2 ");
  request("d3", "* *", "v");
  request("d4", "b *");
  EXPECT_EQ(all(), "u2 v1 ");
  ASSERT_TRUE(erasing_.target().cancel_delete("d1", false).ok());
  EXPECT_EQ(all(), "t1 u2 v1 ");
  ASSERT_TRUE(erasing_.target().cancel_delete("d2", false).ok());
  ASSERT_TRUE(erasing_.target().lift_hold("h2").ok());
  EXPECT_EQ(all(), "t1 u1 u2 ");
}

/// A hold that comes while rows are being taken out is in time.
TEST_F(EraserTest, AChangeOfHoldsEndsARewrite) {
  open();
  append({{"a", kNowNs - 3, "x", {}}, {"b", kNowNs - 3, "y", {}}});
  flush();
  request("d", "a *");
  const MergeTarget::State state = world_.engine->merge_target()->merge_state();
  hold("h", "a *");
  const auto veil = erasing_.target().veil_of("t", {"d"}, false);
  const auto done = merging_.merger().rewrite(state, state.segments[0]->meta().key,
                                              [&](const BlockSourcePtr& block) { return veil->over(block); });
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().kind, ErrorKind::cancelled);
  EXPECT_EQ(lines(), "x y ");
  erasing_.run(3);
  EXPECT_EQ(lines(), "x y ");
}

TEST_F(EraserTest, RowsBeyondTheirRetentionAreHiddenThenDropped) {
  world_.options.retention.period_ns = 48 * kHourNs;
  world_.options.retention.streams = {{{equal("app", "a")}, 1, 24 * kHourNs}};
  open();
  append({{"a", kNowNs - 30 * kHourNs, "a30", {}}, {"b", kNowNs - 30 * kHourNs, "b30", {}}});
  flush();
  append({{"a", kNowNs - 23 * kHourNs, "a23", {}}, {"b", kNowNs - 23 * kHourNs, "b23", {}}});
  flush();
  EXPECT_EQ(lines(), "a23 b30 b23 ");
  erasing_.run(2);
  EXPECT_EQ(merging_.segments()[0].rows, 1u) << "half of it was beyond";
  EXPECT_EQ(count("cordwood_retention_segments_rewritten_total"), 1u);
  world_.clock.advance_ns(2 * kHourNs);
  world_.engine->tick();
  EXPECT_EQ(lines(), "b30 b23 ");
  world_.clock.advance_ns(17 * kHourNs);
  erasing_.run(2);
  EXPECT_EQ(lines(), "b23 ");
  EXPECT_EQ(merging_.segments().size(), 1u);
  EXPECT_EQ(count("cordwood_retention_segments_dropped_total"), 1u);
  EXPECT_EQ(count("cordwood_retention_rows_total"), 3u);
  EXPECT_THAT(acts(), ElementsAre("retention_removed", "retention_removed", "retention_removed"));
  hold("h", "b *");
  world_.clock.advance_ns(100 * kHourNs);
  erasing_.run(2);
  EXPECT_EQ(lines(), "b23 ") << "held";
  ASSERT_TRUE(erasing_.target().lift_hold("h").ok());
  EXPECT_EQ(lines(), "");
  world_.clock.advance_ns(kHourNs);
  erasing_.run(2);
  EXPECT_THAT(merging_.segments(), IsEmpty());
}

TEST_F(EraserTest, WholeSegmentsAreDroppedUnread) {
  world_.options.retention.period_ns = 24 * kHourNs;
  open();
  append({{"a", kNowNs, "x", {}}});
  flush();
  const std::string path = "data/objects/" + merging_.segments()[0].key;
  auto file = world_.fs.open(path, OpenMode::open_or_create);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->truncate(10).ok());
  world_.clock.advance_ns(25 * kHourNs);
  erasing_.run(2);
  EXPECT_THAT(merging_.segments(), IsEmpty());
}

TEST_F(EraserTest, WhatIsProcessedIsInTheAuditLogWhereverThePowerGoes) {
  open();
  int processed = 0;
  uint64_t operations = 0;  // of the first one, which no power cut ends
  for (uint64_t i = 0; i < 60; ++i) {
    append({{"a", kNowNs - 3, "x", {}}, {"b", kNowNs - 2, "y", {}}});
    flush();
    const std::string id = fmt::format("d{}", i);
    request(id, "a x");
    const uint64_t done = run_to_a_power_cut(6, i == 0 ? 0 : operations + 10 - i % 30);
    if (i == 0) operations = done;
    if (!states().ends_with(id + ":processed ")) continue;
    ++processed;
    EXPECT_EQ(acts().at(0), "delete_processed") << i;
    EXPECT_THAT(erasing_.audit().newest("t", 1)->at(0), testing::HasSubstr(id)) << i;
  }
  EXPECT_GT(processed, 0);
  EXPECT_LT(processed, 60);
  erasing_.run(6);
  const auto noted = acts();
  EXPECT_EQ(std::count(noted.begin(), noted.end(), "delete_processed"), 60)
      << "each once, though many were tried again";
}

TEST_F(EraserTest, WhatRetentionTakesIsInTheAuditLogWhereverThePowerGoes) {
  world_.options.retention.period_ns = 24 * kHourNs;
  open();
  int gone = 0;
  uint64_t operations = 0;  // of the first one, which no power cut ends
  for (uint64_t i = 0; i < 40; ++i) {
    append({{"a", world_.clock.now_ns(), "x", {}}});
    flush();
    const std::string key = merging_.segments().back().key;
    world_.clock.advance_ns(25 * kHourNs);
    const uint64_t done = run_to_a_power_cut(1, i == 0 ? 0 : operations - i % 20);
    if (i == 0) operations = done;
    if (!merging_.segments().empty()) {
      erasing_.run(3);
      EXPECT_THAT(merging_.segments(), IsEmpty());
      continue;
    }
    ++gone;
    EXPECT_EQ(acts().at(0), "retention_removed") << i;
    EXPECT_THAT(erasing_.audit().newest("t", 1)->at(0), testing::HasSubstr(key)) << i;
  }
  EXPECT_GT(gone, 0);
  EXPECT_LT(gone, 40);
}

TEST_F(EraserTest, TheAuditLogOutlivesTheProcess) {
  open();
  AuditLog::Entry entry;
  entry.tenant = "t";
  for (int i = 0; i < 3; ++i) {
    entry.act = fmt::format("act{}", i);
    entry.query = "a \xff \"quoted\"";
    ASSERT_TRUE(erasing_.audit().add(entry).ok());
    open();
  }
  EXPECT_THAT(acts(), ElementsAre("act2", "act1", "act0"));
  EXPECT_EQ(erasing_.audit().newest("t", 2)->size(), 2u);
  EXPECT_EQ(erasing_.audit().newest("other", 2)->size(), 0u);
}

}  // namespace
}  // namespace cordwood::lifecycle
