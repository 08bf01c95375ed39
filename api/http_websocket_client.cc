// SPDX-License-Identifier: Apache-2.0
#include "api/http_websocket_client.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <chrono>
#include <limits>

namespace cordwood::api {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;
using ErrorCode = boost::system::error_code;
using tcp = asio::ip::tcp;

constexpr auto kConnectLimit = std::chrono::seconds(30);

class BeastWebSocketClient final : public WebSocketClient {
 public:
  Result<void> open(const ServerUrl& url, const std::string& target, const HttpHeaders& headers) {
    const std::string host = url.host + ":" + url.port;
    ErrorCode ec;
    const auto failed = [&] { return Error::io(host + ": " + ec.message()); };
    const auto endpoints = tcp::resolver(io_).resolve(url.host, url.port, ec);
    if (ec) return failed();
    auto& socket = beast::get_lowest_layer(stream_);
    socket.expires_after(kConnectLimit);
    ec = run([&](auto done) { socket.async_connect(endpoints, done); });
    if (ec) return failed();
    socket.expires_never();  // the WebSocket looks after time from here on
    stream_.set_option(websocket::stream_base::timeout{kConnectLimit, websocket::stream_base::none(), false});
    stream_.set_option(websocket::stream_base::decorator([&headers](websocket::request_type& request) {
      request.set("User-Agent", "cordwood");
      for (const auto& [name, value] : headers.fields()) request.set(name, value);
    }));
    stream_.read_message_max(std::numeric_limits<uint64_t>::max() / 2);
    ec = run([&](auto done) { stream_.async_handshake(answer_, host, url.prefix + target, done); });
    if (ec == websocket::error::upgrade_declined) {
      return Error::invalid(answer_.body().empty() ? "the server answers " + std::to_string(answer_.result_int())
                                                   : answer_.body());
    }
    if (ec) return failed();
    return {};
  }

  std::string header(const std::string& name) const override { return std::string(answer_[name]); }

  Result<std::optional<std::string>> read() override {
    beast::flat_buffer buffer;
    const ErrorCode ec = run([&](auto done) { stream_.async_read(buffer, done); });
    if (!ec) return std::optional(beast::buffers_to_string(buffer.data()));
    if (ec != websocket::error::closed) return Error::io("the connection is lost: " + ec.message());
    const auto& reason = stream_.reason();
    if (reason.code == websocket::close_code::normal) return std::optional<std::string>();
    return Error::invalid(reason.reason.empty() ? "the server closes with status " + std::to_string(reason.code)
                                                : std::string(reason.reason.data(), reason.reason.size()));
  }

 private:
  /// Starts one operation and runs until it is done; timers of the stream may go on waiting.
  template <typename Start>
  ErrorCode run(Start start) {
    std::optional<ErrorCode> result;
    start([&result](const ErrorCode& ec, auto&&...) { result = ec; });
    io_.restart();
    while (!result) io_.run_one();
    return *result;
  }

  asio::io_context io_;
  websocket::stream<beast::tcp_stream> stream_{io_};
  websocket::response_type answer_;
};

}  // namespace

Result<std::unique_ptr<WebSocketClient>> WebSocketClient::connect(const ServerUrl& url, const std::string& target,
                                                                  const HttpHeaders& headers) {
  auto client = std::make_unique<BeastWebSocketClient>();
  TRY(client->open(url, target, headers));
  return std::unique_ptr<WebSocketClient>(std::move(client));
}

}  // namespace cordwood::api
