// SPDX-License-Identifier: Apache-2.0
// backup, restore and repair of the real server's data.
#include <gmock/gmock.h>

#include <filesystem>

#include "tests/http/running_server.h"

namespace cordwood::api {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

json lines(int from, int count) {
  json values = json::array();
  for (int i = from; i < from + count; ++i) {
    values.push_back({std::to_string(1795000000000000000 + i), "line " + std::to_string(i)});
  }
  return json::array({{{"stream", {{"app", "backup"}}}, {"values", values}}});
}

size_t count_lines(RunningServer& server) {
  const json answer = server.ask("/loki/api/v1/query_range", {{"query", R"({app="backup"})"},
                                                              {"start", "1795000000000000000"},
                                                              {"end", "1795999999000000000"},
                                                              {"limit", "5000"}});
  size_t found = 0;
  for (const auto& stream : answer["data"]["result"]) found += stream["values"].size();
  return found;
}

TEST(BackupTest, ARunningServersDataComesBack) {
  RunningServer server;
  const std::string place = server.directory() + "/backup";
  server.push(lines(0, 200));
  EXPECT_EQ(server.call("POST", "/flush").status, 204);
  server.push(lines(200, 50));
  const auto backed_up = run_command({"backup", place, "--data-dir", server.data_dir()});
  EXPECT_EQ(backed_up.status, 0) << backed_up.err;
  EXPECT_THAT(backed_up.out, HasSubstr("backed up: 1 segments"));
  server.push(lines(250, 50));
  EXPECT_EQ(count_lines(server), 300u);
  const auto in_use = run_command({"restore", place, "--data-dir", server.data_dir()});
  EXPECT_EQ(in_use.status, 1);
  EXPECT_THAT(in_use.err, HasSubstr("in use"));
  server.kill_now();
  const auto taken = run_command({"restore", place, "--data-dir", server.data_dir()});
  EXPECT_EQ(taken.status, 1);
  EXPECT_THAT(taken.err, HasSubstr("an empty one"));
  std::filesystem::remove_all(server.data_dir());
  const auto restored = run_command({"restore", place, "--data-dir", server.data_dir()});
  EXPECT_EQ(restored.status, 0) << restored.err;
  server.start();
  EXPECT_EQ(count_lines(server), 250u);
}

TEST(BackupTest, ALostManifestIsMadeAgain) {
  RunningServer server;
  server.push(lines(0, 200));
  EXPECT_EQ(server.call("POST", "/flush").status, 204);
  server.push(lines(200, 50));
  server.kill_now();
  const auto whole = run_command({"repair", "--data-dir", server.data_dir()});
  EXPECT_EQ(whole.status, 1);
  EXPECT_THAT(whole.err, HasSubstr("the manifest is whole"));
  std::filesystem::remove_all(server.data_dir() + "/objects/manifest");
  const auto refused = run_command({"serve", "--data-dir", server.data_dir(), "--http-listen", "127.0.0.1:0"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, HasSubstr("cordwood repair"));
  const auto repaired = run_command({"repair", "--data-dir", server.data_dir()});
  EXPECT_EQ(repaired.status, 0) << repaired.err;
  EXPECT_THAT(repaired.out, HasSubstr("named 1 segments with 200 rows"));
  server.start();
  EXPECT_EQ(count_lines(server), 250u);
}

}  // namespace
}  // namespace cordwood::api
