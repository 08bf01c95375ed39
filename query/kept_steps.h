// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "query/kept_results.h"
#include "query/step_series.h"

namespace cordwood::query {

/// What a range aggregation came to on the steps of a grid, and the version of the store that it was made of at least.
struct KeptVector {
  StepGrid grid;
  uint64_t version = 0;
  StepVector vector;  ///< points by step of `grid`
  uint64_t memory_bytes() const;
};

/// Results of range aggregations: a dashboard's range moves on by seconds, while its steps stay where they are.
class KeptSteps final : public KeptResults<KeptVector> {
 public:
  KeptSteps(uint64_t max_bytes, MemoryAccountant& memory, Metrics& metrics);
};

}  // namespace cordwood::query
