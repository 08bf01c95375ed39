// SPDX-License-Identifier: Apache-2.0
#include "api/http_websocket.h"

#include <unistd.h>

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <chrono>
#include <set>
#include <thread>

#include "api/http_await.h"

namespace cordwood::api {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;
using asio::awaitable;
using tcp = asio::ip::tcp;
using std::chrono::nanoseconds;

constexpr size_t kMaxReasonBytes = 123;         // what fits into a close frame
constexpr size_t kMaxClientMessage = 64 << 10;  // nothing is expected of a client

/// What of a text goes into a close frame; no character is cut in two.
std::string_view cut_reason(std::string_view text) {
  if (text.size() <= kMaxReasonBytes) return text;
  size_t size = kMaxReasonBytes;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
  return text.substr(0, size);
}

class Session;

/// What sessions share.  The I/O thread alone touches `open`.
struct SharedBySessions {
  WebSocketOptions options;
  WebSocketServer::Environment environment;
  asio::io_context io{1};
  std::set<Session*> open;
  Counter* messages_total = nullptr;
  Counter* bytes_total = nullptr;
};

/// One client.  Three coroutines on the I/O thread: one sends, one pings, one reads what nobody looks at but tells that
/// the client is there.  The first that fails cuts the socket, on which the others end.
class Session : public std::enable_shared_from_this<Session> {
 public:
  using Headers = std::vector<std::pair<std::string, std::string>>;

  Session(tcp::socket socket, SharedBySessions& shared, std::shared_ptr<MessageSource> source)
      : shared_(shared),
        stream_(std::move(socket)),
        turn_timer_(shared.io),
        ping_timer_(shared.io),
        source_(std::move(source)) {
    shared_.open.insert(this);
  }
  ~Session() { shared_.open.erase(this); }

  void start(http::request<http::empty_body> request, Headers headers) {
    spawn([this, request = std::move(request), headers = std::move(headers)]() mutable {
      return serve(std::move(request), std::move(headers));
    });
  }
  void cut() {
    gone_ = true;
    ErrorCode ignored;
    beast::get_lowest_layer(stream_).socket().shutdown(tcp::socket::shutdown_both, ignored);
    beast::get_lowest_layer(stream_).close();
    turn_timer_.cancel();
    ping_timer_.cancel();
  }

 private:
  /// The function lives as long as its coroutine: what it captured is looked at until the end.
  template <typename Function>
  void spawn(Function function) {
    asio::co_spawn(
        shared_.io,
        [self = shared_from_this(), function = std::move(function)]() mutable -> awaitable<void> {
          co_await function();
        },
        asio::detached);
  }

  awaitable<void> serve(http::request<http::empty_body> request, Headers headers) {
    using Timeout = websocket::stream_base::timeout;
    const nanoseconds limit(shared_.options.silence_timeout_ns);
    // Without Beast's own pings its idle limit does not look at pongs.
    stream_.set_option(Timeout{limit, limit, true});
    stream_.set_option(websocket::stream_base::decorator([&headers](websocket::response_type& response) {
      response.erase(http::field::server);
      for (const auto& [name, value] : headers) response.set(name, value);
    }));
    stream_.read_message_max(kMaxClientMessage);
    stream_.auto_fragment(false);
    ErrorCode ec;
    co_await stream_.async_accept(request, into(ec));
    if (!ec) {
      spawn([this] { return read(); });
      spawn([this] { return ping(); });
      stream_.text(true);
      source_->set_wake([weak = weak_from_this(), &io = shared_.io] {
        asio::post(io, [weak] {
          if (const auto self = weak.lock()) self->wake();
        });
      });
      co_await send();
    }
    cut();
    leave_source();
  }

  void leave_source() {
    if (source_ != nullptr) source_->set_wake(nullptr);
    source_.reset();
  }

  void wake() {
    woken_ = true;
    turn_timer_.cancel();
  }

  awaitable<void> send() {
    while (!gone_) {
      woken_ = false;
      const MessageSource::Turn turn = co_await next();
      if (gone_) break;
      ErrorCode ec;
      if (!turn.message.empty()) {
        co_await stream_.async_write(asio::buffer(turn.message), into(ec));
        if (ec) break;
        shared_.messages_total->add();
        shared_.bytes_total->add(turn.message.size());
      }
      if (turn.close) {
        closing_ = true;
        leave_source();
        const std::string_view text = cut_reason(turn.reason);
        const websocket::close_reason reason(websocket::close_code::internal_error, {text.data(), text.size()});
        co_await stream_.async_close(reason, into(ec));
        break;
      }
      if (turn.again) continue;
      co_await pause(turn.wait_ns);
    }
  }

