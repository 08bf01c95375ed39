// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "storage/base/result.h"

namespace cordwood::api {

/// `1h30m`, `7d`, `500ms`: units y w d h m s ms, large to small.  Errors read as Prometheus's.
Result<int64_t> parse_prometheus_duration(std::string_view text);
/// Either of Prometheus's form and Go's (`1h0m0s`, `1.5s`, `100us`, `-1s`); for configuration.
Result<int64_t> parse_duration(std::string_view text);
/// Prometheus's form (`1h30m`, `0s`).
std::string print_duration(int64_t ns);

/// Sizes as Loki's configuration writes them, units in powers of 1,024 and in any case: `256KB`, `1.5GiB`, `100`.
Result<uint64_t> parse_byte_size(std::string_view text);
std::string print_byte_size(uint64_t bytes);

}  // namespace cordwood::api
