// SPDX-License-Identifier: Apache-2.0
#include "api/http_server.h"

#include <sys/socket.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <chrono>
#include <limits>
#include <optional>
#include <set>
#include <thread>

#include "api/answer_piece.h"
#include "api/http_await.h"
#include "api/http_websocket.h"
#include "api/response_head.h"
#include "storage/base/mutex.h"
#include "storage/base/niceness.h"
#include "storage/base/task_runner.h"

namespace cordwood::api {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::awaitable;
using tcp = asio::ip::tcp;
using std::chrono::nanoseconds;

constexpr size_t kBodyStepBytes = 1 << 20;     // memory is taken and sockets are read in steps of this
constexpr size_t kBodyPieceBytes = 256 << 10;  // of a chunked request
constexpr size_t kDrainedBytes = 64 << 20;     // read and dropped after a refusal, so that the client sees it
constexpr auto kMemoryPoll = std::chrono::milliseconds(10);

/// What connections share.
struct SharedByConnections {
  HttpServerOptions options;
  HttpServer::Environment environment;
  std::unique_ptr<TaskRunner> quick, push, query;
  std::unique_ptr<WebSocketServer> web_sockets;
  std::atomic<bool> draining{false};
  Counter* connections_total = nullptr;
  Counter* gone_total = nullptr;

  TaskRunner& runner(WorkClass work) const {
    return work == WorkClass::push ? *push : work == WorkClass::query ? *query : *quick;
  }
};

class Connection;

/// The connections that are open; close_idle() reaches those that wait for a request.
class Registry {
 public:
  void add(Connection* connection) {
    MutexLock lock(mu_);
    open_.insert(connection);
  }
  void remove(Connection* connection) {
    MutexLock lock(mu_);
    open_.erase(connection);
    changed_.notify_all();
  }
  size_t size() {
    MutexLock lock(mu_);
    return open_.size();
  }
  void close(bool busy_too);
  void wait_empty(int64_t timeout_ns, Clock& clock) {
    const int64_t end_ns = clock.monotonic_ns() + timeout_ns;
    MutexLock lock(mu_);
    while (!open_.empty()) {
      const int64_t left_ns = end_ns - clock.monotonic_ns();
      if (left_ns <= 0) return;
      changed_.wait_for(mu_, nanoseconds(std::min<int64_t>(left_ns, 100'000'000)));
    }
  }

 private:
  Mutex mu_;
  CondVar changed_;
  std::set<Connection*> open_ GUARDED_BY(mu_);
};

/// One client: reads requests one after the other, has each run by a worker, and answers in that order.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, SharedByConnections& shared, Registry& registry)
      : shared_(shared), registry_(registry), stream_(std::move(socket)), gate_(stream_.get_executor()) {
    registry_.add(this);
  }
  ~Connection() { registry_.remove(this); }

  void start() {
    asio::co_spawn(
        stream_.get_executor(), [self = shared_from_this()] { return self->serve(); }, asio::detached);
  }
  /// From any thread.  An idle connection goes at once, a busy one only when told.
  void close_soon(bool busy_too) {
    asio::post(stream_.get_executor(), [self = shared_from_this(), busy_too] {
      if (self->idle_ || busy_too) self->close();
    });
  }

 private:
  using Parser = http::request_parser<http::buffer_body>;

  awaitable<void> serve() {
    for (;;) {
      auto parser = std::make_unique<Parser>();
      parser->header_limit(shared_.options.header_limit_bytes);
      parser->body_limit(std::numeric_limits<uint64_t>::max());  // plan() has the real one
      const bool have_header = co_await read_header(*parser);
      if (!have_header) break;
      HttpRequest request;
      take_header(*parser, request);
      const bool keep = co_await exchange(std::move(parser), request);
      if (!keep || shared_.draining) break;
    }
    close();
  }