  /// Until the source wakes or `wait_ns` are over, but never shorter than the gap.
  awaitable<void> pause(int64_t wait_ns) {
    Clock& clock = *shared_.environment.clock;
    const int64_t begin_ns = clock.monotonic_ns();
    const int64_t end_ns = begin_ns + std::min<int64_t>(wait_ns, shared_.options.ping_interval_ns);
    ErrorCode ec;
    for (;;) {
      const int64_t until_ns =
          woken_ ? begin_ns + shared_.options.turn_gap_ns : std::max(end_ns, begin_ns + shared_.options.turn_gap_ns);
      const int64_t left_ns = until_ns - clock.monotonic_ns();
      if (gone_ || left_ns <= 0) co_return;
      turn_timer_.expires_after(nanoseconds(left_ns));
      co_await turn_timer_.async_wait(into(ec));
    }
  }

  /// Asks the source on a worker.
  awaitable<MessageSource::Turn> next() {
    MessageSource::Turn turn;
    bool done = false;
    // The worker gives its hold back: a session must end on the I/O thread.
    shared_.environment.workers->post([this, &turn, &done, self = shared_from_this()]() mutable {
      try {
        turn = source_->next(gone_);
      } catch (const std::exception& e) {
        turn.close = true;
        turn.reason = e.what();
      }
      asio::post(shared_.io, [this, &done, self = std::move(self)] {
        done = true;
        turn_timer_.cancel();
      });
    });
    while (!done) {
      ErrorCode ec;
      turn_timer_.expires_at(std::chrono::steady_clock::time_point::max());
      co_await turn_timer_.async_wait(into(ec));
    }
    co_return turn;
  }

  awaitable<void> ping() {
    ErrorCode ec;
    while (!gone_ && !closing_) {
      ping_timer_.expires_after(nanoseconds(shared_.options.ping_interval_ns));
      co_await ping_timer_.async_wait(into(ec));
      if (gone_ || closing_) co_return;
      co_await stream_.async_ping({}, into(ec));
      if (ec) break;
    }
    if (!closing_) cut();
  }

  awaitable<void> read() {
    beast::flat_buffer buffer;
    ErrorCode ec;
    while (!ec) {
      co_await stream_.async_read(buffer, into(ec));
      buffer.consume(buffer.size());
    }
    if (!closing_) cut();
  }

  SharedBySessions& shared_;
  websocket::stream<beast::tcp_stream> stream_;
  asio::steady_timer turn_timer_;
  asio::steady_timer ping_timer_;
  std::shared_ptr<MessageSource> source_;
  std::atomic<bool> gone_{false};
  bool closing_ = false;  ///< the close frame is on its way
  bool woken_ = false;
};

class BeastWebSocketServer final : public WebSocketServer {
 public:
  BeastWebSocketServer(WebSocketOptions options, Environment environment) : work_(asio::make_work_guard(shared_.io)) {
    shared_.options = options;
    shared_.environment = environment;
    shared_.messages_total =
        &environment.metrics->counter("cordwood_websocket_messages_total", "Messages sent over WebSockets.");
    shared_.bytes_total = &environment.metrics->counter("cordwood_websocket_bytes_total", "Bytes of these messages.");
    thread_ = std::thread([this] { shared_.io.run(); });
  }
  ~BeastWebSocketServer() override { drain(); }

  void adopt(int socket, const HttpRequest& request, const Session::Headers& headers,
             std::shared_ptr<MessageSource> source) override {
    http::request<http::empty_body> head(http::verb::get, request.path, 11);
    for (const auto& [name, value] : request.headers.fields()) head.insert(name, value);
    if (drained_) {
      ::close(socket);
      return;
    }
    asio::post(shared_.io, [this, socket, headers, head = std::move(head), source = std::move(source)]() mutable {
      ErrorCode ec;
      tcp::socket peer(shared_.io);
      if (draining_ || shared_.open.size() >= shared_.options.max_sessions) {
        ::close(socket);
        return;
      }
      peer.assign(tcp::v4(), socket, ec);
      if (ec) {
        ::close(socket);
        return;
      }
      std::make_shared<Session>(std::move(peer), shared_, std::move(source))
          ->start(std::move(head), std::move(headers));
    });
  }

  void drain() override {
    if (drained_.exchange(true)) return;
    asio::post(shared_.io, [this] {
      draining_ = true;
      for (Session* session : shared_.open) session->cut();
    });
    work_.reset();
    thread_.join();
  }

 private:
  SharedBySessions shared_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  bool draining_ = false;  ///< of the I/O thread
  std::atomic<bool> drained_{false};
  std::thread thread_;
};

}  // namespace

std::unique_ptr<WebSocketServer> WebSocketServer::start(WebSocketOptions options, Environment environment) {
  return std::make_unique<BeastWebSocketServer>(options, environment);
}

}  // namespace cordwood::api
