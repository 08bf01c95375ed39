// SPDX-License-Identifier: Apache-2.0
// Two live servers of one node on a bucket that honours If-None-Match, without a lease.
#include <gmock/gmock.h>

#include "storage/delete_target.h"
#include "storage/manifest_store.h"
#include "tests/support/engine_world.h"
#include "tests/support/faulty_bucket.h"
#include "tests/support/simple_predicate.h"

namespace cordwood {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kTakenNs = 1'700'000'000'000'000'000;

/// A machine with a disk of its own.
struct LiveServer : EngineWorld {
  LiveServer(uint64_t seed, FaultyBucket* bucket) : EngineWorld(seed) {
    options.claim_node = true;
    open_store = [bucket] { return Result<std::unique_ptr<ObjectStore>>(bucket->open()); };
  }
  Result<Engine::Appended> push(int line) {
    const StoredRow row{"s0", kTakenNs + line, fmt::format("line {}", line), {}};
    return engine->append(make_batch(*engine, "t", {row}), nullptr);
  }
  std::string lines() {
    std::string out;
    const auto rows = read_rows(*engine->snapshot(), "t");
    if (!rows.ok()) return rows.error().message;
    for (const StoredRow& row : *rows) out += row.line.substr(5) + " ";
    return out;
  }
};

TEST(TakeOver, TheFirstStopsWhenItFindsTheOther) {
  FaultyBucket bucket(1);
  LiveServer a(1, &bucket), b(2, &bucket);
  ASSERT_TRUE(a.open().ok());
  ASSERT_TRUE(a.push(1).ok());
  ASSERT_TRUE(a.engine->flush().ok());
  ASSERT_TRUE(a.push(2).ok());
  ASSERT_TRUE(b.open().ok());
  EXPECT_EQ(b.lines(), "1 ");
  EXPECT_EQ(a.engine->taken_over(), "");
  const uint64_t requests = bucket.requests();
  ASSERT_TRUE(a.push(3).ok()) << "it cannot know";
  EXPECT_EQ(bucket.requests(), requests) << "and does not ask";
  EXPECT_FALSE(a.engine->flush().ok());
  EXPECT_THAT(a.engine->taken_over(), HasSubstr("another server writes as node node-1"));
  EXPECT_TRUE(a.engine->status().taken_over);
  const auto refused = a.push(99);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("another server writes as node node-1"));
  EXPECT_EQ(a.lines(), "1 2 3 ") << "what it has it still answers";
  ASSERT_TRUE(b.push(4).ok());
  ASSERT_TRUE(b.engine->flush().ok());
  EXPECT_EQ(b.engine->taken_over(), "");

  ASSERT_TRUE(a.open().ok());
  EXPECT_EQ(a.lines(), "1 2 3 4 ");
  ASSERT_TRUE(a.engine->flush().ok());
  ASSERT_TRUE(b.push(5).ok());
  EXPECT_FALSE(b.engine->flush().ok()) << "who opened it last has it";
  ASSERT_TRUE(b.open().ok());
  EXPECT_EQ(b.lines(), "1 2 3 4 5 ");
}

/// The other's start removes uploaded segments that no manifest names: they must not be named later.  At each request
/// of a publication the bucket goes away.
TEST(TakeOver, ADelayedPublicationNamesNothingThatIsGone) {
  int taken_over = 0;
  for (uint64_t last = 1; last < 20; ++last) {
    FaultyBucket bucket(last);
    LiveServer a(1, &bucket), b(2, &bucket);
    ASSERT_TRUE(a.open().ok());
    ASSERT_TRUE(a.push(1).ok());
    bucket.end_at(bucket.requests() + last);
    const bool published = a.engine->flush().ok();
    bucket.heal();
    ASSERT_TRUE(b.open().ok());
    EXPECT_EQ(a.engine->flush().ok(), published);
    taken_over += a.engine->taken_over().empty() ? 0 : 1;
    ASSERT_TRUE(a.open().ok());
    EXPECT_EQ(a.lines(), "1 ") << last;
  }
  EXPECT_GT(taken_over, 0);
}

TEST(TakeOver, AChangeOfOursWhoseAnswerWasLostIsNoStranger) {
  for (uint64_t last = 1; last < 20; ++last) {
    FaultyBucket bucket(last);
    LiveServer a(1, &bucket);
    ASSERT_TRUE(a.open().ok());
    ASSERT_TRUE(a.push(1).ok());
    bucket.end_at(bucket.requests() + last);
    (void)a.engine->flush().ok();
    bucket.heal();
    ASSERT_TRUE(a.push(2).ok());
    EXPECT_TRUE(a.engine->flush().ok()) << last;
    EXPECT_EQ(a.lines(), "1 2 ");
  }
}

