// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "storage/base/result.h"

/// Sizes as text, with the rules and error texts of the humanize library that Loki uses.
namespace cordwood::query {

/// `10kB`, `1 KiB`, `1,000`, `5k` in any case.  Errors: `unhandled size name: xb`, `strconv.ParseFloat: …`.
Result<uint64_t> parse_bytes(std::string_view text);
/// The same without making an error text.
bool try_parse_bytes(std::string_view text, uint64_t* out_bytes);

/// In SI units with at most one decimal: `82 MB`, `1.5 kB`, `9 B`.
std::string format_bytes(uint64_t bytes);

}  // namespace cordwood::query
