// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "query/trace_lookup.h"

namespace cordwood::query {

/// Puts the lines of the trace's streams around its lines into the answer: the first `limit` of them by time.  A reach
/// in lines counts from the trace's first and last line of each stream, a reach in time from those of the trace.
Result<void> read_trace_context(const QueryScope& scope, const std::map<std::string, TraceLookup::Part>& parts,
                                const TraceContextRequest& request, TimeRange visible, TraceAnswer* answer);

}  // namespace cordwood::query
