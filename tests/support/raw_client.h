// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace cordwood {

/// Speaks bytes, so that a test says exactly what goes over the wire.
class RawClient {
 public:
  explicit RawClient(uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
    const timeval limit{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  ~RawClient() { hang_up(); }
  bool connected() const { return connected_; }
  void hang_up() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
  }
  /// Reads until `mark` was seen `times`, or the server closes.
  std::string read_until(std::string_view mark, int times = 1) {
    const auto seen = [&] {
      int count = 0;
      for (size_t at = got_.find(mark); at != std::string::npos; at = got_.find(mark, at + 1)) ++count;
      return count;
    };
    char buffer[4096];
    while (seen() < times) {
      const ssize_t n = ::recv(fd_, buffer, sizeof buffer, 0);
      if (n <= 0) break;
      got_.append(buffer, static_cast<size_t>(n));
    }
    return std::exchange(got_, {});
  }
  std::string read_all() { return read_until(std::string_view("\0never\0", 7)); }

 private:
  int fd_;
  bool connected_ = false;
  std::string got_;
};

}  // namespace cordwood
