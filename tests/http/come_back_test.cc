// SPDX-License-Identifier: Apache-2.0
// A machine that was taken for lost comes back with its disk, after another went on as its node.
#include <gmock/gmock.h>

#include "tests/http/bucket_lines.h"

namespace cordwood::api {
namespace {

using ::testing::HasSubstr;

class ComeBackTest : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(BucketRefusesToOverwrite, ComeBackTest, ::testing::Bool());

/// Both used the same number for their logs; both have lines that only their own disk has.
TEST_P(ComeBackTest, LinesThatOnlyADiskHasAreReplayedOnce) {
  S3Double bucket{S3Double::Options{.conditional = GetParam()}};
  const std::string config =
      config_for(bucket, "    backoff_config: {min_period: 1ms, max_period: 5ms}\nstore: {lease_duration: 5s}\n");
  RunningServer one(config);
  one.push(lines(0, 10));
  EXPECT_EQ(one.call("POST", "/flush").status, 204);
  one.push(lines(10, 10));
  one.kill_now();

  RunningServer two(config);
  EXPECT_EQ(count_lines(two), 10u) << "the disk with the others is away";
  two.push(lines(20, 10));
  EXPECT_EQ(two.call("POST", "/flush").status, 204);
  two.push(lines(30, 10));
  two.kill_now();

  one.start();
  one.wait_for_log("another server went on as this node");
  EXPECT_EQ(count_lines(one), 30u);
  EXPECT_THAT(one.get("/metrics").body, HasSubstr("cordwood_wal_logs_displaced_total 1\n"));
  one.kill_now();
  one.start();
  EXPECT_EQ(count_lines(one), 30u) << "replayed once more, or published";
  EXPECT_EQ(one.call("POST", "/flush").status, 204);
  EXPECT_EQ(one.terminate(), 0);

  two.start();
  EXPECT_EQ(count_lines(two), 40u);
  EXPECT_EQ(two.call("POST", "/flush").status, 204);
  EXPECT_EQ(two.terminate(), 0);
  RunningServer three(config);
  EXPECT_EQ(count_lines(three), 40u) << "the bucket has them all";
  EXPECT_THAT(three.get("/metrics").body, HasSubstr("cordwood_wal_logs_displaced_total 0\n"));
}

/// What the bucket acknowledged under a number that the disk of another uses too.
TEST(ComeBack, LogsOfBothKindsUnderOneNumberAreKeptApart) {
  S3Double bucket;
  const auto config = [&bucket](const char* ack) {
    return config_for(bucket,
                      std::string("    backoff_config: {min_period: 1ms, max_period: 5ms}\nstore: {lease_duration: 5s, "
                                  "ack: ") +
                          ack + "}\n");
  };
  RunningServer by_disk(config("disk"));
  by_disk.push(lines(0, 10));
  by_disk.kill_now();
  RunningServer by_bucket(config("bucket"));
  EXPECT_EQ(count_lines(by_bucket), 0u);
  by_bucket.push(lines(10, 10));
  by_bucket.kill_now();

  by_disk.start();
  EXPECT_EQ(count_lines(by_disk), 20u);
  EXPECT_EQ(by_disk.call("POST", "/flush").status, 204);
  by_disk.push(lines(20, 10));
  by_disk.kill_now();
  by_bucket.start();
  EXPECT_EQ(count_lines(by_bucket), 20u) << "its own were published from the bucket";
  by_bucket.push(lines(30, 10));
  EXPECT_EQ(by_bucket.terminate(), 0);
  by_disk.start();
  EXPECT_EQ(count_lines(by_disk), 40u);
  EXPECT_EQ(by_disk.call("POST", "/flush").status, 204);
  EXPECT_EQ(by_disk.terminate(), 0);
  RunningServer fresh(config("bucket"));
  EXPECT_EQ(count_lines(fresh), 40u);
}

/// Without a lease: whoever started last has the node.
TEST(TwoServers, TheFirstStopsOnceItFindsTheOther) {
  S3Double bucket;
  const std::string config = config_for(bucket, "    backoff_config: {min_period: 1ms, max_period: 5ms}\n");
  RunningServer one(config);
  one.push(lines(0, 10));
  EXPECT_EQ(one.call("POST", "/flush").status, 204);
  one.push(lines(10, 10));
  RunningServer two(config);
  EXPECT_EQ(count_lines(two), 10u);
  one.push(lines(20, 10));
  EXPECT_EQ(one.get("/ready").status, 200) << "it has not looked";
  EXPECT_EQ(one.call("POST", "/flush").status, 500);
  one.wait_for_log("another server writes as this node");

  const nlohmann::json more{{"streams", lines(90, 1)}};
  const auto refused = one.post("/loki/api/v1/push", "application/json", more.dump());
  EXPECT_EQ(refused.status, 503);
  EXPECT_FALSE(refused.headers.get("Retry-After").empty());
  EXPECT_THAT(refused.body, HasSubstr("another server writes as node node-1"));
  const auto ready = one.get("/ready");
  EXPECT_EQ(ready.status, 503);
  EXPECT_THAT(ready.body, HasSubstr("another server writes as node node-1"));
  EXPECT_THAT(one.get("/metrics").body, HasSubstr("cordwood_node_taken_over 1\n"));
  EXPECT_EQ(count_lines(one), 30u) << "queries are answered";

  two.push(lines(30, 10));
  EXPECT_EQ(two.call("POST", "/flush").status, 204);
  EXPECT_THAT(two.get("/metrics").body, HasSubstr("cordwood_node_taken_over 0\n"));
  EXPECT_EQ(one.terminate(), 0);
  EXPECT_EQ(two.terminate(), 0);
  one.start();
  EXPECT_EQ(count_lines(one), 40u) << "what only its disk had";
}

}  // namespace
}  // namespace cordwood::api
