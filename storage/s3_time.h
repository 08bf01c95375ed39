// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cordwood {

/// `20130524T000000Z`, as signatures want it.
std::string print_amz_time(int64_t unix_ns);
/// `2013-05-24T00:00:00Z`, with a fraction of a second or without; only UTC.
std::optional<int64_t> parse_iso_time(std::string_view text);
/// `Fri, 24 May 2013 00:00:00 GMT`.
std::optional<int64_t> parse_http_time(std::string_view text);

}  // namespace cordwood
