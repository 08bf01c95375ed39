// SPDX-License-Identifier: Apache-2.0
// Real servers on a bucket that overwrites what is there: one alone may write.
#include <gmock/gmock.h>

#include <atomic>
#include <filesystem>

#include "tests/http/bucket_lines.h"

namespace cordwood::api {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

/// Two ways to the bucket, so that one server can be cut off.
struct LeaseTest : ::testing::Test {
  LeaseTest() {
    bucket.set_faults([this](const S3Double::Seen& seen) {
      const bool first = seen.request.field("host").starts_with("127.");
      return first && first_is_cut_off ? S3Fault::hang_up : S3Fault::none;
    });
  }
  std::string config(bool second = false, const std::string& store = "ack: bucket, ") const {
    std::string text = config_for(bucket,
                                  "    backoff_config: {min_period: 1ms, max_period: 5ms, max_retries: 1}\n"
                                  "store: {" +
                                      store + "lease_duration: 5s}\n");
    if (second) text.replace(text.find("//127.0.0.1"), 11, "//localhost");
    return text;
  }
  static int push_status(RunningServer& server, int line, std::string* body = nullptr) {
    const std::string streams = json{{"streams", lines(line, 1)}}.dump();
    const auto reply = server.post("/loki/api/v1/push", "application/json", streams);
    EXPECT_EQ(reply.status == 503, !reply.headers.get("Retry-After").empty());
    if (body != nullptr) *body = reply.body;
    return reply.status;
  }
  S3Double bucket{S3Double::Options{.conditional = false}};
  std::atomic<bool> first_is_cut_off{false};
};

TEST_F(LeaseTest, AnotherServerWaitsUntilTheFirstStops) {
  RunningServer one(config());
  one.push(lines(0, 10));
  RunningServer two(config(), RunningServer::Wait::until_it_listens);
  two.wait_for_log("another server has the lease of the bucket");
  HttpClient::Reply ready;
  for (int i = 0; i < 1000 && ready.body.find("held by node node-1") == std::string::npos; ++i) {
    ::usleep(10'000);
    ready = two.get("/ready");
  }
  EXPECT_EQ(ready.status, 503);
  EXPECT_THAT(ready.body, HasSubstr("held by node node-1"));
  EXPECT_EQ(push_status(two, 0), 503);
  EXPECT_THAT(one.get("/metrics").body, HasSubstr("cordwood_store_lease_held 1\n"));
  EXPECT_THAT(two.get("/metrics").body, HasSubstr("cordwood_store_lease_held 0\n"));
  {
    RunningServer three(config(), RunningServer::Wait::until_it_listens);
    three.wait_for_log("another server has the lease of the bucket");
    EXPECT_EQ(three.terminate(), 0) << "it need not wait to its end";
    EXPECT_THAT(three.log(), HasSubstr("stopped before the store was open"));
  }
  EXPECT_EQ(one.terminate(), 0);
  two.wait_for_log("msg=ready");
  EXPECT_THAT(two.log(), Not(HasSubstr("is taken over"))) << "it was given back";
  EXPECT_EQ(two.get("/ready").status, 200);
  EXPECT_EQ(count_lines(two), 10u);
  two.push(lines(10, 10));
  EXPECT_EQ(count_lines(two), 20u);
}

TEST_F(LeaseTest, AfterACrashTheSameDiskGoesOnAndAnotherTakesOver) {
  RunningServer one(config());
  one.push(lines(0, 10));
  one.kill_now();
  one.start();
  EXPECT_THAT(one.log(), Not(HasSubstr("another server has the lease")));
  EXPECT_EQ(count_lines(one), 10u);
  one.push(lines(10, 10));
  one.kill_now();
  RunningServer two(config());
  EXPECT_THAT(two.log(), HasSubstr("was not renewed and is taken over"));
  EXPECT_EQ(count_lines(two), 20u) << "what the bucket acknowledged";
  two.push(lines(20, 10));
  EXPECT_EQ(two.terminate(), 0);
}

TEST_F(LeaseTest, AHolderThatIsCutOffRefusesPushesAndStaysOutOnceAnotherCame) {
  RunningServer one(config(false, ""));
  one.push(lines(0, 10));
  EXPECT_EQ(one.call("POST", "/flush").status, 204);
  first_is_cut_off = true;
  one.wait_for_log("could not be renewed in time");
  std::string body;
  EXPECT_EQ(push_status(one, 50, &body), 503);
  EXPECT_THAT(body, HasSubstr("could not be renewed"));
  EXPECT_EQ(one.get("/ready").status, 200) << "queries are answered";
  EXPECT_EQ(count_lines(one), 10u);
  first_is_cut_off = false;
  for (int i = 0; i < 1000 && push_status(one, 10) == 503; ++i) ::usleep(10'000);
  EXPECT_EQ(push_status(one, 11), 204) << "nobody else came";
  EXPECT_EQ(one.call("POST", "/flush").status, 204);

  first_is_cut_off = true;
  RunningServer two(config(true, ""));
  const auto written = [this] {
    auto objects = bucket.objects();
    std::erase_if(objects, [](const auto& object) { return object.first.find("/manifest/") == std::string::npos; });
    return objects.size();
  };
  const size_t before = written();
  EXPECT_EQ(count_lines(two), 12u);
  first_is_cut_off = false;
  one.wait_for_log("was taken by another server");
  EXPECT_EQ(push_status(one, 50), 503);
  EXPECT_NE(one.call("POST", "/flush").status, 500) << "nothing waits there";
  const auto ready = one.get("/ready");
  EXPECT_EQ(ready.status, 503);
  EXPECT_THAT(ready.body, HasSubstr("taken by another server"));
  EXPECT_THAT(one.get("/metrics").body, HasSubstr("cordwood_store_lease_lapses_total 2\n"));
  EXPECT_EQ(written(), before);
  two.push(lines(12, 10));
  EXPECT_EQ(count_lines(two), 22u);
  EXPECT_EQ(one.terminate(), 0);
  EXPECT_EQ(push_status(two, 22), 204) << "the one that lost it has nothing to give back";
}

TEST(NodeLeaseTest, OneServerWritesAsANodeWhereTheBucketAcknowledges) {
  S3Double bucket;
  const auto config = [&bucket](const std::string& store) {
    return config_for(bucket, "    backoff_config: {min_period: 1ms, max_period: 5ms, max_retries: 1}\nstore: {" +
                                  store + "lease_duration: 5s}\n");
  };
  RunningServer old(config("ack: bucket, "));
  old.push(lines(0, 10));
  RunningServer fresh(config("ack: bucket, "), RunningServer::Wait::until_it_listens);
  fresh.wait_for_log("another server has the lease of the bucket");
  EXPECT_EQ(fresh.get("/ready").status, 503);
  {
    RunningServer other(config("ack: bucket, node: other, "));
    EXPECT_THAT(other.get("/metrics").body, HasSubstr("cordwood_store_lease_held 1\n"));
    RunningServer plain(config("node: plain, "));
    EXPECT_THAT(plain.get("/metrics").body, Not(HasSubstr("cordwood_store_lease"))) << "the disk acknowledges";
  }
  old.push(lines(10, 10));
  EXPECT_EQ(count_lines(old), 20u);
  EXPECT_EQ(old.terminate(), 0);
  fresh.wait_for_log("msg=ready");
  EXPECT_EQ(count_lines(fresh), 20u) << "each once";
  fresh.push(lines(20, 10));
  fresh.kill_now();
  RunningServer next(config("ack: bucket, "));
  EXPECT_EQ(count_lines(next), 30u);
}

TEST(NodeLeaseTest, IsKeptUntilNothingOfTheServerWrites) {
  S3Double bucket;
  RunningServer server(config_for(bucket) + "store: {ack: bucket, lease_duration: 5s}\n");
  server.push(lines(0, 10));
  server.kill_now();
  bucket.set_latency_ns(60'000'000);
  server.start();  // and publishes what it replays, on a thread of its own
  server.wait_for_log("generation published");
  EXPECT_EQ(server.terminate(), 0);
  for (const auto& [key, object] : bucket.objects()) EXPECT_FALSE(key.starts_with("logs/one/wal/")) << server.log();
}

TEST(NodeLeaseTest, ANodeMayHaveALeaseThoughTheDiskAcknowledges) {
  S3Double bucket;
  const std::string store = "    backoff_config: {min_period: 1ms, max_period: 5ms, max_retries: 1}\nstore: {";
  RunningServer server(config_for(bucket, store + "lease: always, lease_duration: 5s}\n"));
  bucket.set_faults([](const S3Double::Seen&) { return S3Fault::hang_up; });
  server.wait_for_log("could not be renewed in time");
  server.push(lines(0, 10));
  EXPECT_EQ(count_lines(server), 10u) << "the disk is enough, and nobody else came";
  bucket.set_faults({});
  for (int i = 0; i < 1000 && server.call("POST", "/flush").status != 204; ++i) ::usleep(10'000);
  EXPECT_EQ(server.terminate(), 0);
  const TemporaryDirectory directory;
  std::ofstream(directory.path() + "/config.yaml") << config_for(bucket, store + "lease: often}\n");
  const auto wrong = run_command({"serve", "--config", directory.path() + "/config.yaml", "--data-dir",
                                  directory.path() + "/data", "--http-listen", "127.0.0.1:0"});
  EXPECT_EQ(wrong.status, 1);
  EXPECT_THAT(wrong.err, HasSubstr("want auto, always or never"));
}

}  // namespace
}  // namespace cordwood::api
