// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ingest/entry_validator.h"
#include "ingest/tenant_limiter.h"

namespace cordwood::ingest {

struct RateRefusal {
  int status = 429;
  std::string text;
};

/// Applies the limits that look at a whole push or stream: the tenant's rate (all or nothing), the number of active
/// streams, how far an entry is behind its stream, the rate of each stream.  Rows that are refused leave the batch;
/// their ordinals (`ordinals` is in step with the rows) go to the validator's list, which stays ascending.  Gives the
/// last refusal, as Loki does.
std::optional<RateRefusal> apply_rates(const IngestLimits& limits, TenantLimiters* limiters, int64_t monotonic_ns,
                                       const std::vector<uint32_t>& ordinals, EntryValidator* validator,
                                       RowBatch* batch);

/// A byte count as Loki prints limits: the largest unit (up to EB) that divides it, `3MB`, `1536KB`, `10B`.
std::string format_byte_size(uint64_t bytes);

}  // namespace cordwood::ingest
