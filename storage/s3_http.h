// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/base/result.h"

namespace cordwood {

using HttpFields = std::vector<std::pair<std::string, std::string>>;

struct HttpCall {
  std::string method;
  std::string url;    ///< sent as it is
  HttpFields fields;  ///< names in small letters
  std::string_view body;
  uint64_t max_answer_bytes = 1u << 20;  ///< of the body
  int64_t timeout_ns = 0;                ///< for all of it
  std::function<bool()> given_up = {};   ///< asked about once a second; true ends the call
};

struct HttpAnswer {
  int status = 0;
  HttpFields fields;  ///< names in small letters
  std::string body;

  /// Empty when there is none.
  std::string_view field(std::string_view name) const;
  /// Asked again it would say the same: our request is at fault.
  bool refuses() const { return status >= 400 && status < 500 && status != 429; }
};

struct HttpClientOptions {
  std::string ca_file;  ///< empty: the system's
  bool insecure_skip_verify = false;
  int64_t connect_timeout_ns = 5'000'000'000;
  int64_t idle_connection_ns = 90'000'000'000;
  uint32_t max_idle = 64;  ///< connections kept for later
};

/// Sends a request once and waits for the whole answer.  Thread-safe; calls at the same time have connections of
/// their own, which are used again.
class HttpTransport {
 public:
  virtual ~HttpTransport() = default;
  /// unavailable: no connection, cut off, a certificate that does not hold; timeout; exhausted: the answer is longer
  /// than allowed.  After an error the server may have done what it was asked for.
  virtual Result<HttpAnswer> send(const HttpCall& call) = 0;
};

/// Over libcurl: HTTP/1.1, no redirects followed.
std::unique_ptr<HttpTransport> make_curl_transport(HttpClientOptions options);

}  // namespace cordwood
