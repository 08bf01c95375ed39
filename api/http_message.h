// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/base/memory_accountant.h"

namespace cordwood::api {

/// ASCII letters compare without case.
bool equal_without_case(std::string_view a, std::string_view b);

/// Header fields in the order sent.  Names compare without case.
class HttpHeaders {
 public:
  void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
  /// The first value, or empty when there is none.
  std::string_view get(std::string_view name) const;
  bool has(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

/// How a request's body came in.  Anything but `complete` is to be refused: the body was not read.
enum class BodyState : unsigned char { complete, too_large, no_memory };

struct HttpRequest {
  std::string method;
  std::string path;   ///< as sent, still percent-encoded, without the query
  std::string query;  ///< what follows '?', as sent
  HttpHeaders headers;
  std::string body;
  BodyState body_state = BodyState::complete;
  uint64_t body_bytes = 0;             ///< size announced or seen so far, when too_large
  uint64_t body_limit_bytes = 0;       ///< the limit it went over
  int64_t arrived_monotonic_ns = 0;    ///< when it was whole
  MemoryReservation memory;            ///< what `body` takes of the share `requests`
  std::atomic<bool> cancelled{false};  ///< set when the client hangs up while the handler runs
};

class MessageSource;  // web_socket.h

struct HttpResponse {
  int status = 200;
  std::string content_type;  ///< empty: no Content-Type
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  /// When set, the body comes from here instead: appends the next piece, false when that was the last.  Called on a
  /// worker thread, never by two at once.
  std::function<bool(std::string* out)> stream;
  /// When set, the request asked for a WebSocket and gets it: `headers` go with the 101, the rest is not used.
  std::shared_ptr<MessageSource> web_socket = nullptr;
};

}  // namespace cordwood::api
