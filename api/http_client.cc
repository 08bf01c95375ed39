// SPDX-License-Identifier: Apache-2.0
#include "api/http_client.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <limits>
#include <optional>

namespace cordwood::api {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using ErrorCode = boost::system::error_code;
using tcp = asio::ip::tcp;

Result<ServerUrl> parse_server_url(const std::string& url) {
  static constexpr std::string_view kScheme = "http://";
  if (url.starts_with("https://"))
    return Error::invalid("https is not supported here: put the client beside the server");
  std::string rest = url.starts_with(kScheme) ? url.substr(kScheme.size()) : url;
  ServerUrl out;
  if (const size_t slash = rest.find('/'); slash != std::string::npos) {
    out.prefix = rest.substr(slash);
    rest.erase(slash);
  }
  while (out.prefix.ends_with('/')) out.prefix.pop_back();
  const size_t colon = rest.rfind(':');
  const bool has_port = colon != std::string::npos && rest.find(']', colon) == std::string::npos;
  out.host = rest.substr(0, has_port ? colon : std::string::npos);
  out.port = has_port ? rest.substr(colon + 1) : "80";
  if (out.host.starts_with('[') && out.host.ends_with(']')) out.host = out.host.substr(1, out.host.size() - 2);
  if (out.host.empty() || out.port.empty()) return Error::invalid("not a server's address: '" + url + "'");
  return out;
}

struct HttpClient::State {
  using Parser = http::response_parser<http::string_body>;

  explicit State(ServerUrl to, int64_t limit_ns) : url(std::move(to)), timeout_ns(limit_ns) {}

  /// Starts one operation and runs it to its end or the time limit.
  template <typename Start>
  ErrorCode run(Start start) {
    ErrorCode result;
    stream->expires_after(std::chrono::nanoseconds(timeout_ns));
    start([&result](const ErrorCode& ec, auto&&...) { result = ec; });
    io.restart();
    io.run();
    return result;
  }

  ErrorCode connect() {
    ErrorCode ec;
    const auto endpoints = tcp::resolver(io).resolve(url.host, url.port, ec);
    if (ec) return ec;
    stream.emplace(io);
    buffer.clear();
    ec = run([&](auto done) { stream->async_connect(endpoints, done); });
    if (ec) {
      stream.reset();
      return ec;
    }
    stream->socket().set_option(tcp::no_delay(true), ec);
    return {};
  }

  ErrorCode exchange(std::string_view head, std::string_view body, bool head_only, Reply* reply) {
    const std::array<asio::const_buffer, 2> parts{asio::buffer(head.data(), head.size()),
                                                  asio::buffer(body.data(), body.size())};
    ErrorCode ec = run([&](auto done) { asio::async_write(*stream, parts, done); });
    if (ec) return ec;
    Parser parser;
    parser.body_limit(std::numeric_limits<uint64_t>::max());
    parser.skip(head_only);
    ec = run([&](auto done) { http::async_read(*stream, buffer, parser, done); });
    if (ec) return ec;
    reply->status = static_cast<int>(parser.get().result_int());
    for (const auto& field : parser.get()) {
      reply->headers.add(std::string(field.name_string()), std::string(field.value()));
    }
    const bool keep = parser.keep_alive();
    reply->body = std::move(parser.get().body());
    if (!keep) stream.reset();
    return {};
  }

  ServerUrl url;
  int64_t timeout_ns;
  asio::io_context io;
  std::optional<beast::tcp_stream> stream;
  beast::flat_buffer buffer;
};

HttpClient::HttpClient(ServerUrl url, int64_t timeout_ns)
    : state_(std::make_unique<State>(std::move(url), timeout_ns)) {}
HttpClient::~HttpClient() = default;

Result<HttpClient::Reply> HttpClient::call(const std::string& method, const std::string& target,
                                           const HttpHeaders& headers, std::string_view body) {
  State& state = *state_;
  std::string head = method + " " + state.url.prefix + target + " HTTP/1.1\r\nHost: " + state.url.host + ":" +
                     state.url.port + "\r\nUser-Agent: cordwood\r\n";
  for (const auto& [name, value] : headers.fields()) head += name + ": " + value + "\r\n";
  if (!body.empty() || method == "POST") head += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  head += "\r\n";
  ErrorCode ec;
  for (int attempt = 0; attempt < 2; ++attempt) {
    const bool reused = state.stream.has_value();
    if (!reused) ec = state.connect();
    if (ec) break;
    Reply reply;
    ec = state.exchange(head, body, method == "HEAD", &reply);
    if (!ec) return reply;
    state.stream.reset();
    // A connection that was idle may have been closed meanwhile: that is worth one new one.
    if (!reused || ec == beast::error::timeout) break;
    ec = {};
  }
  const std::string where = state.url.host + ":" + state.url.port + ": " + ec.message();
  return ec == beast::error::timeout ? Error::timeout(where) : Error::io(where);
}

}  // namespace cordwood::api
