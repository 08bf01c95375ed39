// SPDX-License-Identifier: Apache-2.0
// Clients from npm against the real binary: OpenTelemetry's own exporters push, ws tails.  Needs node and the packages
// of tests/clients.
#include <sys/stat.h>

#include "tests/http/running_server.h"

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
std::string run_script(const RunningServer& server, const std::string& script) {
  const std::string out = server.directory() + "/npm";
  const std::string command = "timeout 60 node tests/clients/" + script +
                              " http://127.0.0.1:" + std::to_string(server.port()) + " >" + out + " 2>&1";
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

}  // namespace
}  // namespace cordwood::api
