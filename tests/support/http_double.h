// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "storage/base/mutex.h"
#include "storage/s3_http.h"

namespace cordwood {

/// A server of plain HTTP/1.1 on a free port of this machine whose answers a function gives, for tests of clients.
class HttpDouble {
 public:
  struct Request {
    std::string method;
    std::string target;  ///< raw: path and query
    HttpFields fields;   ///< names in small letters
    std::string body;

    std::string_view field(std::string_view name) const;
  };
  struct Reply {
    int status = 200;
    HttpFields fields = {};
    std::string body = {};
    bool hang_up = false;               ///< no answer at all
    size_t cut_at = std::string::npos;  ///< bytes of the body that are sent before the connection is closed
    bool stall = false;                 ///< after a part of the body nothing more comes until the client leaves
  };
  /// Called on the thread of a connection.
  using Handler = std::function<Reply(const Request&)>;

  explicit HttpDouble(Handler handler);
  ~HttpDouble();
  uint16_t port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  uint64_t connections() const { return connections_; }

 private:
  void accept_all();
  void serve(int fd);
  bool answer(int fd, const Request& request, const Reply& reply);

  const Handler handler_;
  int listener_ = -1;
  uint16_t port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<uint64_t> connections_{0};
  Mutex mu_;
  std::list<int> open_ GUARDED_BY(mu_);
  std::vector<std::thread> threads_ GUARDED_BY(mu_);
  std::thread acceptor_;
};

}  // namespace cordwood
