// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/http_message.h"

namespace cordwood::api {

/// Where a server is: `http://host:port/prefix`.
struct ServerUrl {
  std::string host;
  std::string port;
  std::string prefix;  ///< without a '/' at the end
};
Result<ServerUrl> parse_server_url(const std::string& url);

/// Blocking HTTP client of the command line.  Keeps one connection; one thread at a time.
class HttpClient {
 public:
  struct Reply {
    int status = 0;
    HttpHeaders headers;
    std::string body;
  };
  explicit HttpClient(ServerUrl url, int64_t timeout_ns = 120'000'000'000);
  ~HttpClient();
  /// `target` comes after the URL's prefix.  io when the server cannot be reached or hangs up, timeout.
  Result<Reply> call(const std::string& method, const std::string& target, const HttpHeaders& headers,
                     std::string_view body);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cordwood::api
