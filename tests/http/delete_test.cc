// SPDX-License-Identifier: Apache-2.0
// Rows are deleted, held and kept while the real server answers.
#include <gmock/gmock.h>

#include <chrono>

#include "tests/http/bucket_lines.h"
#include "tests/http/running_server.h"

namespace cordwood::api {
namespace {

using nlohmann::json;
using Params = std::vector<std::pair<std::string, std::string>>;

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr const char* kConfig = "compactor:\n  retention_enabled: true\n";
constexpr const char* kAtOnce = "compactor:\n  retention_enabled: true\n  delete_request_cancel_period: 0s\n";

int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// Everything that shows rows, of the last two hours.
class Reads {
 public:
  explicit Reads(RunningServer& server, int64_t end_ns) : server_(server), end_ns_(end_ns) {}
  Params range(const std::string& query) const {
    return {{"query", query},
            {"start", std::to_string(end_ns_ - 7200 * kSecondNs)},
            {"end", std::to_string(end_ns_)},
            {"limit", "5000"},
            {"step", "60s"}};
  }
  std::vector<std::string> lines(const std::string& query) const {
    std::vector<std::string> out;
    const json answer = server_.ask("/loki/api/v1/query_range", range(query))["data"]["result"];
    for (const json& stream : answer)
      for (const json& value : stream["values"]) out.push_back(value[1]);
    std::sort(out.begin(), out.end());
    return out;
  }
  double count(const std::string& selector, const std::string& pipeline = "") const {
    const json answer =
        server_.ask("/loki/api/v1/query", {{"query", "sum(count_over_time(" + selector + pipeline + "[3h]))"},
                                           {"time", std::to_string(end_ns_)}})["data"]["result"];
    return answer.empty() ? 0 : std::stod(answer[0]["value"][1].get<std::string>());
  }
  json text(const std::string& path, const std::string& query) const { return server_.ask(path, range(query)); }
  /// All other reads in one text, to look for a word in.
  std::string everything(const std::string& selector) const {
    std::string all;
    for (const char* path : {"/loki/api/v1/labels", "/loki/api/v1/label/user/values", "/loki/api/v1/detected_labels"}) {
      all += text(path, selector).dump() + "\n";
    }
    for (const char* path : {"/loki/api/v1/detected_fields", "/loki/api/v1/detected_field/secret/values",
                             "/loki/api/v1/patterns", "/loki/api/v1/index/volume", "/loki/api/v1/query_range"}) {
      all += text(path, selector).dump() + "\n";
    }
    all += server_
               .ask("/loki/api/v1/series", {{"match[]", selector},
                                            {"start", std::to_string(end_ns_ - 7200 * kSecondNs)},
                                            {"end", std::to_string(end_ns_)}})
               .dump() +
           "\n";
    return all;
  }

