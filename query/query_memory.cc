// SPDX-License-Identifier: Apache-2.0
#include "query/query_memory.h"

#include <fmt/core.h>

#include <limits>

#include "query/bytes_text.h"

namespace cordwood::query {

namespace {

constexpr uint64_t kStepBytes = 256 << 10;

uint64_t most_of_one(const MemoryAccountant* accountant, uint64_t limit_bytes) {
  if (accountant == nullptr) return std::numeric_limits<uint64_t>::max();
  const uint64_t share_bytes = accountant->limit(MemoryShare::query);
  const uint64_t most = share_bytes - share_bytes / 4;
  return limit_bytes == 0 ? most : std::min(limit_bytes, most);
}

}  // namespace

QueryMemory::QueryMemory(MemoryAccountant* accountant, uint64_t limit_bytes)
    : accountant_(accountant), limit_bytes_(most_of_one(accountant, limit_bytes)) {}

Result<void> QueryMemory::take() {
  if (used_ > limit_bytes_) {
    return Error::invalid(
        fmt::format("the query would use too much memory (query: {}, limit: {}); consider adding more specific stream "
                    "selectors, reducing the time range of the query or aggregating to fewer series",
                    format_bytes(used_), format_bytes(limit_bytes_)));
  }
  const uint64_t more = used_ - held_.bytes() + kStepBytes;
  const uint64_t share_bytes = accountant_->limit(MemoryShare::query), in_use = accountant_->used(MemoryShare::query);
  const bool holds_little = used_ <= share_bytes / 16;
  if (!holds_little && in_use + more > share_bytes - share_bytes / 8) {
    return Error::exhausted(fmt::format("memory share 'query' is used up by other queries: {} of {} in use, try again",
                                        format_bytes(in_use), format_bytes(share_bytes)));
  }
  if (held_.bytes() > 0) return held_.grow(more);
  TRY_ASSIGN(held_, accountant_->reserve(MemoryShare::query, more));
  return {};
}

}  // namespace cordwood::query
