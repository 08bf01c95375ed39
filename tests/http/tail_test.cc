// SPDX-License-Identifier: Apache-2.0
// Live tail through the real server, with real WebSockets.
#include <gmock/gmock.h>

#include <chrono>
#include <optional>
#include <set>
#include <thread>

#include "api/http_websocket_client.h"
#include "tests/http/running_server.h"
#include "tests/support/raw_client.h"

namespace cordwood::api {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kTail = "/loki/api/v1/tail";

std::string now_text() {
  return std::to_string(std::chrono::system_clock::now().time_since_epoch() / std::chrono::nanoseconds(1));
}

json streams_of(const std::string& app, const std::vector<std::string>& lines) {
  json values = json::array();
  for (const std::string& line : lines) values.push_back({now_text(), line});
  return json::array({{{"stream", {{"app", app}}}, {"values", values}}});
}

std::string target_of(const std::string& path, const std::vector<std::pair<std::string, std::string>>& params) {
  std::string target = path;
  for (const auto& [name, value] : params) {
    target += (target == path ? "?" : "&") + percent_encode(name) + "=" + percent_encode(value);
  }
  return target;
}

class TailHttpTest : public ::testing::Test {
 protected:
  explicit TailHttpTest(const std::string& config = "") : server_(config) {}
  std::unique_ptr<WebSocketClient> connect(const std::vector<std::pair<std::string, std::string>>& params,
                                           const std::string& path = kTail, const HttpHeaders& headers = {}) {
    auto client = WebSocketClient::connect(ServerUrl{"127.0.0.1", std::to_string(server_.port()), ""},
                                           target_of(path, params), headers);
    EXPECT_TRUE(client.ok()) << (client.ok() ? "" : client.error().message);
    return client.ok() ? std::move(*client) : nullptr;
  }
  static json read(WebSocketClient& client) {
    auto message = client.read();
    if (!message.ok() || !*message) {
      ADD_FAILURE() << (message.ok() ? "closed" : message.error().message);
      return {};
    }
    EXPECT_FALSE((*message)->ends_with('\n'));
    return json::parse(**message, nullptr, false);
  }
  /// Reads until so many lines have come.
  static std::vector<std::string> read_lines(WebSocketClient& client, size_t count) {
    std::vector<std::string> lines;
    while (lines.size() < count && !testing::Test::HasFailure()) {
      const json message = read(client);
      for (const auto& stream : message["streams"]) {
        EXPECT_EQ(stream["values"].size(), 1u);
        lines.push_back(stream["values"][0][1]);
      }
    }
    return lines;
  }
  /// What a close frame says, after whatever came before it.
  static std::string close_reason(WebSocketClient& client) {
    for (;;) {
      auto message = client.read();
      if (!message.ok()) return message.error().message;
      if (!*message) return "closed normally";
    }
  }
  RunningServer server_;
};

TEST_F(TailHttpTest, SendsStoredLinesThenWhatIsPushed) {
  server_.push(streams_of("shop", {"one", "two <b>"}));
  server_.push(streams_of("other", {"not followed"}));
  const auto client = connect({{"query", R"({app="shop"})"}});
  ASSERT_NE(client, nullptr);
  EXPECT_THAT(read_lines(*client, 2), ElementsAre("one", "two <b>"));
  server_.push(streams_of("shop", {"three"}));
  const json message = read(*client);
  ASSERT_EQ(message["streams"].size(), 1u);
  EXPECT_EQ(message["streams"][0]["stream"],
            json::parse(R"({"app":"shop","detected_level":"unknown","service_name":"shop"})"));
  EXPECT_EQ(message["streams"][0]["values"][0][1], "three");
  EXPECT_EQ(message["streams"][0]["values"][0].size(), 2u);
  EXPECT_FALSE(message.contains("dropped_entries"));
  EXPECT_FALSE(message.contains("encodingFlags"));
  for (int i = 0; i < 250; ++i) server_.push(streams_of("shop", {std::to_string(i)}));
  const auto lines = read_lines(*client, 250);
  ASSERT_EQ(lines.size(), 250u);
  for (int i = 0; i < 250; ++i) EXPECT_EQ(lines[i], std::to_string(i));
  EXPECT_THAT(server_.get("/metrics").body, HasSubstr("cordwood_tails_active 1"));
}

TEST_F(TailHttpTest, CategorisedLabelsAndTheLegacyForm) {
  HttpHeaders flags;
  flags.add("X-Loki-Response-Encoding-Flags", "categorize-labels");
  const auto client = connect({{"query", R"({app="shop"} | logfmt)"}}, kTail, flags);
  const auto legacy = connect({{"query", R"({app="shop"})"}, {"regexp", "k=."}}, "/api/prom/tail");
  ASSERT_NE(client, nullptr);
  ASSERT_NE(legacy, nullptr);
  json pushed = streams_of("shop", {"k=v", "no match"});
  pushed[0]["values"][0].push_back({{"trace_id", "abc"}});
  server_.push(pushed);
  auto raw = client->read();
  ASSERT_TRUE(raw.ok() && *raw);
  EXPECT_TRUE((*raw)->ends_with(R"(,"encodingFlags":["categorize-labels"]})")) << **raw;
  const json message = json::parse(**raw);
  EXPECT_EQ(message["streams"].size(), 2u);
  EXPECT_EQ(message["streams"][0]["stream"], json::parse(R"({"app":"shop","service_name":"shop"})"));
  EXPECT_EQ(message["streams"][0]["values"][0][2],
            json::parse(R"({"structuredMetadata":{"detected_level":"unknown","trace_id":"abc"},"parsed":{"k":"v"}})"));
  const json old = read(*legacy);
  ASSERT_EQ(old["streams"].size(), 1u);
  EXPECT_EQ(old["streams"][0]["labels"],
            R"({app="shop", detected_level="unknown", service_name="shop", trace_id="abc"})");
  EXPECT_EQ(old["streams"][0]["entries"][0]["line"], "k=v");
  EXPECT_TRUE(old["dropped_entries"].is_null());
}

TEST_F(TailHttpTest, WhatIsWrongIsSaidBeforeTheUpgradeOrInACloseFrame) {
  const auto before = [&](const std::vector<std::pair<std::string, std::string>>& params, const std::string& want) {
    auto client = WebSocketClient::connect(ServerUrl{"127.0.0.1", std::to_string(server_.port()), ""},
                                           target_of(kTail, params), {});
    ASSERT_FALSE(client.ok());
    EXPECT_THAT(client.error().message, HasSubstr(want));
    const auto reply = server_.get(target_of(kTail, params));
    EXPECT_EQ(reply.status, 400);
    EXPECT_THAT(reply.body, HasSubstr(want));
  };
  before({{"query", R"({app="x")"}}, "parse error at line 1");
  before({}, "parse error");
  before({{"query", R"({app="x"})"}, {"delay_for", "6"}}, "delay_for can't be greater than 5");
  before({{"query", R"({app="x"})"}, {"delay_for", "a"}}, R"(strconv.Atoi: parsing "a": invalid syntax)");
  before({{"query", R"({app="x"})"}, {"limit", "0"}}, "limit must be a positive value");
  before({{"query", R"({app="x"})"}, {"start", "x"}}, "could not parse 'start' parameter");
  // Browsers see no answer that is not a WebSocket, so these come as a close frame.
  const auto after = [&](const std::string& query, const std::string& want) {
    const auto client = connect({{"query", query}});
    ASSERT_NE(client, nullptr);
    EXPECT_EQ(close_reason(*client), want);
  };
  after(R"(rate({app="x"}[1m]))", "only log selector is supported");
  const auto plain = server_.get(target_of(kTail, {{"query", R"({app="x"})"}}));
  EXPECT_EQ(plain.status, 400);
  EXPECT_EQ(plain.body, "Bad Request\n");
  EXPECT_EQ(plain.headers.get("Sec-Websocket-Version"), "13");
  EXPECT_EQ(server_.post(kTail, "", "").status, 405);
}

/// A handshake for a tail of the query.
std::string handshake(const std::string& query) {
  return "GET " + target_of(kTail, {{"query", query}}) +
         " HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
}

TEST_F(TailHttpTest, AnErrorClosesWith1011) {
  RawClient raw(static_cast<uint16_t>(server_.port()));
  raw.send(handshake(R"(rate({app="x"}[1m]))"));
  const std::string reason = "only log selector is supported";
  const std::string frame = "\x88" + std::string(1, static_cast<char>(reason.size() + 2)) + "\x03\xf3" + reason;
  EXPECT_THAT(raw.read_until(frame), HasSubstr(frame));
}

TEST_F(TailHttpTest, PingsAndNoticesThatAClientLeft) {
  RawClient raw(static_cast<uint16_t>(server_.port()));
  raw.send(handshake(R"({app="x"})"));
  const std::string head = raw.read_until(std::string_view("\x89\0", 2), 2);  // two pings
  EXPECT_THAT(head, HasSubstr("HTTP/1.1 101 Switching Protocols\r\n"));
  EXPECT_THAT(head, HasSubstr("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
  EXPECT_THAT(server_.get("/metrics").body, HasSubstr("cordwood_tails_active 1\n"));
  raw.hang_up();
  bool gone = false;
  for (int i = 0; i < 1000 && !gone; ++i) {
    gone = server_.get("/metrics").body.find("cordwood_tails_active 0\n") != std::string::npos;
    if (!gone) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_TRUE(gone);
}

TEST_F(TailHttpTest, TheServersEndLooksLikeALostConnection) {
  const auto client = connect({{"query", R"({app="shop"})"}});
  ASSERT_NE(client, nullptr);
  server_.push(streams_of("shop", {"x"}));
  EXPECT_THAT(read_lines(*client, 1), ElementsAre("x"));
  EXPECT_EQ(server_.terminate(), 0);
  EXPECT_THAT(close_reason(*client), HasSubstr("the connection is lost"));
}

TEST_F(TailHttpTest, TheCommandLinePrintsAsOtherQueriesDo) {
  server_.push(streams_of("shop", {"old <1>"}));
  const std::string out = server_.directory() + "/followed";
  const pid_t child = spawn({"query", "--url", "http://127.0.0.1:" + std::to_string(server_.port()), "--tail",
                             R"({app="shop"} |= "<")", "--output", "jsonl"},
                            "/dev/null", out, server_.directory() + "/err");
  const auto wait_for_lines = [&](long count) {
    for (int i = 0; i < 1000; ++i) {
      const std::string text = read_file(out);
      if (std::count(text.begin(), text.end(), '\n') >= count) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  };
  wait_for_lines(1);
  server_.push(streams_of("shop", {"no", "new <2>"}));
  wait_for_lines(2);
  ::kill(child, SIGTERM);
  wait_for(child);
  const std::string text = read_file(out);
  EXPECT_THAT(text, HasSubstr(R"("app":"shop")"));
  EXPECT_THAT(text, HasSubstr("old <1>"));
  EXPECT_THAT(text, HasSubstr("new <2>"));
  const auto refused = server_.cli({"query", "--tail", R"({app="shop")"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, HasSubstr("parse error"));
}

class LimitedTailTest : public TailHttpTest {
 protected:
  LimitedTailTest()
      : TailHttpTest(
            "limits_config:\n  max_concurrent_tail_requests: 2\nquerier:\n  tail_max_duration: 2s\n"
            "tail:\n  buffer_size: 1MB\n") {}
};

TEST_F(LimitedTailTest, RefusesTooManyAndEndsThoseThatLastTooLong) {
  const auto first = connect({{"query", R"({app="x"})"}});
  const auto second = connect({{"query", R"({app="x"})"}});
  const auto third = connect({{"query", R"({app="x"})"}});
  ASSERT_TRUE(first != nullptr && second != nullptr && third != nullptr);
  EXPECT_THAT(close_reason(*third), HasSubstr("max concurrent tail requests limit exceeded, count > limit (3 > 2)"));
  EXPECT_EQ(close_reason(*first), "reached tail max duration limit");
  EXPECT_EQ(close_reason(*second), "reached tail max duration limit");
  const auto again = connect({{"query", R"({app="x"})"}});
  ASSERT_NE(again, nullptr);
  server_.push(streams_of("x", {"y"}));
  EXPECT_THAT(read_lines(*again, 1), ElementsAre("y"));
}

class ImpatientTailTest : public TailHttpTest {
 protected:
  ImpatientTailTest() : TailHttpTest("server:\n  http_server_write_timeout: 1s\n") {}
};

TEST_F(ImpatientTailTest, AClientThatAnswersPingsMayWaitForever) {
  const auto client = connect({{"query", R"({app="x"})"}});
  ASSERT_NE(client, nullptr);
  std::thread later([this] {
    std::this_thread::sleep_for(std::chrono::milliseconds(2500));
    server_.push(streams_of("x", {"late"}));
  });
  EXPECT_THAT(read_lines(*client, 1), ElementsAre("late"));
  later.join();
}

class SlowTailTest : public TailHttpTest {
 protected:
  // The client reads once all is pushed, however long that takes.
  SlowTailTest() : TailHttpTest("tail:\n  buffer_size: 1MB\nserver:\n  http_server_write_timeout: 10m\n") {}
};

TEST_F(SlowTailTest, WhatAClientIsTooSlowForIsDroppedAndNamed) {
  const auto client = connect({{"query", R"({app="big"})"}});
  const auto quick = connect({{"query", R"({app="small"})"}});
  ASSERT_TRUE(client != nullptr && quick != nullptr);
  constexpr size_t kLines = 300;
  std::set<std::string> pushed;
  const int64_t base_ns = std::stoll(now_text());
  for (size_t i = 0; i < kLines; ++i) {  // more than sockets and the buffer hold
    const std::string time = std::to_string(base_ns + static_cast<int64_t>(i));
    pushed.insert(time);
    const json row = json::array({time, std::string(200'000, 'x')});
    server_.push(json::array({{{"stream", {{"app", "big"}}}, {"values", json::array({row})}}}));
  }
  server_.push(streams_of("small", {"quick"}));
  EXPECT_THAT(read_lines(*quick, 1), ElementsAre("quick"));
  size_t dropped = 0;
  std::set<std::string> told;
  std::string before;
  while (told.size() < kLines && !HasFailure()) {
    const json message = read(*client);
    for (const auto& stream : message["streams"]) {
      const std::string time = stream["values"][0][0];
      EXPECT_TRUE(told.insert(time).second) << "twice: " << time;
      EXPECT_LT(before, time);
      before = time;
    }
    if (!message.contains("dropped_entries")) continue;
    for (const auto& entry : message["dropped_entries"]) {
      EXPECT_EQ(entry["labels"]["app"], "big");
      EXPECT_TRUE(told.insert(entry["timestamp"]).second) << "twice: " << entry["timestamp"];
      ++dropped;
    }
  }
  EXPECT_EQ(told, pushed);
  EXPECT_GT(dropped, 0u);
}

}  // namespace
}  // namespace cordwood::api
