// SPDX-License-Identifier: Apache-2.0
// A server that is started while its bucket is away.
#include <gmock/gmock.h>

#include <filesystem>

#include "tests/http/bucket_lines.h"

namespace cordwood::api {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

std::string config_of(const S3Double& bucket) {
  return config_for(bucket, "    backoff_config: {min_period: 1ms, max_period: 5ms, max_retries: 1}\n");
}

TEST(AwayTest, AServerWaitsForItsBucketAndIsReadyWhenItIsBack) {
  S3Double bucket;
  {
    RunningServer before(config_of(bucket));
    before.push(lines(0, 100));
    EXPECT_EQ(before.terminate(), 0);
  }
  // Nothing answers; requests are taken and not answered; writing goes, the list of what is there does not.
  const std::vector<S3Double::Faults> ways{
      [](const S3Double::Seen&) { return S3Fault::hang_up; }, [](const S3Double::Seen&) { return S3Fault::slow_down; },
      [](const S3Double::Seen& seen) { return seen.op == "list" ? S3Fault::error_500 : S3Fault::none; },
      [](const S3Double::Seen& seen) { return seen.op == "get" ? S3Fault::hang_up : S3Fault::none; }};
  for (const auto& way : ways) {
    bucket.set_faults(way);
    RunningServer server(config_of(bucket), RunningServer::Wait::until_it_listens);
    server.wait_for_log("the server waits for it");
    const auto ready = server.get("/ready");
    EXPECT_EQ(ready.status, 503);
    EXPECT_THAT(ready.body, HasSubstr("127.0.0.1")) << "it says of what";
    const auto push = server.post("/loki/api/v1/push", "application/json", json{{"streams", lines(0, 1)}}.dump());
    EXPECT_EQ(push.status, 503);
    EXPECT_FALSE(push.headers.get("Retry-After").empty());
    bucket.set_faults({});
    server.wait_for_log("msg=ready");
    EXPECT_EQ(server.get("/ready").status, 200);
    EXPECT_EQ(count_lines(server), 100u);
  }
}

TEST(AwayTest, SigtermEndsTheWaiting) {
  S3Double bucket;
  for (const S3Fault fault : {S3Fault::hang_up, S3Fault::slow_body}) {
    // With the other one the first request of all never gets its whole answer.
    bucket.set_faults([fault](const S3Double::Seen& seen) {
      return fault == S3Fault::slow_body && seen.op == "put" ? S3Fault::none : fault;
    });
    RunningServer server(config_of(bucket), RunningServer::Wait::until_it_listens);
    if (fault == S3Fault::hang_up) {
      server.wait_for_log("the server waits for it");
    } else {
      for (int i = 0; i < 1000 && bucket.seen().back().op != "list"; ++i) ::usleep(10'000);
    }
    EXPECT_EQ(server.terminate(), 0);
    EXPECT_THAT(server.log(), HasSubstr("stopped before the store was open"));
  }
}

TEST(AwayTest, WhatWillNeverWorkEndsTheServer) {
  S3Double bucket;
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/config.yaml";
  const auto serve = [&](const std::string& what, const std::string& instead) {
    std::string config = config_of(bucket);
    config.replace(config.find(what), what.size(), instead);
    std::ofstream(path) << config;
    return run_command(
        {"serve", "--config", path, "--data-dir", directory.path() + "/data", "--http-listen", "127.0.0.1:0"});
  };
  const auto f = [&](const std::string& what, const std::string& instead, const std::string& want) {
    const auto ended = serve(what, instead);
    EXPECT_EQ(ended.status, 1);
    EXPECT_THAT(ended.err, HasSubstr(want));
  };
  f("secret_access_key: ", "secret_access_key: x", "SignatureDoesNotMatch");
  f("access_key_id: ", "access_key_id: x", "InvalidAccessKeyId");
  f("bucketnames: ", "bucketnames: x", "NoSuchBucket");
  f("region: ", "region: x", "AuthorizationHeaderMalformed");
  const char* const kNone[] = {"AWS_ACCESS_KEY_ID",
                               "AWS_SECRET_ACCESS_KEY",
                               "AWS_WEB_IDENTITY_TOKEN_FILE",
                               "AWS_SHARED_CREDENTIALS_FILE",
                               "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                               "AWS_CONTAINER_CREDENTIALS_FULL_URI"};
  for (const char* name : kNone) ::unsetenv(name);
  ::setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
  const std::string home = std::getenv("HOME") != nullptr ? std::getenv("HOME") : "";
  ::setenv("HOME", directory.path().c_str(), 1);
  const std::string keys = "    access_key_id: " + bucket.options().access_key_id +
                           "\n    secret_access_key: " + bucket.options().secret_access_key + "\n";
  f(keys, "", "no credentials for the bucket; looked in configuration, environment, web identity, shared file");
  ::setenv("HOME", home.c_str(), 1);
  // A right that the keys do not have.
  bucket.set_answers([](const S3Double::Seen& seen) {
    return seen.op == "list" ? std::optional(S3Double::failure(403, "AccessDenied")) : std::nullopt;
  });
  f("region: ", "region: ", "it takes s3:ListBucket");
}

TEST(AwayTest, KeysThatExpireAreABucketThatIsAway) {
  S3Double bucket;
  RunningServer server(config_of(bucket));
  server.push(lines(0, 100));
  EXPECT_EQ(server.call("POST", "/flush").status, 204);
  bucket.set_answers([](const S3Double::Seen&) { return std::optional(S3Double::failure(403, "ExpiredToken")); });
  server.push(lines(100, 50));
  EXPECT_NE(server.call("POST", "/flush").status, 204);
  EXPECT_EQ(count_lines(server), 150u);
  EXPECT_THAT(server.log(), HasSubstr("the credentials for the bucket do not hold any more and there are no others"));
  EXPECT_THAT(server.log(), HasSubstr("ExpiredToken"));
  bucket.set_answers({});
  EXPECT_EQ(server.call("POST", "/flush").status, 204);
  EXPECT_EQ(count_lines(server), 150u);
}

TEST(AwayTest, AQueryEndsAtItsDeadlineThoughTheBucketHangs) {
  S3Double bucket;
  RunningServer server(config_of(bucket) + "store: {cache_size: 0}\nlimits_config: {query_timeout: 700ms}\n");
  server.push(lines(0, 100));
  EXPECT_EQ(server.call("POST", "/flush").status, 204);
  bucket.set_faults([](const S3Double::Seen& seen) { return seen.op == "get" ? S3Fault::slow_body : S3Fault::none; });
  const std::string all = R"({app="s3"})", word = R"({app="s3"} |= "line 77 ")";
  for (const std::string& query : {all, word, "sum(count_over_time(" + word + "[5m]))"}) {
    const auto reply = server.get("/loki/api/v1/query_range?start=1795000000000000000&end=1795000100000000000&query=" +
                                  percent_encode(query));
    EXPECT_EQ(reply.status, 504) << reply.body;
    EXPECT_THAT(reply.body, HasSubstr("request timed out, decrease the duration of the request"));
  }
  bucket.set_faults({});
  EXPECT_EQ(count_lines(server), 100u);
  EXPECT_EQ(count_lines(server, word), 1u);
}

}  // namespace
}  // namespace cordwood::api
