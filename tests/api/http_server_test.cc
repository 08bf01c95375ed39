// SPDX-License-Identifier: Apache-2.0
#include "api/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "api/text_response.h"
#include "storage/base/niceness.h"
#include "tests/support/raw_client.h"

namespace cordwood::api {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class EchoHandler final : public HttpHandler {
 public:
  HttpPlan plan(const HttpRequest& head) override {
    return {head.path == "/wait" ? WorkClass::query : WorkClass::push, limit_bytes};
  }
  HttpResponse handle(HttpRequest& r) override {
    if (r.body_state == BodyState::too_large) return text_response(413, "too large");
    if (r.body_state == BodyState::no_memory) return text_response(503, "no memory");
    if (r.path == "/wait") {
      awaited_seen = AwaitedAnswer::count();
      for (int i = 0; i < 1000 && !r.cancelled && !released; ++i) ::usleep(5000);
      cancelled_seen = r.cancelled.load();
      return text_response(200, "waited");
    }
    if (r.path == "/none") return {.status = 204, .content_type = {}, .headers = {}, .body = {}, .stream = {}};
    if (r.path == "/throw") throw std::runtime_error("handler broke");
    if (r.path == "/stream") {
      HttpResponse response = text_response(200, "");
      auto left = std::make_shared<int>(2000);
      response.stream = [left](std::string* out) {
        out->append(1000, 'x');
        return --*left > 0;
      };
      return response;
    }
    awaited_seen = AwaitedAnswer::count();
    return text_response(200, r.method + " " + r.path + "?" + r.query + " [" + r.body + "]");
  }
  uint64_t limit_bytes = 1 << 20;
  std::atomic<bool> cancelled_seen{false};
  std::atomic<uint32_t> awaited_seen{0};
  std::atomic<bool> released{false};
};

class HttpServerTest : public ::testing::Test {
 protected:
  void start(HttpServerOptions options = {}) {
    options.port = 0;
    auto started = HttpServer::start(options, {&handler_, &memory_, &clock_, log_.get(), &metrics_});
    ASSERT_TRUE(started.ok()) << started.error().message;
    server_ = std::move(*started);
  }
  RawClient client() const { return RawClient(server_->port()); }