  void close() {
    ErrorCode ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_both, ignored);
    stream_.close();
  }

  awaitable<bool> read_header(Parser& parser) {
    ErrorCode ec;
    if (buffer_.size() == 0) {
      if (shared_.draining) co_return false;
      idle_ = true;
      stream_.expires_after(nanoseconds(shared_.options.idle_timeout_ns));
      const size_t n = co_await stream_.async_read_some(buffer_.prepare(16 << 10), into(ec));
      idle_ = false;
      if (ec) co_return false;
      buffer_.commit(n);
    }
    stream_.expires_after(nanoseconds(shared_.options.header_timeout_ns));
    co_await http::async_read_header(stream_, buffer_, parser, into(ec));
    if (!ec) co_return true;
    if (ec == http::error::header_limit || ec == http::error::buffer_overflow) {
      co_await write_plain(431, "431 Request Header Fields Too Large");
    } else if (ec.category() == http::make_error_code(http::error::end_of_stream).category() &&
               ec != http::error::end_of_stream && ec != http::error::partial_message) {
      co_await write_plain(400, "400 Bad Request");
    }
    co_return false;
  }

  static void take_header(const Parser& parser, HttpRequest& request) {
    const auto& message = parser.get();
    request.method = std::string(message.method_string());
    std::string target(message.target());
    if (!target.empty() && target[0] != '/') {  // absolute form, as proxies send it
      const size_t host = target.find("://");
      const size_t path = host == std::string::npos ? host : target.find('/', host + 3);
      if (path != std::string::npos) target.erase(0, path);
    }
    const size_t mark = target.find('?');
    request.path = target.substr(0, mark);
    if (mark != std::string::npos) request.query = target.substr(mark + 1);
    for (const auto& field : message) request.headers.add(std::string(field.name_string()), std::string(field.value()));
  }

  /// Body, handler, answer.  False when the connection cannot be used again.
  awaitable<bool> exchange(std::unique_ptr<Parser> parser, HttpRequest& request) {
    const bool http10 = parser->get().version() < 11;
    bool keep = parser->keep_alive();
    const HttpPlan plan = shared_.environment.handler->plan(request);
    request.body_limit_bytes = plan.body_limit_bytes;
    const uint64_t length = parser->content_length() ? *parser->content_length() : 0;
    const bool has_body = parser->chunked() || length > 0;
    if (has_body) {
      if (!parser->chunked() && length > plan.body_limit_bytes) {
        request.body_state = BodyState::too_large;
        request.body_bytes = length;
      } else {
        const bool whole = co_await read_body(std::move(parser), request, length);
        if (!whole) co_return false;
      }
    }
    const bool refused = request.body_state != BodyState::complete;
    if (refused) {
      keep = false;
      request.body.clear();
      request.body.shrink_to_fit();
      request.memory.reset();
    }
    HttpResponse response;
    AnswerPiece first;
    co_await run(plan.work, request, response, first);
    if (response.web_socket != nullptr) {
      hand_over(request, response);
      co_return false;
    }
    keep = keep && !shared_.draining;
    const bool written = co_await write_response(plan.work, request, response, first, http10, keep);
    if (refused && written) co_await drop_rest();
    co_return written&& keep;
  }

  // ---- request bodies

  awaitable<bool> read_body(std::unique_ptr<Parser> parser, HttpRequest& request, uint64_t length) {
    ErrorCode ec;
    const bool chunked = parser->chunked();
    auto reserved = shared_.environment.memory->reserve(MemoryShare::requests, 0);
    if (reserved.ok()) request.memory = std::move(reserved).value();
    const bool room =
        co_await take_memory(request, chunked ? kBodyPieceBytes : std::min<uint64_t>(length, kBodyStepBytes));
    if (!room) co_return true;
    if (equal_without_case(request.headers.get("Expect"), "100-continue")) {
      static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
      stream_.expires_after(nanoseconds(shared_.options.write_timeout_ns));
      co_await asio::async_write(stream_, asio::buffer(kContinue.data(), kContinue.size()), into(ec));
      if (ec) co_return false;
    }
    stream_.expires_after(nanoseconds(shared_.options.body_timeout_ns));
    if (chunked) co_return co_await read_chunked_body(*parser, request);
    co_return co_await read_sized_body(request, length);
  }

  /// Straight from the socket into the string; each byte is touched once after what came with the header.
  awaitable<bool> read_sized_body(HttpRequest& request, uint64_t length) {
    std::string& body = request.body;
    body.reserve(length);
    size_t have = std::min<uint64_t>(buffer_.size(), length);
    body.append(static_cast<const char*>(buffer_.data().data()), have);
    buffer_.consume(have);
    ErrorCode ec;
    while (have < length) {
      if (have == body.size()) {
        const size_t step = std::min<uint64_t>(length - have, kBodyStepBytes);
        const uint64_t needed = have + step;
        if (needed > request.memory.bytes()) {
          const bool room = co_await take_memory(request, needed - request.memory.bytes());
          if (!room) co_return true;
        }
        body.resize(needed);
      }
      have += co_await stream_.async_read_some(asio::buffer(body.data() + have, body.size() - have), into(ec));
      if (ec) co_return false;
    }
    co_return true;
  }

  awaitable<bool> read_chunked_body(Parser& parser, HttpRequest& request) {
    std::string& body = request.body;
    size_t have = 0;
    while (!parser.is_done()) {
      if (have + kBodyPieceBytes > request.memory.bytes()) {
        const bool room = co_await take_memory(request, have + kBodyPieceBytes - request.memory.bytes());
        if (!room) co_return true;
      }
      if (have + kBodyPieceBytes > body.capacity()) body.reserve(2 * body.capacity() + kBodyPieceBytes);
      body.resize(have + kBodyPieceBytes);
      auto& target = parser.get().body();
      target.data = body.data() + have;
      target.size = kBodyPieceBytes;
      target.more = true;
      ErrorCode ec;
      co_await http::async_read_some(stream_, buffer_, parser, into(ec));
      have += kBodyPieceBytes - target.size;
      if (ec && ec != http::error::need_buffer) co_return false;
      if (have > request.body_limit_bytes) {
        request.body_state = BodyState::too_large;
        request.body_bytes = have;
        co_return true;
      }
    }
    body.resize(have);
    co_return true;
  }

  /// Waits a little for others to give memory back; refuses the body when they do not.
  awaitable<bool> take_memory(HttpRequest& request, uint64_t more) {
    Clock& clock = *shared_.environment.clock;
    const int64_t end_ns = clock.monotonic_ns() + shared_.options.memory_wait_ns;
    for (;;) {
      if (request.memory.grow(more).ok()) co_return true;
      const bool hopeless = request.memory.bytes() + more > shared_.environment.memory->limit(MemoryShare::requests);
      if (hopeless || clock.monotonic_ns() >= end_ns) break;
      ErrorCode ec;
      gate_.expires_after(kMemoryPoll);
      co_await gate_.async_wait(into(ec));
    }
    request.body_state = BodyState::no_memory;
    co_return false;
  }

  /// Closing at once would reset the connection before the client has read the refusal.
  awaitable<void> drop_rest() {
    ErrorCode ec;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ec);
    stream_.expires_after(std::chrono::seconds(5));
    std::string sink(64 << 10, '\0');
    for (size_t dropped = 0; dropped < kDrainedBytes && !ec;) {
      dropped += co_await stream_.async_read_some(asio::buffer(sink), into(ec));
    }
  }

  // ---- the handler

  awaitable<void> run(WorkClass work, HttpRequest& request, HttpResponse& response, AnswerPiece& first) {
    stream_.expires_never();
    request.arrived_monotonic_ns = shared_.environment.clock->monotonic_ns();
    if (work == WorkClass::query) watch_client(request);
    co_await on_worker(work, [&] {
      try {
        response = shared_.environment.handler->handle(request);
        request.memory.reset();
        first.begin(request, response);
      } catch (const std::exception& e) {
        shared_.environment.log->error("request handler failed", {{"path", request.path}, {"error", e.what()}});
        response = HttpResponse{};
        response.status = 500;
        response.content_type = "text/plain; charset=utf-8";
        first = AnswerPiece{};
        first.bytes = e.what();
      }
    });
    watched_ = nullptr;
    if (work == WorkClass::query) {
      ErrorCode ignored;
      stream_.socket().cancel(ignored);
    }
  }

  /// Runs `job` on a worker; the strand goes on meanwhile, so that the client's going away is seen.
  awaitable<void> on_worker(WorkClass work, const std::function<void()>& job) {
    std::optional<AwaitedAnswer> awaited;
    if (work == WorkClass::query) awaited.emplace();
    bool done = false;
    gate_.expires_at(std::chrono::steady_clock::time_point::max());
    shared_.runner(work).post([this, &job, &done, self = shared_from_this()] {
      job();
      asio::post(stream_.get_executor(), [this, &done, self] {
        done = true;
        gate_.cancel();
      });
    });
    while (!done) {
      ErrorCode ec;
      co_await gate_.async_wait(into(ec));
    }
  }

  void watch_client(HttpRequest& request) {
    watched_ = &request;
    stream_.socket().async_wait(tcp::socket::wait_read, [self = shared_from_this(), this](ErrorCode ec) {
      if (ec || watched_ == nullptr) return;
      char byte;
      const ssize_t n = ::recv(stream_.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
      if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))) return;  // the next request
      watched_->cancelled = true;
      shared_.gone_total->add();
    });
  }

  /// A client that talks before it has its answer speaks no WebSocket.
  void hand_over(const HttpRequest& request, HttpResponse& response) {
    ErrorCode ec;
    if (buffer_.size() != 0) return;
    const int socket = stream_.release_socket().release(ec);
    if (!ec) shared_.web_sockets->adopt(socket, request, response.headers, std::move(response.web_socket));
  }

  // ---- answers

  std::string head_of(const HttpResponse& response, const AnswerPiece& first, bool http10, bool keep) const {
    Framing framing{.http10 = http10, .keep = keep, .gzip = first.gzip != nullptr, .length = {}, .now_ns = 0};
    if (first.last) framing.length = first.bytes.size();
    framing.now_ns = shared_.environment.clock->now_ns();
    return response_head(response, framing);
  }

  awaitable<bool> write_response(WorkClass work, HttpRequest& request, HttpResponse& response, AnswerPiece& piece,
                                 bool http10, bool& keep) {
    if (http10 && !piece.last) keep = false;
    const bool chunked = !piece.last && !http10;
    const std::string head = head_of(response, piece, http10, keep);
    bool ok = co_await write(head, request.method == "HEAD" ? std::string_view() : piece.bytes, chunked);
    while (ok && !piece.last && request.method != "HEAD") {
      bool failed = false;
      co_await on_worker(work, [&] {
        try {
          piece.go_on(response);
        } catch (const std::exception& e) {
          shared_.environment.log->error("answer cut short", {{"path", request.path}, {"error", e.what()}});
          failed = true;
        }
      });
      ok = !failed && co_await write({}, piece.bytes, chunked);
    }
    if (ok && chunked) ok = co_await write("0\r\n\r\n", {}, false);
    co_return ok;
  }

  /// `head`, then `body` (as one chunk of a chunked answer when told), each MB in its own time limit.
  awaitable<bool> write(std::string_view head, std::string_view body, bool as_chunk) {
    char size_line[24];
    int size_bytes = 0;
    if (as_chunk && !body.empty()) size_bytes = std::snprintf(size_line, sizeof size_line, "%zx\r\n", body.size());
    ErrorCode ec;
    std::string_view slice = body.substr(0, kBodyStepBytes);
    const bool one_slice = slice.size() == body.size();
    static constexpr std::string_view kChunkEnd = "\r\n";
    const std::string_view tail = as_chunk && !body.empty() && one_slice ? kChunkEnd : std::string_view();
    std::array<asio::const_buffer, 4> parts{asio::buffer(head.data(), head.size()), asio::buffer(size_line, size_bytes),
                                            asio::buffer(slice.data(), slice.size()),
                                            asio::buffer(tail.data(), tail.size())};
    stream_.expires_after(nanoseconds(shared_.options.write_timeout_ns));
    co_await asio::async_write(stream_, parts, into(ec));
    for (size_t at = slice.size(); !ec && at < body.size(); at += slice.size()) {
      slice = body.substr(at, kBodyStepBytes);
      stream_.expires_after(nanoseconds(shared_.options.write_timeout_ns));
      co_await asio::async_write(stream_, asio::buffer(slice.data(), slice.size()), into(ec));
    }
    if (!ec && as_chunk && !one_slice) {
      co_await asio::async_write(stream_, asio::buffer(kChunkEnd.data(), kChunkEnd.size()), into(ec));
    }
    co_return !ec;
  }

  awaitable<void> write_plain(int status, std::string text) {
    HttpResponse response;
    response.status = status;
    response.content_type = "text/plain; charset=utf-8";
    AnswerPiece piece;
    piece.bytes = std::move(text);
    const std::string head = head_of(response, piece, false, false);
    const bool written = co_await write(head, piece.bytes, false);
    if (written) co_await drop_rest();
  }

  SharedByConnections& shared_;
  Registry& registry_;
  beast::tcp_stream stream_;
  asio::steady_timer gate_;
  beast::flat_buffer buffer_;
  HttpRequest* watched_ = nullptr;
  bool idle_ = false;
};

