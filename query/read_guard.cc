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

int64_t deadline_monotonic_ns(const ReadContext& context, Clock& clock) {
  if (context.limits.query_timeout_ns <= 0) return std::numeric_limits<int64_t>::max();
  const int64_t begin_ns = context.arrived_monotonic_ns > 0 ? context.arrived_monotonic_ns : clock.monotonic_ns();
  return begin_ns + context.limits.query_timeout_ns;
}

ReadGuard::ReadGuard(const ReadContext& context, Clock& clock, ReadGate* gate, uint64_t kind)
    : cancelled_(context.cancelled),
      followers_(context.followers),
      clock_(&clock),
      deadline_ns_(deadline_monotonic_ns(context, clock)),
      visit_(
          gate, context.tenant, [this] { return left() || clock_->monotonic_ns() > deadline_ns_; }, kind),
      scope_(this) {}

Result<void> ReadGuard::ended() const {
  if (left()) return Error::cancelled(std::string(kCancelledText));
  if (clock_->monotonic_ns() > deadline_ns_) return Error::timeout(std::string(kTimeoutText));
  return {};
}

Result<void> ReadGuard::check() {
  const int64_t begin_ns = clock_->monotonic_ns();
  const bool waited = visit_.check(begin_ns);
  if (left()) return Error::cancelled(std::string(kCancelledText));
  if ((waited ? clock_->monotonic_ns() : begin_ns) > deadline_ns_) return Error::timeout(std::string(kTimeoutText));
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
