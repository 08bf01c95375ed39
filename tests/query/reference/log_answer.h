// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "query/query_engine.h"
#include "tests/query/reference/pipeline.h"

namespace cordwood::query::reference {

/// What a log query answers: streams by label string, entries in the direction asked for.
Streams answer_log(const LogQuery& query, const RangeRequest& request, const std::vector<Entry>& entries);

}  // namespace cordwood::query::reference
