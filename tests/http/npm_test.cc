// SPDX-License-Identifier: Apache-2.0
// OpenTelemetry's own exporters for JavaScript push to the real binary; needs node and the packages of tests/clients.
#include <sys/stat.h>

#include "tests/http/running_server.h"

namespace cordwood::api {
namespace {

using nlohmann::json;

bool exists(const std::string& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0;
}

TEST(NpmTest, OpenTelemetrysExportersPush) {
  if (std::system("node --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "node is not installed";
  if (!exists("tests/clients/node_modules/@opentelemetry/sdk-logs")) {
    GTEST_SKIP() << "run `npm ci` in tests/clients to test with OpenTelemetry's exporters";
  }
  RunningServer server;
  const std::string out = server.directory() + "/npm";
  const std::string command =
      "timeout 60 node tests/clients/push_otlp.mjs http://127.0.0.1:" + std::to_string(server.port()) + " >" + out +
      " 2>&1";
  EXPECT_EQ(std::system(command.c_str()), 0) << read_file(out);
  EXPECT_EQ(read_file(out), "json ok\njson-gzip ok\nprotobuf ok\nprotobuf-gzip ok\nloki-json ok\nloki-protobuf ok\n");
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
