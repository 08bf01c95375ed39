// SPDX-License-Identifier: Apache-2.0
// The real server with a bucket for its home.
#include <gmock/gmock.h>

#include <filesystem>
#include <thread>

#include "tests/http/bucket_lines.h"
#include "tests/support/seeded_random.h"

namespace cordwood::api {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

TEST(S3Test, TheBucketGivesEverythingBackToAnEmptyDisk) {
  S3Double bucket;
  RunningServer server(config_for(bucket));
  server.push(lines(0, 300));
  EXPECT_EQ(server.call("POST", "/flush").status, 204);
  server.push(lines(300, 50));
  EXPECT_EQ(count_lines(server), 350u);
  EXPECT_EQ(server.terminate(), 0);
  EXPECT_FALSE(std::filesystem::exists(server.data_dir() + "/objects")) << "no object lies on the disk";
  std::filesystem::remove_all(server.data_dir());
  server.start();
  EXPECT_EQ(count_lines(server), 350u);
  EXPECT_EQ(count_lines(server, R"({app="s3"} |= "line 299 ")"), 1u);
  for (const auto& [key, object] : bucket.objects()) EXPECT_TRUE(key.starts_with("logs/one/")) << key;
  EXPECT_THAT(server.get("/metrics").body, HasSubstr("cordwood_s3_requests_total{op=\"get\",code=\"206\"}"));
  const std::string config = server.get("/config").body;
  EXPECT_THAT(config, HasSubstr("secret_access_key: \"********\""));
  EXPECT_THAT(config, ::testing::Not(HasSubstr(bucket.options().secret_access_key)));
}

TEST(S3Test, FaultsOfTheBucketLoseAndDoubleNothing) {
  S3Double bucket;
  bucket.set_faults([n = 0u](const S3Double::Seen& seen) mutable {
    if (seen.op == "list" && n % 2 == 0) return ++n, S3Fault::stale_list;
    static constexpr S3Fault kFaults[] = {S3Fault::lost_answer, S3Fault::slow_down, S3Fault::cut_body,
                                          S3Fault::lost_to_500, S3Fault::hang_up,   S3Fault::error_500};
    return ++n % 3 == 0 ? kFaults[n / 3 % std::size(kFaults)] : S3Fault::none;
  });
  RunningServer server(config_for(bucket,
                                  "    backoff_config: {min_period: 1ms, max_period: 5ms, max_retries: 20}\n"
                                  "merge: {fan_in: 2, quiet_after: 1s}\n"));
  for (int i = 0; i < 6; ++i) {
    server.push(lines(i * 100, 100));
    EXPECT_EQ(server.call("POST", "/flush").status, 204);
  }
  EXPECT_EQ(count_lines(server), 600u);
  server.kill_now();
  std::filesystem::remove_all(server.data_dir());
  server.start();
  EXPECT_EQ(count_lines(server), 600u);
}

TEST(S3Test, WhatAKilledServerDidNotFinishIsGivenUp) {
  S3Double bucket;
  const std::string config =
      config_for(bucket) + "store: {s3_part_size: 5MB, abandoned_upload_age: 1s}\nmerge: {enabled: false}\n";
  bucket.set_faults(
      [](const S3Double::Seen& seen) { return seen.op == "upload_part" ? S3Fault::slow_body : S3Fault::none; });
  RunningServer server(config);
  SeededRandom random(1);
  const size_t kLines = 400;
  json values = json::array();
  for (size_t i = 0; i < kLines; ++i) {
    std::string line(30'000, ' ');
    for (char& c : line) c = static_cast<char>('!' + random.next() % 90);
    values.push_back({std::to_string(1795000000000000000 + i), "bucket " + line});
  }
  for (size_t i = 0; i < kLines; i += 50) {
    const json some(values.begin() + static_cast<ptrdiff_t>(i), values.begin() + static_cast<ptrdiff_t>(i + 50));
    server.push(json::array({{{"stream", {{"app", "s3"}}}, {"values", some}}}));
  }
  std::thread flushing([port = server.port()] {
    HttpClient client(ServerUrl{"127.0.0.1", std::to_string(port), ""});
    (void)client.call("POST", "/flush", {}, {});  // the server is killed meanwhile
  });
  for (int i = 0; i < 2000 && bucket.open_uploads() == 0; ++i) ::usleep(10'000);
  server.kill_now();
  flushing.join();
  EXPECT_EQ(bucket.open_uploads(), 1u);
  bucket.set_faults({});
  server.start();
  EXPECT_EQ(server.call("POST", "/flush").status, 204);
  server.wait_for_log("abandoned uploads given up");
  EXPECT_EQ(bucket.open_uploads(), 0u);
  EXPECT_EQ(count_lines(server), kLines);
}

TEST(S3Test, ABucketThatIsAwayKeepsPushesOnTheDisk) {
  S3Double bucket;
  RunningServer server(config_for(bucket, "    backoff_config: {min_period: 1ms, max_period: 5ms, max_retries: 1}\n"));
  server.push(lines(0, 10));
  bucket.set_faults([](const S3Double::Seen&) { return S3Fault::hang_up; });
  EXPECT_NE(server.call("POST", "/flush").status, 204);
  server.push(lines(10, 10));
  EXPECT_EQ(count_lines(server), 20u);
  server.kill_now();
  bucket.set_faults({});
  server.start();
  EXPECT_EQ(count_lines(server), 20u);
  EXPECT_EQ(server.call("POST", "/flush").status, 204);
  EXPECT_EQ(count_lines(server), 20u);
}

TEST(S3Test, ABucketThatIsAwayForLongRefusesPushesAndDrainsWhenItIsBack) {
  S3Double bucket;
  RunningServer server(config_for(bucket,
                                  "    backoff_config: {min_period: 1ms, max_period: 5ms, max_retries: 1}\n"
                                  "store: {generation_size: 20KB, local_pending_bytes: 60KB}\n"));
  bucket.set_faults([](const S3Double::Seen&) { return S3Fault::hang_up; });
  int taken = 0;
  HttpClient::Reply reply;
  for (; taken < 10'000; taken += 100) {
    const std::string body = json{{"streams", lines(taken, 100)}}.dump();
    reply = server.post("/loki/api/v1/push", "application/json", body);
    if (reply.status != 204) break;
  }
  EXPECT_EQ(reply.status, 503) << reply.body;
  EXPECT_THAT(reply.body, HasSubstr("local_pending_bytes"));
  EXPECT_FALSE(reply.headers.get("Retry-After").empty());
  EXPECT_GE(taken, 500);
  EXPECT_EQ(count_lines(server), static_cast<size_t>(taken));
  EXPECT_EQ(count_lines(server, R"({app="s3"} |= "line 42 ")"), 1u);
  EXPECT_THAT(server.get("/metrics").body, HasSubstr("cordwood_writable 0\n"));
  bucket.set_faults({});
  for (int i = 0; i < 3000; ++i) {
    if (server.get("/metrics").body.find("cordwood_pending_generations 0\n") != std::string::npos) break;
    ::usleep(20'000);
  }
  EXPECT_THAT(server.get("/metrics").body, HasSubstr("cordwood_pending_generations 0\n"));
  server.push(lines(taken, 100));
  EXPECT_EQ(count_lines(server), static_cast<size_t>(taken) + 100);
}

TEST(S3Test, WhatCannotBeDrainedAtTheEndIsDrainedAfterTheNextStart) {
  S3Double bucket;
  RunningServer server(config_for(bucket,
                                  "    backoff_config: {min_period: 1ms, max_period: 5ms, max_retries: 1}\n"
                                  "store: {drain_timeout: 300ms}\n"));
  server.push(lines(0, 100));
  // Requests are taken and never answered.
  bucket.set_faults(
      [](const S3Double::Seen& seen) { return seen.op == "list" ? S3Fault::slow_body : S3Fault::hang_up; });
  EXPECT_EQ(server.terminate(), 0);
  EXPECT_THAT(server.log(), HasSubstr("published after the next start"));
  EXPECT_THAT(server.log(), HasSubstr("msg=stopped"));
  bucket.set_faults({});
  server.start();
  EXPECT_EQ(count_lines(server), 100u);
  EXPECT_EQ(server.terminate(), 0);
  std::filesystem::remove_all(server.data_dir());
  server.start();
  EXPECT_EQ(count_lines(server), 100u) << "it is all in the bucket";
}

TEST(S3Test, WhatTheBucketAcknowledgedSurvivesTheMachine) {
  S3Double bucket;
  RunningServer server(config_for(bucket,
                                  "    backoff_config: {min_period: 1ms, max_period: 5ms, max_retries: 1}\n"
                                  "store: {ack: bucket, lease_duration: 5s}\n"));
  for (int life = 0; life < 3; ++life) {
    for (int i = 0; i < 5; ++i) server.push(lines(life * 100 + i * 20, 20));
    if (life == 1) {
      EXPECT_EQ(server.call("POST", "/flush").status, 204);
    }
    server.kill_now();
    std::filesystem::remove_all(server.data_dir());
    server.start();
    EXPECT_EQ(count_lines(server), static_cast<size_t>(life + 1) * 100);
  }
  bucket.set_faults([](const S3Double::Seen&) { return S3Fault::hang_up; });
  const auto refused = server.post("/loki/api/v1/push", "application/json", json{{"streams", lines(900, 1)}}.dump());
  EXPECT_EQ(refused.status, 503);
  EXPECT_FALSE(refused.headers.get("Retry-After").empty());
  bucket.set_faults({});
  const auto wrong = run_command({"serve", "--store.ack=bucket", "--data-dir", server.directory() + "/other"});
  EXPECT_EQ(wrong.status, 1);
  EXPECT_THAT(wrong.err, HasSubstr("needs `storage: s3`"));
}

TEST(S3Test, WhatWasWrittenOrReadOnceComesFromTheLocalDisk) {
  S3Double bucket;
  RunningServer server(config_for(bucket));
  server.push(lines(0, 300));
  EXPECT_EQ(server.call("POST", "/flush").status, 204);
  const auto reads = [&bucket] {
    size_t n = 0;
    for (const auto& seen : bucket.seen()) n += seen.op == "get" && seen.key.find("/segments/") != std::string::npos;
    return n;
  };
  EXPECT_EQ(count_lines(server), 300u);
  EXPECT_EQ(reads(), 0u) << "a new segment is in the cache";
  server.kill_now();
  server.start();
  EXPECT_EQ(count_lines(server), 300u);
  const size_t first = reads();
  EXPECT_GT(first, 0u);
  EXPECT_EQ(count_lines(server, R"({app="s3"} |~ "l.ne")"), 300u);
  EXPECT_EQ(reads(), first);
  EXPECT_THAT(server.get("/metrics").body, HasSubstr("cordwood_cache_hits_total"));
}

TEST(S3Test, ADataDirectoryStaysWithItsStore) {
  S3Double bucket;
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/config.yaml";
  const auto serve = [&](const std::string& config, const std::string& data) {
    std::ofstream(path) << config;
    return run_command({"serve", "--config", path, "--data-dir", data, "--http-listen", "127.0.0.1:0"});
  };
  {
    RunningServer local;
    local.push(lines(0, 1));
    local.kill_now();
    const auto moved = serve(config_for(bucket), local.data_dir());
    EXPECT_EQ(moved.status, 1);
    EXPECT_THAT(moved.err, HasSubstr("holds data of a directory store"));
  }
  RunningServer remote(config_for(bucket));
  remote.kill_now();
  const auto back = serve("storage: directory\n", remote.data_dir());
  EXPECT_EQ(back.status, 1);
  EXPECT_THAT(back.err, HasSubstr("belongs to s3://logs/logs/one"));
  const auto unknown = serve("storage: tape\n", directory.path() + "/data");
  EXPECT_EQ(unknown.status, 1);
  EXPECT_THAT(unknown.err, HasSubstr("want directory or s3"));
  std::string wrong = config_for(bucket);
  wrong.replace(wrong.find("secret_access_key: "), 19, "secret_access_key: x");
  const auto refused = serve(wrong, directory.path() + "/data");
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, HasSubstr("SignatureDoesNotMatch"));
}

}  // namespace
}  // namespace cordwood::api
