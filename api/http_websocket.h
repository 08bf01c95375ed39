// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/http_message.h"
#include "api/web_socket.h"
#include "storage/base/clock.h"
#include "storage/base/metrics.h"
#include "storage/base/task_runner.h"

namespace cordwood::api {

struct WebSocketOptions {
  size_t max_sessions = 1024;  ///< further ones are cut
  int64_t ping_interval_ns = 1'000'000'000;
  int64_t silence_timeout_ns = 30'000'000'000;  ///< a client that answers no ping for so long is gone
  int64_t turn_gap_ns = 20'000'000;             ///< between turns, so that what comes meanwhile goes as one message
};

/// The WebSockets of a server.  They take a thread of their own for their bytes and workers for what they send; a
/// client that does not read holds up nobody else.
class WebSocketServer {
 public:
  struct Environment {
    TaskRunner* workers = nullptr;
    Clock* clock = nullptr;
    Metrics* metrics = nullptr;
  };
  static std::unique_ptr<WebSocketServer> start(WebSocketOptions options, Environment environment);
  virtual ~WebSocketServer() = default;
  /// Takes a connected TCP socket over, answers its request (see asks_for_web_socket()) with 101 and `headers`, and
  /// sends what the source says.  What the client says is not looked at, but for pings and its going away.
  virtual void adopt(int socket, const HttpRequest& request,
                     const std::vector<std::pair<std::string, std::string>>& headers,
                     std::shared_ptr<MessageSource> source) = 0;
  /// Cuts every connection, without a close frame: to clients that is a server which went away, and they come back.
  /// Returns when no worker is busy for one.
  virtual void drain() = 0;
};

}  // namespace cordwood::api
