// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace cordwood::api {

/// `Sun, 06 Nov 1994 08:49:37 GMT`, as HTTP's Date header wants it.
std::string http_date(int64_t time_ns);

/// `2026-11-19T00:04:10.19850993Z`, as Go prints RFC3339Nano in UTC: no trailing zeros.
std::string rfc3339_nano(int64_t time_ns);

}  // namespace cordwood::api