  EchoHandler handler_;
  MemoryAccountant::Limits limits_;
  MemoryAccountant memory_{limits_};
  SystemClock clock_;
  Metrics metrics_;
  std::shared_ptr<Logger> log_ = Logger::silent();
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, AnswersRequestsOfOneConnectionInOrderEvenWhenTheyArriveAtOnce) {
  start();
  RawClient c = client();
  c.send(
      "GET /a?x=1 HTTP/1.1\r\nHost: h\r\n\r\nPOST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
      "GET /c HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  const std::string all = c.read_all();
  const size_t a = all.find("GET /a?x=1 []");
  const size_t b = all.find("POST /b? [abc]");
  const size_t last = all.find("GET /c? []");
  ASSERT_NE(a, std::string::npos) << all;
  ASSERT_NE(b, std::string::npos) << all;
  ASSERT_NE(last, std::string::npos) << all;
  EXPECT_LT(a, b);
  EXPECT_LT(b, last);
}

TEST_F(HttpServerTest, ReadsBodiesOfEveryKind) {
  start();
  const auto f = [&](const std::string& request, const std::string& want) {
    RawClient c = client();
    c.send(request);
    EXPECT_THAT(c.read_until("]"), EndsWith(want)) << request.substr(0, 60);
  };
  f("POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n",
    "[abcdefg]");
  f("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", "[]");
  const std::string big(700'000, 'z');
  f("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 700000\r\n\r\n" + big, "[" + big + "]");
  EXPECT_EQ(memory_.used(MemoryShare::requests), 0u);
  EXPECT_GE(memory_.peak(MemoryShare::requests), 700'000u);
}

TEST_F(HttpServerTest, SendsContinueBeforeItReadsABody) {
  start();
  RawClient c = client();
  c.send("POST /p HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(c.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  c.send("ok");
  EXPECT_THAT(c.read_until("]"), EndsWith("[ok]"));
}

TEST_F(HttpServerTest, RefusesWhatIsTooLargeAndTellsTheClient) {
  handler_.limit_bytes = 1000;
  start();
  const auto f = [&](const std::string& request) {
    RawClient c = client();
    c.send(request);
    const std::string answer = c.read_all();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 413 ")) << request.substr(0, 80);
    EXPECT_THAT(answer, HasSubstr("Connection: close"));
  };
  f("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n\r\n" + std::string(1001, 'a'));
  f("POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" + std::string(2000, 'a') +
    "\r\n0\r\n\r\n");
  f("POST /p HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5000\r\n\r\n");
}

TEST_F(HttpServerTest, RefusesABodyThatFindsNoMemory) {
  HttpServerOptions options;
  options.memory_wait_ns = 10'000'000;
  start(options);
  auto taken = memory_.reserve(MemoryShare::requests, memory_.limit(MemoryShare::requests) - 100);
  ASSERT_TRUE(taken.ok());
  RawClient c = client();
  c.send("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n" + std::string(1000, 'a'));
  EXPECT_THAT(c.read_all(), StartsWith("HTTP/1.1 503 "));
}

TEST_F(HttpServerTest, BadRequestsGetAnAnswerNotACrash) {
  start();
  const auto f = [&](const std::string& request, const std::string& want) {
    RawClient c = client();
    c.send(request);
    EXPECT_THAT(c.read_all(), StartsWith(want)) << request.substr(0, 40);
  };
  f("rubbish\r\n\r\n", "HTTP/1.1 400 ");
  f("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 400 ");
  f("GET /throw HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "HTTP/1.1 500 ");
  f("GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(300 << 10, 'a') + "\r\n\r\n", "HTTP/1.1 431 ");
}

TEST_F(HttpServerTest, StreamsLongAnswersInChunksOrPacked) {
  start();
  RawClient plain = client();
  plain.send("GET /stream HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  const std::string answer = plain.read_all();
  EXPECT_THAT(answer, HasSubstr("Transfer-Encoding: chunked\r\n"));
  EXPECT_EQ(std::count(answer.begin() + static_cast<long>(answer.find("\r\n\r\n")), answer.end(), 'x'), 2'000'000);
  EXPECT_THAT(answer, EndsWith("\r\n0\r\n\r\n"));

  RawClient packed = client();
  packed.send("GET /stream HTTP/1.0\r\nAccept-Encoding: br, gzip\r\n\r\n");
  const std::string gzip = packed.read_all();
  const size_t body = gzip.find("\r\n\r\n") + 4;
  EXPECT_THAT(gzip.substr(0, body), HasSubstr("Content-Encoding: gzip\r\n"));
  EXPECT_THAT(gzip.substr(0, body), Not(HasSubstr("chunked")));
  std::string raw(3'000'000, '\0');
  z_stream z{};
  ASSERT_EQ(inflateInit2(&z, 31), Z_OK);
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(gzip.data() + body));
  z.avail_in = static_cast<uInt>(gzip.size() - body);
  z.next_out = reinterpret_cast<Bytef*>(raw.data());
  z.avail_out = static_cast<uInt>(raw.size());
  EXPECT_EQ(inflate(&z, Z_FINISH), Z_STREAM_END);
  EXPECT_EQ(z.total_out, 2'000'000u);
  inflateEnd(&z);
}

TEST_F(HttpServerTest, NoContentHasNoLength) {
  start();
  RawClient c = client();
  c.send("GET /none HTTP/1.1\r\nHost: h\r\n\r\n");
  const std::string answer = c.read_until("\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 204 No Content\r\n"));
  EXPECT_THAT(answer, Not(HasSubstr("Content-")));
}

TEST_F(HttpServerTest, AClientThatHangsUpCancelsItsQuery) {
  start();
  RawClient c = client();
  c.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n");
  ::usleep(20'000);
  c.hang_up();
  for (int i = 0; i < 400 && !handler_.cancelled_seen; ++i) ::usleep(5000);
  EXPECT_TRUE(handler_.cancelled_seen);
}

TEST_F(HttpServerTest, AnswersToReadsAreAwaitedAndThoseToPushesAreNot) {
  start();
  handler_.released = true;
  RawClient c = client();
  c.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n");
  c.read_until("waited");
  EXPECT_EQ(handler_.awaited_seen, 1u);
  c.send("GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
  c.read_until("]");
  EXPECT_EQ(handler_.awaited_seen, 0u);
}

TEST_F(HttpServerTest, DrainLetsRunningRequestsFinishAndTakesNoNewOnes) {
  start();
  RawClient running = client();
  RawClient idle = client();
  idle.send("GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
  idle.read_until("]");
  running.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n");
  ::usleep(20'000);
  std::thread drainer([&] { server_->drain(10'000'000'000); });
  EXPECT_EQ(idle.read_all(), "");  // closed at once
  handler_.released = true;
  const std::string answer = running.read_all();
  EXPECT_THAT(answer, EndsWith("waited"));
  EXPECT_THAT(answer, HasSubstr("Connection: close"));
  drainer.join();
  EXPECT_FALSE(RawClient(server_->port()).connected());
}

TEST_F(HttpServerTest, SlowClientsRunIntoALimit) {
  HttpServerOptions options;
  options.header_timeout_ns = 50'000'000;
  options.body_timeout_ns = 50'000'000;
  options.idle_timeout_ns = 50'000'000;
  start(options);
  for (const char* part : {"", "GET / HT", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc"}) {
    RawClient c = client();
    c.send(part);
    EXPECT_EQ(c.read_all(), "") << part;
  }
}

}  // namespace
}  // namespace cordwood::api
