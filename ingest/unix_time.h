// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "storage/base/result.h"

namespace cordwood::ingest {

/// Nanoseconds since 1970; invalid when the sum does not fit 64 bits or nanos is not in [0, 1e9).
Result<int64_t> unix_time_ns(int64_t seconds, int64_t nanos);
/// RFC 3339 with up to nine digits of fraction, as in `2026-01-02T03:04:05.6+01:00`.
Result<int64_t> parse_rfc3339_ns(std::string_view text);
/// `2026-01-02T03:04:05Z`: UTC, whole seconds.
std::string format_rfc3339(int64_t time_ns);
/// As Go prints a UTC time by default: `2026-01-02 03:04:05.6 +0000 UTC`.
std::string format_go_time(int64_t time_ns);

}  // namespace cordwood::ingest
