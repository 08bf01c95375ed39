// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "api/http_message.h"

namespace cordwood::api {

/// What a WebSocket's client is sent.  The connection asks for it on a worker thread, one at a time.
class MessageSource {
 public:
  struct Turn {
    std::string message;  ///< text; empty: nothing to send now
    bool close = false;   ///< after the message: end with status 1011 and `reason`
    std::string reason;
    bool again = false;   ///< ask again as soon as the message is sent
    int64_t wait_ns = 0;  ///< otherwise: ask again when woken, or after so long
  };
  virtual ~MessageSource() = default;
  /// `gone` becomes true when the client has left.
  virtual Turn next(const std::atomic<bool>& gone) = 0;
  /// `wake` may be called by any thread, under locks: it is quick and does not call back.
  virtual void set_wake(std::function<void()> wake) = 0;
};

/// Whether the head of a GET asks for a WebSocket as RFC 6455 wants it.
bool asks_for_web_socket(const HttpRequest& request);
/// The answer to one that does not.
HttpResponse no_web_socket();
}  // namespace cordwood::api