void Registry::close(bool busy_too) {
  // Held beyond the lock: the last holder's destructor comes back to remove().
  std::vector<std::shared_ptr<Connection>> held;
  {
    MutexLock lock(mu_);
    for (Connection* connection : open_) {
      if (auto one = connection->weak_from_this().lock()) held.push_back(std::move(one));
    }
  }
  for (const auto& connection : held) connection->close_soon(busy_too);
}

class AsioHttpServer final : public HttpServer {
 public:
  AsioHttpServer(HttpServerOptions options, Environment environment)
      : io_(static_cast<int>(options.io_threads)), acceptor_(asio::make_strand(io_)), pause_(acceptor_.get_executor()) {
    shared_.options = std::move(options);
    shared_.environment = environment;
    Metrics& metrics = *environment.metrics;
    shared_.connections_total = &metrics.counter("cordwood_http_connections_total", "Connections accepted.");
    shared_.gone_total =
        &metrics.counter("cordwood_http_client_gone_total", "Clients that hung up while their query ran.");
  }
  ~AsioHttpServer() override {
    drain(0);
    io_.stop();
    for (auto& thread : threads_) thread.join();
  }

  Result<void> listen() {
    ErrorCode ec;
    const auto address = asio::ip::make_address(shared_.options.address, ec);
    if (ec) return Error::invalid("cannot listen on '" + shared_.options.address + "': " + ec.message());
    const tcp::endpoint endpoint(address, shared_.options.port);
    const auto step = [&](const char* what) -> Result<void> {
      if (!ec) return {};
      return Error::io(fmt::format("{} {}:{}: {}", what, shared_.options.address, shared_.options.port, ec.message()));
    };
    acceptor_.open(endpoint.protocol(), ec);
    TRY(step("open"));
    acceptor_.set_option(tcp::acceptor::reuse_address(true), ec);
    acceptor_.bind(endpoint, ec);
    TRY(step("bind"));
    acceptor_.listen(1024, ec);
    TRY(step("listen on"));
    port_ = acceptor_.local_endpoint(ec).port();
    shared_.quick = make_thread_pool(2, "http-quick");
    shared_.push = make_thread_pool(shared_.options.push_threads, "http-push");
    shared_.query = make_thread_pool(shared_.options.query_threads, "http-query");
    shared_.web_sockets = WebSocketServer::start(
        {.max_sessions = shared_.options.max_connections, .silence_timeout_ns = shared_.options.write_timeout_ns},
        {.workers = shared_.query.get(), .clock = shared_.environment.clock, .metrics = shared_.environment.metrics});
    asio::co_spawn(
        acceptor_.get_executor(), [this] { return accept(); }, asio::detached);
    for (size_t i = 0; i < shared_.options.io_threads; ++i) threads_.emplace_back([this] { io_.run(); });
    return {};
  }

