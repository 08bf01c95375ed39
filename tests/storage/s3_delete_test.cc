// SPDX-License-Identifier: Apache-2.0
// Deletes and holds when all that is left is the bucket.
#include <gtest/gtest.h>

#include "storage/delete_target.h"
#include "tests/support/s3_engine_world.h"

namespace cordwood {
namespace {

std::string lines(S3EngineWorld& world) {
  std::string out;
  for (const StoredRow& row : world.read()) out += row.line + " ";
  return out;
}

DeleteRequest request(const std::string& id, const std::string& query) {
  DeleteRequest made;
  made.id = id;
  made.tenant = "t";
  made.query = query;
  made.end_ns = 100;
  return made;
}

TEST(S3Delete, AnEmptyDiskAndAFullBucketKnowWhatIsDeletedAndHeld) {
  S3EngineWorld world;
  ASSERT_TRUE(world.open().ok());
  ASSERT_TRUE(world.append({{"a", 1, "x1", {}}, {"a", 2, "x2", {}}, {"b", 3, "y", {}}}).ok());
  ASSERT_TRUE(world.engine->flush().ok());
  ASSERT_TRUE(world.append({{"c", 1, "lost", {}}}).ok());
  DeleteTarget& target = *world.engine->delete_target();
  ASSERT_TRUE(target.set_hold({"h", "t", "a *", 0, 1, "why", 5}).ok());
  ASSERT_TRUE(target.request_delete(request("d", "a *")).ok());
  EXPECT_EQ(lines(world), "x1 y lost ");
  const CatalogActs acts = target.acts();
  world.close();
  world.lose_disk();
  ASSERT_TRUE(world.open().ok());
  EXPECT_EQ(world.engine->delete_target()->acts(), acts);
  EXPECT_EQ(lines(world), "x1 y ");
  // The sequences of what was lost are not used again below the request's place in the order.
  ASSERT_TRUE(world.append({{"a", 2, "x2", {}}, {"a", 2, "new", {}}}).ok());
  EXPECT_EQ(lines(world), "x1 x2 new y ");
  ASSERT_TRUE(world.engine->flush().ok());
  EXPECT_EQ(lines(world), "x1 x2 new y ");
}

TEST(S3Delete, ABucketThatLosesAnswersTakesARequestOnceOrNotAtAll) {
  S3EngineWorld world;
  ASSERT_TRUE(world.open().ok());
  ASSERT_TRUE(world.append({{"a", 1, "x", {}}, {"b", 3, "y", {}}}).ok());
  ASSERT_TRUE(world.engine->flush().ok());
  world.s3.bucket.set_faults([n = 0u](const S3Double::Seen&) mutable {
    static constexpr S3Fault kFaults[] = {S3Fault::lost_answer, S3Fault::lost_to_500, S3Fault::error_500};
    return ++n % 2 == 0 ? kFaults[n / 2 % std::size(kFaults)] : S3Fault::none;
  });
  DeleteTarget& target = *world.engine->delete_target();
  for (int i = 0; i < 10; ++i) {
    const std::string id = fmt::format("d{}", i);
    const Result<void> done = target.request_delete(request(id, "a *"));
    ASSERT_TRUE(done.ok()) << done.error().message;
    EXPECT_EQ(lines(world), "y ");
    const Result<void> cancelled = target.cancel_delete(id, false);
    ASSERT_TRUE(cancelled.ok()) << cancelled.error().message;
    EXPECT_EQ(lines(world), "x y ");
  }
  EXPECT_TRUE(target.acts().deletes.empty());
}

}  // namespace
}  // namespace cordwood
