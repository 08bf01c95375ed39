// SPDX-License-Identifier: Apache-2.0
// Configuration, start, end and death of the real server.
#include <gmock/gmock.h>

#include <thread>

#include "tests/http/running_server.h"

namespace cordwood::api {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

json one_line(const std::string& app, const std::string& time, const std::string& line) {
  return json::array({{{"stream", {{"app", app}}}, {"values", json::array({json::array({time, line})})}}});
}

size_t lines_counted(RunningServer& server, const std::string& selector) {
  const json answer = server.ask(
      "/loki/api/v1/query_range",
      {{"query", selector}, {"start", "1795000000000000000"}, {"end", "1795999999000000000"}, {"limit", "5000"}});
  size_t lines = 0;
  for (const auto& stream : answer["data"]["result"]) lines += stream["values"].size();
  return lines;
}

TEST(LifeTest, TenantsComeFromTheHeaderWhenAuthIsOn) {
  RunningServer server("auth_enabled: true\n");
  const auto reply = server.post("/loki/api/v1/push", "application/json", "{}");
  EXPECT_EQ(reply.status, 401);
  EXPECT_EQ(reply.body, "no org id\n");
  const auto f = [&](const std::string& tenant, int want) {
    HttpHeaders headers;
    headers.add("X-Scope-OrgID", tenant);
    headers.add("Content-Type", "application/json");
    const json body{{"streams", one_line("t", "1795000001000000000", tenant)}};
    EXPECT_EQ(server.call("POST", "/loki/api/v1/push", headers, body.dump()).status, want) << tenant;
  };
  f("a", 204);
  f("b", 204);
  f("a|b", 400);
  f("a/b", 400);
  HttpHeaders as_a;
  as_a.add("X-Scope-OrgID", "a");
  const json answer = server.ask("/loki/api/v1/query_range",
                                 {{"query", R"({app="t"})"}, {"start", "1795000000"}, {"end", "1795000009"}}, as_a);
  ASSERT_EQ(answer["data"]["result"].size(), 1u);
  EXPECT_EQ(answer["data"]["result"][0]["values"], json::parse(R"([["1795000001000000000","a"]])"));
  EXPECT_EQ(server.get("/ready").body, "ready\n");
}

TEST(LifeTest, ConfigCheckTellsWhatIsUsedIgnoredAndUnknown) {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/loki.yaml";
  std::ofstream(path) << "auth_enabled: false\nserver:\n  http_listen_port: 3100\n  grpc_listen_port: 9096\n"
                         "common:\n  ring:\n    kvstore:\n      store: inmemory\nschema_config:\n  configs: []\n"
                         "limits_config:\n  max_line_size: 1MB\n  allow_deletes: true\n";
  const auto good = run_command({"config", "check", "--config", path});
  EXPECT_EQ(good.status, 0) << good.err;
  EXPECT_THAT(good.out, HasSubstr("used     limits_config.max_line_size = 1MB\n"));
  EXPECT_THAT(good.out, HasSubstr("ignored  schema_config\n"));
  EXPECT_THAT(good.out, HasSubstr("ignored  common\n"));
  EXPECT_THAT(good.out, HasSubstr("ignored  server.grpc_listen_port\n"));

  std::ofstream(path) << "auth_enabled: false\nlimits_config:\n  max_lime_size: 1MB\n";
  const auto bad = run_command({"config", "check", "--config", path});
  EXPECT_EQ(bad.status, 1);
  EXPECT_THAT(bad.out, HasSubstr("unknown  limits_config.max_lime_size (" + path + ":3)"));
  const auto refused = run_command({"serve", "--config", path, "--data-dir", directory.path() + "/data"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, HasSubstr(path + ":3: unknown key limits_config.max_lime_size"));
}

TEST(LifeTest, OneDirectoryHasOneServer) {
  RunningServer server;
  const auto second = run_command({"serve", "--data-dir", server.data_dir(), "--http-listen", "127.0.0.1:0"});
  EXPECT_EQ(second.status, 1);
  EXPECT_THAT(second.err, HasSubstr("in use"));
}

TEST(LifeTest, LokisDefaultsAreThereWhenAskedFor) {
  RunningServer server("limits_config:\n  reject_old_samples: true\n  max_line_size: 10B\n");
  const auto push = [&](const json& streams) {
    return server.post("/loki/api/v1/push", "application/json", json{{"streams", streams}}.dump());
  };
  const auto old = push(one_line("o", "1000000000000000000", "x"));
  EXPECT_EQ(old.status, 400);
  EXPECT_THAT(old.body, HasSubstr("timestamp too old"));
  EXPECT_THAT(push(one_line("o", "1000000000000000000", "longer than ten bytes")).body, HasSubstr("too"));
}

TEST(LifeTest, TerminationPublishesAndARestartFindsEverything) {
  RunningServer server;
  for (int i = 0; i < 20; ++i) {
    server.push(one_line("term", std::to_string(1795000000000000000 + i), "line " + std::to_string(i)));
  }
  EXPECT_EQ(server.terminate(), 0);
  EXPECT_THAT(server.log(), HasSubstr("msg=stopped"));
  server.start();
  EXPECT_THAT(server.log(), HasSubstr("rows_replayed=0"));
  EXPECT_EQ(lines_counted(server, R"({app="term"})"), 20u);
}

TEST(LifeTest, WhatWasAcknowledgedSurvivesKill) {
  RunningServer server;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 20; ++i) {
      const int64_t time = 1795000000000000000 + round * 1000 + i;
      server.push(one_line("kill", std::to_string(time), "line " + std::to_string(i)));
    }
    if (round == 1) {
      EXPECT_EQ(server.call("POST", "/flush").status, 204);
    }
    server.kill_now();
    server.start();
    EXPECT_EQ(lines_counted(server, R"({app="kill"})"), 20u * static_cast<size_t>(round + 1));
  }
}

