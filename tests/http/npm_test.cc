// SPDX-License-Identifier: Apache-2.0
// Clients from npm against the real binary: OpenTelemetry's own exporters push, ws tails, Grafana's grammar reads what
// we print.  Needs node and the packages of tests/clients.
#include <sys/stat.h>

#include <set>

#include "tests/http/running_server.h"
#include "tests/query/reference/random_queries.h"

namespace cordwood::api {
namespace {

using nlohmann::json;

bool exists(const std::string& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0;
}

/// Why a script that uses the package cannot run; empty when it can.
std::string missing(const std::string& package) {
  if (std::system("node --version >/dev/null 2>&1") != 0) return "node is not installed";
  if (exists("tests/clients/node_modules/" + package)) return "";
  return "run `npm ci` in tests/clients to test with " + package;
}

/// What a script of tests/clients prints.
std::string run_script(const RunningServer& server, const std::string& script, const std::string& argument = "") {
  const std::string out = server.directory() + "/npm";
  const std::string command = "timeout 60 node tests/clients/" + script +
                              " http://127.0.0.1:" + std::to_string(server.port()) + " " + argument + " >" + out +
                              " 2>&1";
  EXPECT_EQ(std::system(command.c_str()), 0) << read_file(out);
  return read_file(out);
}

TEST(NpmTest, WsTails) {
  if (const std::string why = missing("ws"); !why.empty()) GTEST_SKIP() << why;
  const RunningServer server;
  EXPECT_EQ(run_script(server, "tail.mjs"), "lines ok\nclose ok\nrefusal ok\n");
}

TEST(NpmTest, OpenTelemetrysExportersPush) {
  if (const std::string why = missing("@opentelemetry/sdk-logs"); !why.empty()) GTEST_SKIP() << why;
  RunningServer server;
  EXPECT_EQ(run_script(server, "push_otlp.mjs"),
            "json ok\njson-gzip ok\nprotobuf ok\nprotobuf-gzip ok\nloki-json ok\nloki-protobuf ok\n");
  for (const std::string name : {"json", "json-gzip", "protobuf", "protobuf-gzip", "loki-json", "loki-protobuf"}) {
    const json answer = server.ask("/loki/api/v1/query_range",
                                   {{"query", R"({service_name="npm-)" + name + R"("} | a="1" | b_c="d")"}});
    ASSERT_EQ(answer["data"]["result"].size(), 1u) << name;
    EXPECT_EQ(answer["data"]["result"][0]["values"][0][1], "hello from " + name);
    EXPECT_EQ(answer["data"]["result"][0]["stream"]["detected_level"], "info");
  }
}

/// Texts of the recorded queries that Loki ran, or would have run with other parameters.
std::set<std::string> accepted_queries() {
  std::set<std::string> queries;
  std::ifstream cases("../shared/conformance/cases.jsonl");
  for (std::string line; std::getline(cases, line);) {
    const json c = json::parse(line);
    const std::string path = c["path"];
    const std::string query = c["params"].value("query", "");
    if (query.empty() || path.find("query") == std::string::npos) continue;
    const json& body = c["expect"]["body"];
    const std::string text = body.is_string() ? body.get<std::string>() : body.value("error", "");
    if (!text.starts_with("parse error") || text.find(": stage '") != std::string::npos) queries.insert(query);
  }
  return queries;
}

/// The grammar knows only ASCII names, in what is printed as in what was asked; it refuses nothing else.
TEST(NpmTest, GrafanasGrammarTakesWhatIsFormatted) {
  if (const std::string why = missing("@grafana/lezer-logql"); !why.empty()) GTEST_SKIP() << why;
  std::set<std::string> queries = accepted_queries();
  query::reference::Random random(11);
  for (int i = 0; i < 500; ++i) {
    queries.insert(query::reference::random_log_query(random));
    queries.insert(query::reference::random_metric_query(random));
  }
  const std::string rate = R"(rate({a="b"}[1m]))";
  for (const std::string& query :
       {rate + " > 1 / 0", rate + " * 10 ^ 400", rate + " - (0 * -1)", rate + " / ignoring () group_left (x) " + rate,
        "sum by () (" + rate + ")", "sum without () (" + rate + ")", rate + " ^ (" + rate + " ^ 2)",
        std::string(R"(max_over_time({a="b"} | unwrap bytes(c) [1d2h3m4s5ms] offset -1h30m) by ())"),
        std::string(
            R"({a="b\n\u2028\xff"} | c > -5m | d <= 1.5KB | e == 0KB | f != -7.25 or (g = ip("::1"), h=~"i"))")}) {
    queries.insert(query);
  }
  const RunningServer server;
  const std::string file = server.directory() + "/queries.json";
  std::ofstream(file) << json(queries);
  EXPECT_EQ(run_script(server, "format.mjs", file), std::to_string(queries.size()) + " taken\n");
}

}  // namespace
}  // namespace cordwood::api
