// SPDX-License-Identifier: Apache-2.0
#include "tests/support/http_double.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <optional>

#include "storage/base/check.h"

namespace cordwood {

namespace {

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

/// Reads one request after the other from a connection.
class RequestReader {
 public:
  explicit RequestReader(int fd) : fd_(fd) {}

  std::optional<HttpDouble::Request> next() {
    const size_t end = fill_until("\r\n\r\n");
    if (end == std::string::npos) return std::nullopt;
    const std::string head = buffer_.substr(0, end + 2);
    buffer_.erase(0, end + 4);
    HttpDouble::Request request;
    size_t at = head.find("\r\n");
    const std::string first = head.substr(0, at);
    const size_t space = first.find(' ');
    request.method = first.substr(0, space);
    request.target = first.substr(space + 1, first.rfind(' ') - space - 1);
    for (at += 2; at < head.size();) {
      const size_t stop = head.find("\r\n", at);
      const std::string line = head.substr(at, stop - at);
      const size_t colon = line.find(':');
      std::string name = line.substr(0, colon);
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
      const size_t value = line.find_first_not_of(' ', colon + 1);
      request.fields.emplace_back(name, value == std::string::npos ? "" : line.substr(value));
      at = stop + 2;
    }
    const std::string_view length = request.field("content-length");
    const size_t size = length.empty() ? 0 : std::stoul(std::string(length));
    while (buffer_.size() < size) {
      if (!fill()) return std::nullopt;
    }
    request.body = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return request;
  }

 private:
  bool fill() {
    char bytes[64 << 10];
    const ssize_t n = ::recv(fd_, bytes, sizeof bytes, 0);
    if (n <= 0) return false;
    buffer_.append(bytes, static_cast<size_t>(n));
    return true;
  }
  size_t fill_until(std::string_view mark) {
    for (;;) {
      const size_t at = buffer_.find(mark);
      if (at != std::string::npos || !fill()) return at;
    }
  }
  int fd_;
  std::string buffer_;
};

}  // namespace

std::string_view HttpDouble::Request::field(std::string_view name) const {
  for (const auto& [have, value] : fields) {
    if (have == name) return value;
  }
  return {};
}

HttpDouble::HttpDouble(Handler handler) : handler_(std::move(handler)), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  CHECK(::bind(listener_, reinterpret_cast<sockaddr*>(&at), size) == 0);
  CHECK(::listen(listener_, 64) == 0);
  CHECK(::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size) == 0);
  port_ = ntohs(at.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

HttpDouble::~HttpDouble() {
  stopping_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  std::vector<std::thread> threads;
  {
    const MutexLock lock(mu_);
    for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
    threads = std::move(threads_);
  }
  for (std::thread& t : threads) t.join();
  ::close(listener_);
}

void HttpDouble::accept_all() {
  for (;;) {
    const int fd = ::accept(listener_, nullptr, nullptr);
    if (fd < 0 || stopping_) {
      if (fd >= 0) ::close(fd);
      return;
    }
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ++connections_;
    const MutexLock lock(mu_);
    open_.push_back(fd);
    threads_.emplace_back([this, fd] { serve(fd); });
  }
}

void HttpDouble::serve(int fd) {
  RequestReader reader(fd);
  while (const auto request = reader.next()) {
    if (!answer(fd, *request, handler_(*request))) break;
  }
  const MutexLock lock(mu_);
  open_.remove(fd);
  ::close(fd);
}

/// False when the connection is to be closed.
bool HttpDouble::answer(int fd, const Request& request, const Reply& reply) {
  if (reply.hang_up) return false;
  std::string head = "HTTP/1.1 " + std::to_string(reply.status) + " X\r\n";
  bool has_length = false;
  for (const auto& [name, value] : reply.fields) {
    has_length |= name == "content-length";
    head += name + ": " + value + "\r\n";
  }
  if (!has_length && reply.status != 204) head += "content-length: " + std::to_string(reply.body.size()) + "\r\n";
  const bool cut = reply.cut_at != std::string::npos || reply.stall;
  const std::string_view body =
      request.method == "HEAD"
          ? std::string_view()
          : std::string_view(reply.body)
                .substr(0, cut ? std::min(reply.cut_at, reply.body.size() / 2) : std::string::npos);
  if (!send_all(fd, head + "\r\n") || !send_all(fd, body)) return false;
  while (reply.stall && !stopping_) {
    pollfd gone{fd, POLLRDHUP | POLLIN, 0};
    if (::poll(&gone, 1, 20) != 0) break;
  }
  return !cut;
}

}  // namespace cordwood
