// SPDX-License-Identifier: Apache-2.0
#include "query/read_guard.h"

#include <limits>

namespace cordwood::query {

namespace {

constexpr std::string_view kTimeoutText =
    "request timed out, decrease the duration of the request or add more label matchers (prefer exact match over "
    "regex match) to reduce the amount of data processed";
constexpr std::string_view kCancelledText = "the request was cancelled by the client";

}  // namespace

ReadGuard::ReadGuard(const ReadContext& context, Clock& clock)
    : cancelled_(context.cancelled),
      clock_(&clock),
      deadline_monotonic_ns_(context.limits.query_timeout_ns > 0
                                 ? clock.monotonic_ns() + context.limits.query_timeout_ns
                                 : std::numeric_limits<int64_t>::max()) {}

Result<void> ReadGuard::check() const {
  if (cancelled_ != nullptr && cancelled_->load(std::memory_order_relaxed)) {
    return Error::cancelled(std::string(kCancelledText));
  }
  if (clock_->monotonic_ns() > deadline_monotonic_ns_) return Error::timeout(std::string(kTimeoutText));
  return {};
}

QueryError to_query_error(const Error& error) {
  switch (error.kind) {
    case ErrorKind::invalid: return {400, error.message};
    case ErrorKind::not_found: return {404, error.message};
    case ErrorKind::cancelled: return {499, std::string(kCancelledText)};
    case ErrorKind::timeout: return {504, std::string(kTimeoutText)};
    case ErrorKind::unavailable:
    case ErrorKind::exhausted: return {503, error.message};
    case ErrorKind::corrupt:
    case ErrorKind::io: break;
  }
  return {500, error.message};
}

}  // namespace cordwood::query
