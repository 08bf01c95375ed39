// SPDX-License-Identifier: Apache-2.0
// The contract on a real bucket, when there is one (./dev radosgw).
#include <gtest/gtest.h>

#include "storage/base/clock.h"
#include "storage/base/object_tiers.h"
#include "storage/s3_store.h"
#include "tests/support/object_store_contract.h"
#include "tests/support/real_bucket.h"

namespace cordwood {
namespace {

std::shared_ptr<ObjectStore> real_bucket() {
  struct Held {
    PosixFileSystem fs;
    SystemClock clock;
    SystemRandom random;
    Metrics metrics;
    std::shared_ptr<Logger> log = Logger::silent();
    std::unique_ptr<ObjectStore> store;
  };
  auto held = std::make_shared<Held>();
  const RealBucket at = *RealBucket::find();
  S3Options options;
  options.location = {
      .bucket = at.bucket, .prefix = at.prefix, .region = "us-east-1", .endpoint = at.endpoint, .path_style = true};
  options.access_key_id = at.access_key_id;
  options.secret_access_key = at.secret_access_key;
  options.part_bytes = 5u << 20;  // the least that is taken
  auto store = open_s3_store(options, {.fs = &held->fs,
                                       .clock = &held->clock,
                                       .random = &held->random,
                                       .metrics = &held->metrics,
                                       .log = held->log.get(),
                                       .variable = [](const std::string&) { return std::optional<std::string>(); },
                                       .wait_ns = sleep_ns});
  CHECK(store.ok(), "{}", store.error().message);
  held->store = std::move(*store);
  return {held, held->store.get()};
}

std::vector<ObjectStoreFactory> real_ones() {
  if (!RealBucket::find()) return {};
  return {&real_bucket};
}
INSTANTIATE_TEST_SUITE_P(RealBucket, ObjectStoreContract, ::testing::ValuesIn(real_ones()));

TEST(RealBucket, LargeUploadsAndClasses) {
  const auto at = RealBucket::find();
  if (!at) GTEST_SKIP() << "no real bucket is named by CORDWOOD_S3_ENDPOINT";
  const auto store = real_bucket();
  std::string bytes(20u << 20, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * i >> 7);
  auto upload = store->upload("segments/large");
  ASSERT_TRUE(upload.ok());
  ASSERT_TRUE((*upload)->append(bytes).ok());
  const auto finished = (*upload)->finish();
  ASSERT_TRUE(finished.ok()) << finished.error().message;
  EXPECT_EQ(store->head("segments/large")->size_bytes, bytes.size());
  EXPECT_TRUE(*store->get_range("segments/large", 7'000'001, 9'000'000) == bytes.substr(7'000'001, 9'000'000));
  ObjectTiers* tiers = store->tiers();
  EXPECT_EQ(tiers->tier("segments/large")->storage_class, "STANDARD");
  if (at->cold_class.empty()) return;
  const auto changed = tiers->change_class("segments/large", at->cold_class);
  ASSERT_TRUE(changed.ok()) << changed.error().message;
  EXPECT_EQ(tiers->tier("segments/large")->storage_class, at->cold_class);
  EXPECT_TRUE(*store->get_range("segments/large", 0, bytes.size()) == bytes);
  EXPECT_TRUE(store->remove("segments/large").ok());
}

TEST(RealBucket, UploadsThatNobodyFinishesAreListedAndAborted) {
  if (!RealBucket::find()) GTEST_SKIP() << "no real bucket is named by CORDWOOD_S3_ENDPOINT";
  const auto store = real_bucket();
  constexpr int64_t kDayNs = 24 * 3600 * 1'000'000'000LL;
  const std::string bytes(9u << 20, 'x');
  std::vector<std::unique_ptr<ObjectUpload>> uploads;
  for (int i = 0; i < 4; ++i) {
    uploads.push_back(std::move(*store->upload(fmt::format("segments/n%25/{}", i))));
    ASSERT_TRUE(uploads.back()->append(bytes).ok());
  }
  uploads.pop_back();
  const int64_t now_ns = SystemClock().now_ns();
  const auto young = store->abort_uploads("segments/n%25/", now_ns - kDayNs);
  ASSERT_TRUE(young.ok()) << young.error().message;
  EXPECT_EQ(*young, 0u);
  EXPECT_TRUE(uploads[0]->finish().ok());
  EXPECT_EQ(*store->abort_uploads("segments/n%25/", now_ns + kDayNs), 2u);
  EXPECT_EQ(*store->abort_uploads("segments/n%25/", now_ns + kDayNs), 0u);
  EXPECT_FALSE(uploads[1]->finish().ok());
  EXPECT_FALSE(uploads[2]->append(bytes).ok());
  EXPECT_EQ(store->list("segments/", "", 10)->size(), 1u);
}

}  // namespace
}  // namespace cordwood