 private:
  RunningServer& server_;
  const int64_t end_ns_;
};

/// Streams of two users; every tenth line of the second holds the secret word and a trace id.
constexpr const char* kTrace = "4bf92f3577b34da6a3ce929d0e0e4736";
json make_streams(int64_t start_ns, int rows, int first = 0) {
  json streams = json::array();
  for (const char* user : {"alice", "zebulon"}) {
    json values = json::array();
    for (int i = first; i < first + rows; ++i) {
      json line{{"n", i}, {"text", "row " + std::to_string(i) + " of " + user}};
      if (user[0] == 'z' && i % 10 == 0) {
        line["secret"] = "xyloquartz";
        line["trace_id"] = kTrace;
      }
      values.push_back({std::to_string(start_ns + i * kSecondNs), line.dump()});
    }
    streams.push_back({{"stream", {{"app", "shop"}, {"user", user}}}, {"values", values}});
  }
  return streams;
}

std::string target(const std::string& path, const Params& params) {
  std::string out = path;
  for (const auto& [name, value] : params) {
    out += (out == path ? "?" : "&") + percent_encode(name) + "=" + percent_encode(value);
  }
  return out;
}

std::string seconds(int64_t ns) {
  return std::to_string(ns / kSecondNs);
}

HttpClient::Reply request_delete(RunningServer& server, const std::string& query, int64_t start_ns, int64_t end_ns) {
  return server.call("POST", target("/loki/api/v1/delete",
                                    {{"query", query}, {"start", seconds(start_ns)}, {"end", seconds(end_ns)}}));
}

json deletes(RunningServer& server) {
  return server.ask("/loki/api/v1/delete", {});
}

bool wait_until_processed(RunningServer& server, size_t which = 0) {
  for (int i = 0; i < 1500; ++i) {
    if (deletes(server)[which]["status"] == "processed") return true;
    ::usleep(20'000);
  }
  return false;
}

/// Files of the data directory that hold the bytes.
std::vector<std::string> files_with(const std::string& directory, const std::string& word) {
  std::vector<std::string> found;
  for (const std::string& file : files_below(directory)) {
    if (read_file(file).find(word) != std::string::npos) found.push_back(file);
  }
  return found;
}

class DeleteTest : public testing::Test {
 protected:
  const int64_t end_ns_ = now_ns() / kSecondNs * kSecondNs;
  const int64_t start_ns_ = end_ns_ - 3600 * kSecondNs;
};

TEST_F(DeleteTest, HidesFromEveryReadAtOnce) {
  RunningServer server(kConfig);
  const Reads reads(server, end_ns_);
  const std::string trace =
      target(std::string("/api/v1/traces/") + kTrace, {{"start", seconds(start_ns_)}, {"end", seconds(end_ns_)}});
  const auto f = [&](const char* form) {
    const double left = reads.count(R"({user="zebulon"})");
    EXPECT_EQ(reads.count(R"({user="alice"})"), 300) << form;
    EXPECT_EQ(left, 270) << form;
    EXPECT_EQ(reads.count(R"({user="zebulon"})", R"( |= "xyloquartz")"), 0) << form;
    EXPECT_EQ(reads.count(R"({user="zebulon"})", R"( | json | n >= 0)"), 270) << form;
    EXPECT_EQ(reads.lines(R"({app="shop"})").size(), 570u) << form;
    EXPECT_THAT(reads.everything(R"({app="shop"})"), testing::Not(testing::HasSubstr("xyloquartz"))) << form;
    EXPECT_EQ(reads.text("/loki/api/v1/index/stats", R"({app="shop"})")["entries"], 570) << form;
    EXPECT_EQ(server.get(trace).status, 404) << form;
  };
  server.push(make_streams(start_ns_, 100));
  ASSERT_EQ(server.call("POST", "/flush").status, 204);
  server.push(make_streams(start_ns_, 100, 100));
  ASSERT_EQ(server.call("POST", "/flush").status, 204);
  server.push(make_streams(start_ns_, 100, 200));
  EXPECT_EQ(reads.count(R"({user="zebulon"})"), 300);
  EXPECT_THAT(reads.everything(R"({app="shop"})"), testing::HasSubstr("xyloquartz"));
  EXPECT_EQ(server.get(trace).status, 200);

  const auto reply = request_delete(server, R"({app="shop"} |= "xyloquartz")", start_ns_, end_ns_);
  ASSERT_EQ(reply.status, 204) << reply.body;
  const std::string id(reply.headers.get("X-Delete-Request-ID"));
  EXPECT_FALSE(id.empty());
  f("segments and head");
  ASSERT_EQ(server.call("POST", "/flush").status, 204);
  f("segments");
  server.kill_now();
  server.start();
  f("after a kill");
  const json listed = deletes(server);
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0]["request_id"], id);
  EXPECT_EQ(listed[0]["status"], "received");
  EXPECT_EQ(listed[0]["query"], R"({app="shop"} |= "xyloquartz")");
  EXPECT_EQ(listed[0]["start_time"], start_ns_ / kSecondNs);
  EXPECT_EQ(listed[0]["user_id"], "");

  // What is pushed after the request stays, be it the same.
  server.push(make_streams(start_ns_, 1));
  EXPECT_EQ(reads.count(R"({user="zebulon"})"), 271);
  EXPECT_EQ(reads.count(R"({user="zebulon"})", R"( |= "xyloquartz")"), 1);

