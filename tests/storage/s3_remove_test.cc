// SPDX-License-Identifier: Apache-2.0
// Many objects removed with one request.
#include <gmock/gmock.h>

#include "storage/s3_answers.h"
#include "tests/support/s3_engine_world.h"
#include "tests/support/s3_world.h"

namespace cordwood {
namespace {

using ::testing::ElementsAre;

/// A key as it is in the bucket.
std::string at(const std::string& key) {
  return "some/where/" + key;
}

struct S3RemoveTest : testing::Test {
  /// What was asked for since, but for what opening asks.
  std::vector<std::string> ops() const {
    std::vector<std::string> found;
    const auto seen = world.bucket.seen();
    for (size_t i = before; i < seen.size(); ++i) found.push_back(seen[i].op);
    return found;
  }
  std::vector<std::string> fill(size_t count) {
    std::vector<std::string> keys;
    for (size_t i = 0; i < count; ++i) {
      keys.push_back(fmt::format("wal/n%25/{:05}", i));
      world.bucket.put(at(keys.back()), "x");
    }
    world.bucket.put(at("wal/stays"), "x");
    before = world.bucket.seen().size();
    return keys;
  }
  bool all_gone() const { return world.bucket.objects().size() == 1; }
  S3World world;
  size_t before = 0;
};

TEST_F(S3RemoveTest, AThousandAtATime) {
  world.open();
  ASSERT_TRUE(world.store->remove_all(fill(2100), 4).ok());
  EXPECT_TRUE(all_gone());
  EXPECT_THAT(ops(), ElementsAre("delete_objects", "delete_objects", "delete_objects"));
}

TEST_F(S3RemoveTest, OneGoesByItself) {
  world.open();
  ASSERT_TRUE(world.store->remove_all(fill(1), 4).ok());
  EXPECT_THAT(ops(), ElementsAre("delete"));
}

TEST_F(S3RemoveTest, KeysThatAreLeftAreAskedForAlone) {
  world.open();
  const auto keys = fill(5);
  world.bucket.set_faults([](const S3Double::Seen&) { return S3Fault::half_done; });
  ASSERT_TRUE(world.store->remove_all(keys, 1).ok());
  EXPECT_TRUE(all_gone());
  EXPECT_THAT(ops(), ElementsAre("delete_objects", "delete", "delete"));
}

/// A key that cannot be removed is told.
TEST_F(S3RemoveTest, AFailureIsTold) {
  world.open();
  const auto keys = fill(4);
  world.bucket.set_faults(
      [](const S3Double::Seen& seen) { return seen.op == "delete" ? S3Fault::error_500 : S3Fault::half_done; });
  const Result<void> removed = world.store->remove_all(keys, 1);
  ASSERT_FALSE(removed.ok());
  EXPECT_EQ(removed.error().kind, ErrorKind::unavailable);
}

TEST_F(S3RemoveTest, FaultsAreTriedAgain) {
  for (const S3Fault fault : {S3Fault::error_500, S3Fault::slow_down, S3Fault::hang_up, S3Fault::lost_answer,
                              S3Fault::lost_to_500, S3Fault::cut_body, S3Fault::late_failure}) {
    S3World other;
    other.open();
    std::vector<std::string> keys;
    for (int i = 0; i < 5; ++i) {
      keys.push_back(fmt::format("wal/{}", i));
      other.bucket.put(at(keys.back()), "x");
    }
    int asked = 0;
    other.bucket.set_faults([&](const S3Double::Seen&) { return asked++ == 0 ? fault : S3Fault::none; });
    EXPECT_TRUE(other.store->remove_all(keys, 1).ok()) << static_cast<int>(fault);
    EXPECT_TRUE(other.bucket.objects().empty()) << static_cast<int>(fault);
  }
}

class S3RemoveRefused : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Status, S3RemoveRefused, testing::Values(501, 405, 403));

TEST_P(S3RemoveRefused, OneByOneThen) {
  S3World world(S3Double::Options{.removes_many_status = GetParam()});
  world.open();
  for (int round = 0; round < 2; ++round) {
    for (const char* key : {"a", "b", "c"}) world.bucket.put(at(key), "x");
    ASSERT_TRUE(world.store->remove_all({"a", "b", "c"}, 2).ok());
    EXPECT_TRUE(world.bucket.objects().empty());
  }
  size_t asked = 0;
  for (const auto& seen : world.bucket.seen()) asked += seen.op == "delete_objects" ? 1 : 0;
  EXPECT_EQ(asked, 1u);
}

TEST(S3Remove, TheLogOfAPublishedGenerationGoesWithOneRequest) {
  S3EngineWorld world;
  world.options.ack_in_store = true;
  ASSERT_TRUE(world.open().ok());
  for (int64_t i = 0; i < 20; ++i) ASSERT_TRUE(world.append({{"a", i, "x", {}}}).ok());
  const size_t before = world.s3.bucket.seen().size();
  ASSERT_TRUE(world.engine->flush().ok());
  size_t many = 0, single = 0;
  const auto seen = world.s3.bucket.seen();
  for (size_t i = before; i < seen.size(); ++i) {
    many += seen[i].op == "delete_objects" ? 1 : 0;
    single += seen[i].op == "delete" ? 1 : 0;
  }
  EXPECT_EQ(many, 1u);
  EXPECT_EQ(single, 0u);
  for (const auto& [key, object] : world.s3.bucket.objects()) EXPECT_EQ(key.find("wal/"), std::string::npos) << key;
}

TEST(S3Answers, DeletionsAreWrittenAndRead) {
  EXPECT_THAT(print_delete({"a&b", "<c>"}),
              testing::HasSubstr("<Key>a&amp;b</Key></Object><Object><Key>&lt;c&gt;</Key>"));
  const auto none = parse_delete_failures("<DeleteResult/>");
  ASSERT_TRUE(none.ok());
  EXPECT_TRUE(none->empty());
  const auto some = parse_delete_failures(
      "<?xml version='1.0'?><DeleteResult><Deleted><Key>a</Key></Deleted><Error><Key>b&amp;</Key><Code>AccessDenied"
      "</Code><Message>no</Message></Error><Deleted><Key>c</Key></Deleted></DeleteResult>");
  ASSERT_TRUE(some.ok());
  ASSERT_EQ(some->size(), 1u);
  EXPECT_EQ((*some)[0].key, "b&");
  EXPECT_EQ((*some)[0].failure.code, "AccessDenied");
  for (const char* wrong : {"", "<Error><Code>x</Code></Error>", "<DeleteResult><Error>", "no XML"}) {
    EXPECT_FALSE(parse_delete_failures(wrong).ok()) << wrong;
  }
}

}  // namespace
}  // namespace cordwood
