// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <variant>

#include "tests/query/reference/vector_operators.h"

namespace cordwood::query::reference {

struct MetricAnswer {
  Trouble trouble = Trouble::none;
  std::map<LabelMap, std::vector<std::pair<int64_t, double>>> series;  ///< by time
};

/// The value of an expression at each of the times.
MetricAnswer answer_metric(const Expr& expr, const std::vector<int64_t>& times_ns, const std::vector<Entry>& entries);

/// Times of a range query: from the multiple of the step at or before the start to that at or behind the end.
std::vector<int64_t> step_times(int64_t start_ns, int64_t end_ns, int64_t step_ns);

}  // namespace cordwood::query::reference