TEST(LifeTest, AStartingServerSaysSoUntilItsLogIsRead) {
  RunningServer server;
  const std::string line(4000, 'x');
  json values = json::array();
  for (int i = 0; i < 1000; ++i) values.push_back({std::to_string(1795000000000000000 + i), line + std::to_string(i)});
  server.push(json::array({{{"stream", {{"app", "replay"}}}, {"values", values}}}));
  server.kill_now();
  server.start_listening();
  for (;;) {  // how long it takes is the machine's affair; that nothing else is ever answered is ours
    const auto ready = server.get("/ready");
    if (ready.status == 200) break;
    ASSERT_EQ(ready.status, 503);
    ASSERT_EQ(ready.body, "Ingester not ready: starting\n");
    const auto query = server.get("/loki/api/v1/labels");
    ASSERT_TRUE(query.status == 200 || (query.status == 503 && query.headers.get("Retry-After") == "1"))
        << query.status << query.body;
  }
  EXPECT_EQ(lines_counted(server, R"({app="replay"})"), 1000u);
}

TEST(LifeTest, ARunningPushIsAnsweredBeforeTheEnd) {
  RunningServer server;
  std::vector<std::thread> pushers;
  std::atomic<int> stored{0};
  std::atomic<bool> stop{false};
  for (int t = 0; t < 3; ++t) {
    pushers.emplace_back([&, t] {
      HttpClient client(ServerUrl{"127.0.0.1", std::to_string(server.port()), ""});
      HttpHeaders headers;
      headers.add("Content-Type", "application/json");
      for (int i = 0; !stop && i < 100'000; ++i) {
        const int64_t time = 1795000000000000000 + i * 10 + t;
        const json body{{"streams", one_line("drain", std::to_string(time), "x")}};
        const auto reply = client.call("POST", "/loki/api/v1/push", headers, body.dump());
        if (!reply.ok()) return;  // closed between two requests
        if (reply->status == 204) ++stored;
      }
    });
  }
  while (stored < 30) ::usleep(1000);
  const int status = server.terminate();
  stop = true;
  for (auto& pusher : pushers) pusher.join();
  EXPECT_EQ(status, 0) << server.log();
  server.start();
  const json stats =
      server.ask("/loki/api/v1/index/stats",
                 {{"query", R"({app="drain"})"}, {"start", "1795000000000000000"}, {"end", "1795000001000000000"}});
  EXPECT_GE(stats["entries"].get<int>(), stored.load());
  EXPECT_LE(stats["entries"].get<int>(), stored.load() + 3);
}

}  // namespace
}  // namespace cordwood::api