/// What a delete of the other's means is told by when rows came; by its number it would mean some rows of a push alone.
TEST(TakeOver, ADeleteWhoseCutFallsAmongTheRowsOfAPushMeansAllOfThem) {
  SimplePredicateCompiler predicates;
  for (int rows_of_other = 1; rows_of_other <= 5; ++rows_of_other) {
    FaultyBucket bucket(1);
    LiveServer a(1, &bucket), b(2, &bucket);
    for (LiveServer* machine : {&a, &b}) machine->environment.predicates = &predicates;
    ASSERT_TRUE(a.open().ok());
    ASSERT_TRUE(b.open().ok());
    std::vector<StoredRow> rows;
    for (int i = 0; i < 4; ++i)
      rows.push_back({"s0", kTakenNs + i * 86'400'000'000'000, fmt::format("line {}", i), {}});
    ASSERT_TRUE(a.engine->append(make_batch(*a.engine, "t", rows), nullptr).ok());
    for (int i = 0; i < rows_of_other; ++i) ASSERT_TRUE(b.push(10 + i).ok());
    b.clock.advance_ns(1);
    DeleteRequest request{.id = "d", .tenant = "t", .query = "s0 *", .start_ns = 0, .end_ns = INT64_MAX};
    request.created_ns = b.clock.now_ns();
    ASSERT_TRUE(b.engine->delete_target()->request_delete(request).ok());
    b.clock.advance_ns(1);
    ASSERT_TRUE(b.push(20).ok());
    b.close();
    ASSERT_TRUE(a.open().ok());
    EXPECT_EQ(a.lines(), "") << rows_of_other;
    ASSERT_TRUE(a.engine->flush().ok());
    a.close();
    ASSERT_TRUE(b.open().ok());
    EXPECT_EQ(b.lines(), "20 ") << rows_of_other;
  }
}

/// Rows that a start leaves out of a log are gone: the delete that meant them cannot be cancelled as if they were not.
TEST(TakeOver, ADeleteThatLeftRowsOutIsNotCancelled) {
  SimplePredicateCompiler predicates;
  FaultyBucket bucket(1);
  LiveServer a(1, &bucket), b(2, &bucket);
  for (LiveServer* machine : {&a, &b}) machine->environment.predicates = &predicates;
  ASSERT_TRUE(a.open().ok());
  ASSERT_TRUE(a.push(1).ok());
  ASSERT_TRUE(b.open().ok());
  ASSERT_TRUE(b.push(2).ok());
  ASSERT_TRUE(b.engine->flush().ok());
  b.clock.advance_ns(1);
  for (const char* query : {"s0 *", "s1 *"}) {
    DeleteRequest request{.id = query, .tenant = "t", .query = query, .start_ns = 0, .end_ns = INT64_MAX};
    request.created_ns = b.clock.now_ns();
    ASSERT_TRUE(b.engine->delete_target()->request_delete(request).ok());
  }
  b.close();
  for (int start = 0; start < 2; ++start) {
    ASSERT_TRUE(a.open().ok());
    EXPECT_EQ(a.lines(), "");
    const auto refused = a.engine->delete_target()->cancel_delete("s0 *", false);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().kind, ErrorKind::invalid);
    ASSERT_TRUE(a.engine->flush().ok());
  }
  ASSERT_TRUE(b.open().ok());
  DeleteTarget& target = *b.engine->delete_target();
  EXPECT_FALSE(target.cancel_delete("s0 *", false).ok());
  EXPECT_TRUE(target.cancel_delete("s1 *", false).ok()) << "it meant nothing that is gone";
  EXPECT_TRUE(target.cancel_delete("s0 *", true).ok());
  EXPECT_EQ(b.lines(), "2 ") << "what is still there";
}

TEST(TakeOver, OfTwoThatClaimAtOnceOneHasIt) {
  FaultyBucket bucket(1);
  const auto store = bucket.open();
  const auto log = Logger::silent();
  ManifestStore one(*store, "n", *log), two(*store, "n", *log);
  CatalogState state_of_one, state_of_two;
  bool rebuilt = false;
  ASSERT_TRUE(one.load(&state_of_one, &rebuilt).ok());
  ASSERT_TRUE(two.load(&state_of_two, &rebuilt).ok());
  ASSERT_TRUE(one.claim("session 1", &state_of_one).ok());
  ASSERT_TRUE(two.claim("session 2", &state_of_two).ok());
  EXPECT_TRUE(two.check_alone(state_of_two).ok());
  EXPECT_FALSE(one.check_alone(state_of_one).ok());
  EXPECT_FALSE(one.append({}, &state_of_one).ok());
  EXPECT_TRUE(one.taken_over());
  EXPECT_FALSE(one.append({}, &state_of_one).ok()) << "for good";
  EXPECT_TRUE(two.append({}, &state_of_two).ok());
  EXPECT_FALSE(two.taken_over());
}

}  // namespace
}  // namespace cordwood
