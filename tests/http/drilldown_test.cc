// SPDX-License-Identifier: Apache-2.0
// What Logs Drilldown is told apart by, and told about limits.
#include <gtest/gtest.h>

#include "tests/http/running_server.h"

namespace cordwood::api {
namespace {

using nlohmann::json;

TEST(Drilldown, TakesAPartOfTooManySeries) {
  RunningServer server("limits_config: {max_query_series: 2}\n");
  json streams = json::array();
  for (const char* pod : {"a", "b", "c"}) {
    streams.push_back(
        {{"stream", {{"app", "x"}, {"pod", pod}}}, {"values", json::parse(R"([["1795000001000000000","line"]])")}});
  }
  server.push(streams);
  const std::string range = "/loki/api/v1/query_range?query=" + percent_encode(R"(count_over_time({app="x"}[10s]))") +
                            "&start=1795000000&end=1795000010&step=10";
  const std::string instant =
      "/loki/api/v1/query?query=" + percent_encode(R"(count_over_time({app="x"}[10s]))") + "&time=1795000005";
  const auto f = [&](const char* tags, int status, size_t series) {
    HttpHeaders headers;
    headers.add("X-Query-Tags", tags);
    for (const auto& target : {range, instant}) {
      const auto reply = server.call("GET", target, headers);
      EXPECT_EQ(reply.status, status) << tags << " " << target << ": " << reply.body;
      if (status != 200) continue;
      const json answer = json::parse(reply.body);
      EXPECT_EQ(answer["data"]["result"].size(), series) << target;
      EXPECT_EQ(
          answer["warnings"],
          json::parse(R"(["maximum number of series (2) reached for a single query; returning partial results"])"));
    }
  };
  f("Source=grafana-lokiexplore-app", 200, 2);
  f("Feature=x,source=GRAFANA-LOKIEXPLORE-APP,User=y", 200, 2);
  f("", 400, 0);
  f("Source=grafana", 400, 0);
  f("Source=grafana-lokiexplore-apps", 400, 0);
  f("Source", 400, 0);
}

TEST(Drilldown, LimitsInTheFormsOfLoki) {
  RunningServer server("limits_config: {discover_service_name: [app, job], max_query_length: 10d}\n");
  HttpHeaders tenant;
  tenant.add("X-Scope-OrgID", "any");
  const auto reply = server.call("GET", "/loki/api/v1/drilldown-limits", tenant);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.headers.get("Content-Type"), "application/json; charset=UTF-8");
  const json answer = json::parse(reply.body);
  EXPECT_EQ(answer["pattern_ingester_enabled"], true);
  EXPECT_TRUE(answer["version"].is_string());
  const json& limits = answer["limits"];
  EXPECT_EQ(limits["discover_service_name"], json::parse(R"(["app","job"])"));
  EXPECT_EQ(limits["log_level_fields"][0], "level");
  EXPECT_EQ(limits["max_query_length"], "10d");
  EXPECT_EQ(limits["max_entries_limit_per_query"], 5000);
  EXPECT_EQ(limits["volume_enabled"], true);
  EXPECT_EQ(limits["otlp_config"]["resource_attributes"]["attributes_config"][0]["action"], "index_label");
  EXPECT_EQ(limits["otlp_config"]["resource_attributes"]["attributes_config"][0]["attributes"][0], "service.name");
  const auto yaml = server.call("GET", "/config/tenant/v1/limits", tenant);
  EXPECT_EQ(yaml.headers.get("Content-Type"), "text/plain; charset=utf-8");
  for (const auto& [name, value] : limits.items()) {
    EXPECT_NE(yaml.body.find(name + ": " + value.dump() + "\n"), std::string::npos)
        << name << " " << value << yaml.body;
  }
  EXPECT_EQ(server.get("/config/tenant/v1/limits").status, 401);
}

TEST(Drilldown, PatternsComeWithLevelsAndBuckets) {
  RunningServer server;
  server.push(json::parse(R"([{"stream":{"app":"pat"},"values":[["1795000001000000000","user 1 in"],
      ["1795000002000000000","user 2 in"],["1795000012000000000","user 3 in"],["1795000013000000000",""],
      ["1795000014000000000","{\"level\":\"warn\",\"msg\":\"order 4 <b>\"}"]]}])"));
  const json answer = server.ask("/loki/api/v1/patterns", {{"query", R"({app="pat"})"},
                                                           {"start", "2026-11-18T11:06:40.000Z"},
                                                           {"end", "2026-11-18T11:07:00.000Z"},
                                                           {"step", "10s"}});
  EXPECT_EQ(answer, json::parse(R"({"status":"success","data":[
      {"pattern":"user <_> in","level":"unknown","samples":[[1795000000,2],[1795000010,1]]},
      {"pattern":"<_>order <_> <_>","level":"warn","samples":[[1795000010,1]]}]})"));
  const json filtered =
      server.ask("/loki/api/v1/patterns", {{"query", R"({app="pat"} |~ "(?i)ORDER" |> "<_>order <_> <_>")"},
                                           {"start", "1795000000"},
                                           {"end", "1795000020"}});
  EXPECT_EQ(filtered["data"].size(), 1u);
  const auto f = [&](const std::string& query, int status, const std::string& body) {
    const auto reply = server.get("/loki/api/v1/patterns?query=" + percent_encode(query));
    EXPECT_EQ(reply.status, status) << query;
    EXPECT_EQ(reply.body.substr(0, body.size()), body) << query;
  };
  f(R"({app="none"})", 200, R"({"status":"success","data":[]})");
  f(R"({app="none")", 400, "parse error at line 1");
  f(R"(rate({app="none"}[1m]))", 400, "only log selector is supported");
  f("", 400, "parse error");
}

}  // namespace
}  // namespace cordwood::api