  uint16_t port() const override { return port_; }

  void drain(int64_t grace_ns) override {
    if (shared_.draining.exchange(true)) return;
    asio::post(acceptor_.get_executor(), [this] {
      ErrorCode ignored;
      acceptor_.close(ignored);
      pause_.cancel();
    });
    registry_.close(false);
    if (shared_.web_sockets != nullptr) shared_.web_sockets->drain();
    registry_.wait_empty(grace_ns, *shared_.environment.clock);
    registry_.close(true);
    // Handlers that still run hold their connection; what they do must end before what they use goes.
    for (TaskRunner* runner : {shared_.quick.get(), shared_.push.get(), shared_.query.get()}) {
      if (runner != nullptr) runner->drain();
    }
    registry_.wait_empty(2'000'000'000, *shared_.environment.clock);
  }

 private:
  awaitable<void> accept() {
    while (!shared_.draining) {
      ErrorCode ec;
      if (registry_.size() >= shared_.options.max_connections) {
        pause_.expires_after(std::chrono::milliseconds(20));
        co_await pause_.async_wait(into(ec));
        continue;
      }
      tcp::socket socket = co_await acceptor_.async_accept(asio::make_strand(io_), into(ec));
      if (shared_.draining || ec == asio::error::operation_aborted) co_return;
      if (ec) {  // out of descriptors, or the client left in the queue
        pause_.expires_after(std::chrono::milliseconds(20));
        co_await pause_.async_wait(into(ec));
        continue;
      }
      socket.set_option(tcp::no_delay(true), ec);
      shared_.connections_total->add();
      std::make_shared<Connection>(std::move(socket), shared_, registry_)->start();
    }
  }

  SharedByConnections shared_;
  Registry registry_;
  asio::io_context io_;
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  std::vector<std::thread> threads_;
  uint16_t port_ = 0;
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::start(HttpServerOptions options, Environment environment) {
  auto server = std::make_unique<AsioHttpServer>(std::move(options), environment);
  TRY(server->listen());
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace cordwood::api
