// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/http_message.h"
#include "storage/base/result.h"

namespace cordwood::api {

/// Parameters of a read: those of a POSTed form first, then those of the URL.  Every error text is Loki's.
class Params {
 public:
  static Result<Params> parse(const HttpRequest& request);
  explicit Params(std::vector<std::pair<std::string, std::string>> values) : values_(std::move(values)) {}
  /// The first value, or empty.
  std::string_view get(std::string_view name) const;
  std::vector<std::string> all(std::string_view name) const;

 private:
  std::vector<std::pair<std::string, std::string>> values_;
};

/// Seconds (≤ 10 digits, or with a point), nanoseconds, or RFC 3339; the error is Go's, without the name.
Result<int64_t> parse_time(std::string_view text);

struct TimeBounds {
  int64_t start_ns = 0;
  int64_t end_ns = 0;
};
/// `start`, `end` and `since`.
Result<TimeBounds> parse_bounds(const Params& params, int64_t now_ns);
/// The same, with `end < start` refused.
Result<TimeBounds> parse_ordered_bounds(const Params& params, int64_t now_ns);
/// `time`, now when it is missing.
Result<int64_t> parse_instant(const Params& params, int64_t now_ns);
Result<uint32_t> parse_limit(const Params& params, std::string_view name, uint32_t missing);
Result<int64_t> parse_whole_number(const Params& params, std::string_view name, int64_t missing);
/// True for forward.
Result<bool> parse_forward(const Params& params);
/// `step`, checked against zero and 11,000 points; in ns at a precision of ms.
Result<int64_t> parse_step(const Params& params, TimeBounds bounds);
Result<int64_t> parse_interval(const Params& params);

}  // namespace cordwood::api
