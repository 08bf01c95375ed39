// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "storage/base/result.h"

/// Durations as text, in the two grammars LogQL knows.  All values are nanoseconds.
namespace cordwood::query {

/// Go's time.ParseDuration: `1h30m`, `1.5s`, `-5ms`, `100us`; no days.  Errors: `time: invalid duration "x"`, ….
Result<int64_t> parse_go_duration(std::string_view text);
/// The same without making an error text; never allocates.
bool try_parse_go_duration(std::string_view text, int64_t* out_ns);
/// Prometheus: integers with units in falling order, `1w2d`, also `y` and `ms`; bare `0`.
Result<int64_t> parse_prometheus_duration(std::string_view text);

/// time.Duration.String(): `1h0m0s`, `1.5s`, `0s`.
std::string format_go_duration(int64_t ns);
/// model.Duration.String(): `1h30m`, `1d`, `0s`; below a millisecond is cut.
std::string format_prometheus_duration(int64_t ns);

}  // namespace cordwood::query
