// SPDX-License-Identifier: Apache-2.0
// Real logs the whole way: `cordwood push`, and back by `cordwood query --output raw` as the same lines.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <filesystem>
#include <set>

#include "tests/http/running_server.h"
#include "tests/support/real_bucket.h"

namespace cordwood::api {
namespace {

namespace fs = std::filesystem;

const std::string kData = "../shared/data";

std::string output_of(const std::string& command) {
  std::string out;
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return out;
  char buffer[65536];
  for (size_t n = 0; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) out.append(buffer, n);
  ::pclose(pipe);
  return out;
}

/// Every file of real logs, unpacked.  Sanitized servers are slow: unless CORDWOOD_WHOLE_FILES is set, the large files
/// are cut.  `./dev test` sends them whole to a server as it is shipped.
std::vector<std::pair<std::string, std::string>> real_logs() {
  const size_t most_bytes = std::getenv("CORDWOOD_WHOLE_FILES") != nullptr ? std::string::npos : 2 << 20;
  std::vector<std::pair<std::string, std::string>> logs;
  for (const auto& entry : fs::recursive_directory_iterator(kData)) {
    const std::string path = entry.path().string();
    std::string text;
    if (path.ends_with(".log")) {
      text = read_file(path);
    } else if (path.ends_with(".gz")) {
      text = output_of("gzip -dc " + path);
    } else if (path.ends_with(".zip")) {
      text = output_of("unzip -p " + path);
    } else {
      continue;
    }
    if (text.size() > most_bytes) text.resize(most_bytes);
    logs.emplace_back(entry.path().stem().string(), std::move(text));
  }
  std::sort(logs.begin(), logs.end());
  return logs;
}

class RealInputTest : public ::testing::Test {
 protected:
  void push(const std::string& app, const std::string& text) {
    const std::string file = server_.directory() + "/input";
    std::ofstream(file, std::ios::binary) << text;
    const auto pushed = server_.cli({"push", "--label", "app=" + app, file});
    ASSERT_EQ(pushed.status, 0) << app << ": " << pushed.err;
  }
  void expect_back(const std::string& app, std::string want, const char* when) {
    if (!want.empty() && want.back() != '\n') want.push_back('\n');
    const auto got =
        server_.cli({"query", "{app=\"" + app + "\"}", "--limit", "0", "--batch", "5000", "--forward", "-o", "raw"});
    ASSERT_EQ(got.status, 0) << app << ": " << got.err;
    EXPECT_EQ(got.out.size(), want.size()) << app << " " << when;
    EXPECT_TRUE(got.out == want) << app << " " << when << ": differs at byte "
                                 << std::mismatch(got.out.begin(), got.out.end(), want.begin(), want.end()).first -
                                        got.out.begin();
  }
  RunningServer server_{real_bucket_config()};
};

TEST_F(RealInputTest, ComesBackFromTheHeadAfterAFlushAndAfterARestart) {
  if (!fs::exists(kData)) GTEST_SKIP() << "there is no " << kData;
  const auto logs = real_logs();
  ASSERT_GE(logs.size(), 19u);
  for (const auto& [app, text] : logs) push(app, text);
  for (const auto& [app, text] : logs) expect_back(app, text, "from the head");
  ASSERT_EQ(server_.call("POST", "/flush").status, 204);
  for (const auto& [app, text] : logs) expect_back(app, text, "after a flush");
  ASSERT_EQ(server_.terminate(), 0);
  server_.start();
  for (const auto& [app, text] : logs) expect_back(app, text, "after a restart");
}

TEST_F(RealInputTest, AwkwardLinesComeBackToo) {
  const std::string text =
      "carriage return\r\n\n\n\xff\xfe not utf-8 \xc3\n\ttab\x01\n{\"a\":1.50,\"b\":\"\\u00e9\"}\n{\"a\": 1e3}\nlast";
  push("awkward", text);
  expect_back("awkward", text, "from the head");
  ASSERT_EQ(server_.call("POST", "/flush").status, 204);
  expect_back("awkward", text, "after a flush");
}

TEST_F(RealInputTest, MoreLinesOfOneTimeThanAPageMayHave) {
  constexpr int kLines = 12'000;  // a page has 5,000 at most
  std::string body = R"({"streams":[)";
  for (int i = 0; i < kLines; ++i) {
    const int64_t time = 1795000000000000000 + (i < 100 ? 0 : i < kLines - 100 ? 1 : 2);
    body += fmt::format(R"({}{{"stream":{{"app":"tied","pod":"{}"}},"values":[["{}","line {}"]]}})", i == 0 ? "" : ",",
                        i % 3, time, i);
  }
  ASSERT_EQ(server_.post("/loki/api/v1/push", "application/json", body + "]}").status, 204);
  for (const char* filter : {"", R"( |= "line")"}) {
    const auto answer = server_.cli({"query", std::string(R"({app="tied"})") + filter, "--limit", "0", "--from",
                                     "1795000000", "--to", "1795000009", "-o", "raw"});
    EXPECT_EQ(answer.status, 0) << answer.err;
    std::set<std::string> lines;
    std::istringstream in(answer.out);
    int count = 0;
    for (std::string line; std::getline(in, line); ++count) lines.insert(line);
    EXPECT_EQ(count, kLines) << filter;
    EXPECT_EQ(lines.size(), static_cast<size_t>(kLines)) << filter;
  }
}

TEST_F(RealInputTest, PagesLoseNoTies) {
  std::string body = R"({"streams":[{"stream":{"app":"ties"},"values":[)";
  std::string want;
  for (int i = 0; i < 3000; ++i) {
    const int64_t time = 1795000000000000000 + (i / 700) * 1000;
    body += (i == 0 ? "" : ",") + std::string("[\"") + std::to_string(time) + "\",\"line " + std::to_string(i) + "\"]";
    want += "line " + std::to_string(i) + "\n";
  }
  ASSERT_EQ(server_.post("/loki/api/v1/push", "application/json", body + "]}]}").status, 204);
  std::vector<std::string> arguments{"query",  "{app=\"ties\"}", "--limit", "0",          "--batch", "300",
                                     "--from", "1795000000",     "--to",    "1795000009", "-o",      "raw"};
  const auto backward = server_.cli(arguments);
  std::vector<std::string> lines;
  std::istringstream in(backward.out);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  std::string turned;
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) turned += *line + "\n";
  EXPECT_EQ(turned, want);
  arguments.emplace_back("--forward");
  EXPECT_EQ(server_.cli(arguments).out, want);
}

}  // namespace
}  // namespace cordwood::api