  EXPECT_EQ(server.call("DELETE", "/loki/api/v1/delete?request_id=nosuch").status, 404);
  EXPECT_EQ(server.call("DELETE", "/loki/api/v1/delete?request_id=" + id).status, 204);
  EXPECT_EQ(deletes(server).size(), 0u);
  EXPECT_EQ(reads.count(R"({user="zebulon"})"), 300) << "of copies one is seen";
  EXPECT_EQ(reads.lines(R"({user="zebulon"} |= "xyloquartz")").size(), 30u);
}

TEST_F(DeleteTest, EndsOfTheRangeBelongToIt) {
  RunningServer server(kConfig);
  const Reads reads(server, end_ns_);
  server.push(make_streams(start_ns_, 100));
  ASSERT_EQ(request_delete(server, R"({user="alice"})", start_ns_ + 10 * kSecondNs, start_ns_ + 19 * kSecondNs).status,
            204);
  EXPECT_EQ(reads.count(R"({user="alice"})"), 90);
  EXPECT_EQ(reads.count(R"({user="alice"})", R"( | json | n=~"10|19")"), 0);
  EXPECT_EQ(reads.count(R"({user="alice"})", R"( | json | n=~"9|20")"), 2);
  EXPECT_EQ(reads.count(R"({user="zebulon"})"), 100);
}

TEST_F(DeleteTest, NothingIsLeftWhenItSaysProcessed) {
  RunningServer server(std::string(kAtOnce) + "merge:\n  fan_in: 3\n  own_segment_size: 1KB\n");
  const Reads reads(server, end_ns_);
  for (int round = 0; round < 7; ++round) {
    server.push(make_streams(start_ns_, 50, 50 * round));
    if (round == 6) continue;
    ASSERT_EQ(server.call("POST", "/flush").status, 204);
  }
  EXPECT_EQ(reads.count(R"({user="zebulon"})"), 350);
  EXPECT_FALSE(files_with(server.data_dir(), "zebulon").empty());
  // The request does not name what the files must not hold.
  ASSERT_EQ(request_delete(server, R"({user=~"z.*"})", start_ns_, end_ns_).status, 204);
  EXPECT_EQ(reads.count(R"({user="zebulon"})"), 0);
  EXPECT_THAT(reads.everything(R"({app="shop"})"), testing::Not(testing::HasSubstr("zebulon")));
  ASSERT_TRUE(wait_until_processed(server)) << deletes(server) << server.log();
  EXPECT_THAT(files_with(server.data_dir(), "zebulon"), testing::IsEmpty());
  EXPECT_THAT(files_with(server.data_dir(), "xyloquartz"), testing::IsEmpty());
  EXPECT_THAT(reads.everything(R"({app="shop"})"), testing::Not(testing::HasSubstr("zebulon")));
  EXPECT_EQ(reads.count(R"({user="alice"})"), 350);
  EXPECT_EQ(
      server.call("DELETE", "/loki/api/v1/delete?request_id=" + deletes(server)[0]["request_id"].get<std::string>())
          .status,
      400);
  server.kill_now();
  server.start();
  EXPECT_EQ(deletes(server)[0]["status"], "processed");
  EXPECT_EQ(reads.count(R"({user="alice"})"), 350);
  EXPECT_EQ(reads.count(R"({user="zebulon"})"), 0);
  EXPECT_THAT(files_with(server.data_dir(), "zebulon"), testing::IsEmpty());
  const json acts = server.ask("/api/v1/audit", {})["data"];
  ASSERT_EQ(acts.size(), 2u) << acts;
  EXPECT_EQ(acts[0]["act"], "delete_processed");
  EXPECT_EQ(acts[1]["act"], "delete_requested");
}

TEST_F(DeleteTest, HeldRowsStayUntilTheHoldIsLifted) {
  RunningServer server(kAtOnce);
  const Reads reads(server, end_ns_);
  server.push(make_streams(start_ns_, 100));
  const auto held = server.call("POST", target("/api/v1/holds", {{"query", R"({user="alice"})"},
                                                                 {"start", seconds(start_ns_)},
                                                                 {"end", seconds(start_ns_ + 49 * kSecondNs)},
                                                                 {"reason", "case 7"}}));
  ASSERT_EQ(held.status, 200) << held.body;
  const std::string id = json::parse(held.body)["data"]["id"];
  ASSERT_EQ(request_delete(server, R"({app="shop"})", start_ns_, end_ns_).status, 204);
  EXPECT_EQ(reads.count(R"({user="alice"})"), 50);
  EXPECT_EQ(reads.count(R"({user="zebulon"})"), 0);
  for (int i = 0; i < 500 && !deletes(server)[0].contains("held"); ++i) ::usleep(20'000);
  EXPECT_EQ(deletes(server)[0].value("held", false), true);
  const std::string objects = server.data_dir() + "/objects";
  for (int i = 0; i < 500 && !files_with(objects, "zebulon").empty(); ++i) ::usleep(20'000);
  EXPECT_THAT(files_with(objects, "zebulon"), testing::IsEmpty());
  EXPECT_EQ(reads.count(R"({user="alice"})"), 50);
  server.kill_now();
  server.start();
  EXPECT_EQ(server.ask("/api/v1/holds", {})["data"].size(), 1u);
  EXPECT_EQ(reads.count(R"({user="alice"})"), 50);
  EXPECT_NE(deletes(server)[0]["status"], "processed");
  EXPECT_EQ(server.call("DELETE", "/api/v1/holds/nosuch").status, 404);
  ASSERT_EQ(server.call("DELETE", "/api/v1/holds/" + id).status, 204);
  EXPECT_EQ(reads.count(R"({user="alice"})"), 0);
  ASSERT_TRUE(wait_until_processed(server)) << deletes(server) << server.log();
  EXPECT_THAT(server.ask("/loki/api/v1/labels", {}).value("data", json::array()), testing::IsEmpty());
}

/// A start left rows out that the request of another server meant: nothing can bring them back.
TEST_F(DeleteTest, WhatHasTakenRowsAwayIsNotCancelled) {
  S3Double bucket;
  const std::string config =
      config_for(bucket, "    backoff_config: {min_period: 1ms, max_period: 5ms}\nstore: {lease_duration: 5s}\n") +
      kConfig;
  RunningServer one(config);
  one.push(make_streams(start_ns_, 10));
  one.kill_now();
  RunningServer two(config);
  two.push(make_streams(start_ns_, 10, 10));
  ASSERT_EQ(two.call("POST", "/flush").status, 204);
  ASSERT_EQ(request_delete(two, R"({user="alice"})", start_ns_, end_ns_).status, 204);
  ASSERT_EQ(request_delete(two, R"({user="nobody"})", start_ns_, end_ns_).status, 204);
  two.kill_now();

  one.start();
  one.wait_for_log("another server went on as this node");
  const Reads reads(one, end_ns_);
  EXPECT_EQ(reads.count(R"({user="alice"})"), 0);
  EXPECT_EQ(reads.count(R"({user="zebulon"})"), 20);
  const auto cancel = [&](const std::string& query, const std::string& more = "") {
    for (const json& request : deletes(one)) {
      if (request["query"] != query) continue;
      return one.call("DELETE", "/loki/api/v1/delete?request_id=" + request["request_id"].get<std::string>() + more);
    }
    return HttpClient::Reply{};
  };
  const auto refused = cancel(R"({user="alice"})");
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.body, "deletion of request which is in process or already processed is not allowed\n");
  EXPECT_EQ(cancel(R"({user="nobody"})").status, 204) << "it meant nothing that is gone";
  EXPECT_EQ(deletes(one).size(), 1u);
  EXPECT_EQ(reads.count(R"({user="alice"})"), 0);
  EXPECT_EQ(cancel(R"({user="alice"})", "&force=true").status, 204);
  EXPECT_EQ(reads.count(R"({user="alice"})"), 10) << "what is still there";
}

TEST_F(DeleteTest, RefusesAsLokiDoes) {
  RunningServer server(kConfig);
  const std::string start = seconds(start_ns_), end = seconds(end_ns_);
  const auto f = [&](const Params& params, int status, const std::string& text) {
    const auto reply = server.call("POST", target("/loki/api/v1/delete", params));
    EXPECT_EQ(reply.status, status) << reply.body;
    EXPECT_EQ(reply.body, text.empty() ? "" : text + "\n");
  };
  const std::string query = R"({a="b"})";
  f({{"start", start}}, 400, "query not set");
  f({{"query", "{a="}, {"start", start}}, 400, "invalid query expression");
  f({{"query", R"(rate({a="b"}[1m]))"}, {"start", start}}, 400, "invalid query expression");
  f({{"query", query}}, 400, "start time not set");
  f({{"query", query}, {"start", "1700"}}, 400, "invalid start time: require unix seconds or RFC3339 format");
  f({{"query", query}, {"start", "yesterday"}}, 400, "invalid start time: require unix seconds or RFC3339 format");
  f({{"query", query}, {"start", start}, {"end", start + "000"}}, 400,
    "invalid end time: require unix seconds or RFC3339 format");
  f({{"query", query}, {"start", start}, {"end", "2200-01-01T00:00:00Z"}}, 400,
    "deletes in the future are not allowed");
  f({{"query", query}, {"start", end}, {"end", start}}, 400, "start time can't be greater than or equal to end time");
  f({{"query", query}, {"start", start}, {"max_interval", "1d"}}, 400,
    "invalid max_interval: valid time units are 's', 'm', 'h'");
  f({{"query", query}, {"start", start}, {"max_interval", "48h"}}, 400, "max_interval can't be greater than 24h0m0s");
  f({{"query", query}, {"start", "2020-01-02T03:04:05Z"}, {"max_interval", "1h"}}, 204, "");
  EXPECT_EQ(server.ask("/loki/api/v1/cache/generation_numbers", {}), "1");
  EXPECT_EQ(server.call("POST", "/loki/api/v1/cache/generation_numbers/increase").status, 204);
  EXPECT_EQ(server.ask("/loki/api/v1/cache/generation_numbers", {}), "2");
  RunningServer off;
  EXPECT_EQ(off.get("/loki/api/v1/delete").status, 404);
  RunningServer disabled(std::string(kConfig) + "limits_config:\n  deletion_mode: disabled\n");
  const auto reply = disabled.get("/loki/api/v1/delete");
  EXPECT_EQ(reply.status, 403);
  EXPECT_EQ(reply.body, "deletion is not available for this tenant\n");
}

TEST(DeleteLimit, SoManyRequestsMayWait) {
  RunningServer server(std::string(kConfig) + "  delete_max_requests: 3\n");
  const json row = json::array({std::to_string(now_ns()), "x"});
  server.push(json::array({{{"stream", {{"app", "a"}}}, {"values", json::array({row})}}}));
  const std::string end = std::to_string(now_ns() / kSecondNs);
  std::vector<std::string> ids;
  const auto ask = [&](int n) {
    const auto reply = server.call("POST", "/loki/api/v1/delete?query=%7Bapp%3D%22a%22%7D%20%7C%3D%20%22word" +
                                               std::to_string(n) + "%22&start=1700000000&end=" + end);
    ids.emplace_back(reply.headers.get("X-Delete-Request-ID"));
    const bool refused = reply.body.find("compactor.delete_max_requests") != std::string::npos;
    EXPECT_EQ(refused, reply.status == 429) << reply.body;
    return reply.status;
  };
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask(i), 204);
  EXPECT_EQ(ask(3), 429);
  EXPECT_EQ(server.call("DELETE", "/loki/api/v1/delete?request_id=" + ids[1]).status, 204);
  EXPECT_EQ(ask(4), 204);
  EXPECT_EQ(ask(5), 429);
}

}  // namespace
}  // namespace cordwood::api
