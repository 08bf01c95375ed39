// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "query/query_engine.h"

namespace cordwood::query {

/// Evaluation times start, start + step, …: `count` of them.
struct StepGrid {
  int64_t start_ns = 0;
  int64_t step_ns = 1;
  uint32_t count = 1;
  int64_t time_ns(uint32_t step) const { return start_ns + step_ns * static_cast<int64_t>(step); }
};

struct StepPoint {
  uint32_t step = 0;
  double value = 0;
};

/// A series over the grid; it has no point where it has no value.
struct StepSeries {
  LabelPairs labels;
  std::vector<StepPoint> points;  ///< by step, rising
};
using StepVector = std::vector<StepSeries>;

/// What an expression comes to: a number for literals, else series.
using StepValue = std::variant<double, StepVector>;

/// Bytes that tell label sets apart.
inline std::string label_key(const LabelPairs& labels) {
  std::string key;
  for (const auto& [name, value] : labels) {
    key += name;
    key += '\xff';
    key += value;
    key += '\xff';
  }
  return key;
}

}  // namespace cordwood::query
