// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "api/http_client.h"
#include "storage/base/clock.h"

namespace cordwood::api {

struct PushSenderOptions {
  std::string labels;            ///< `{app="x"}`
  size_t batch_bytes = 1 << 20;  ///< raw
  int attempts = 10;
  std::function<void(int64_t ns)> sleep;
};

/// Gathers lines of one stream into push requests (protobuf and snappy: any bytes go through) and sends them, again
/// after 429, 5xx and broken connections, waiting as Retry-After says.
class PushSender {
 public:
  PushSender(PushSenderOptions options, HttpClient& client, HttpHeaders headers);
  /// What the server refuses (400) is counted and told by refusal(), and sending goes on; an error is final.
  Result<void> add(int64_t time_ns, std::string_view line);
  Result<void> finish();

  uint64_t sent_lines() const { return sent_lines_; }
  uint64_t sent_bytes() const { return sent_bytes_; }
  uint64_t refused_batches() const { return refused_batches_; }
  const std::string& refusal() const { return refusal_; }

 private:
  Result<void> send();

  PushSenderOptions options_;
  HttpClient& client_;
  HttpHeaders headers_;
  std::string entries_;  ///< encoded
  uint64_t lines_ = 0, bytes_ = 0;
  uint64_t sent_lines_ = 0, sent_bytes_ = 0, refused_batches_ = 0;
  std::string refusal_;
};

}  // namespace cordwood::api
