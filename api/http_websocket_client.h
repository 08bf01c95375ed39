// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "api/http_client.h"

namespace cordwood::api {

/// Blocking reader of a WebSocket, for the command line.  One thread at a time.
class WebSocketClient {
 public:
  /// `target` comes after the URL's prefix.  io when the server cannot be reached, invalid with the server's text when
  /// it gives no WebSocket.
  static Result<std::unique_ptr<WebSocketClient>> connect(const ServerUrl& url, const std::string& target,
                                                          const HttpHeaders& headers);
  virtual ~WebSocketClient() = default;
  /// A header of the server's answer.
  virtual std::string header(const std::string& name) const = 0;
  /// The next message; nothing after a normal close.  invalid with the reason of another close frame, io when the
  /// connection is lost.
  virtual Result<std::optional<std::string>> read() = 0;
};

}  // namespace cordwood::api
