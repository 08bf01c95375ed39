// SPDX-License-Identifier: Apache-2.0
#include "query/read_costs.h"

#include <bit>
#include <string>

namespace cordwood::query {

namespace {

/// Where the quoted text that begins at `at` ends: behind its last quote, or at the end of the query.
size_t end_of_quoted(std::string_view query, size_t at) {
  const char quote = query[at++];
  while (at < query.size() && query[at] != quote) at += query[at] == '\\' && quote == '"' ? 2 : 1;
  return at + 1;
}

}  // namespace

uint64_t read_kind(const TenantId& tenant, std::string_view query, TimeRange range) {
  std::string kind = tenant;
  kind += '\0';
  kind +=
      static_cast<char>(std::bit_width(static_cast<uint64_t>(range.end_ns) - static_cast<uint64_t>(range.start_ns)));
  for (size_t at = 0; at < query.size();) {
    kind += query[at];
    at = query[at] == '"' || query[at] == '`' ? end_of_quoted(query, at) : at + 1;
  }
  return std::hash<std::string>()(kind);
}

void ReadCosts::took(uint64_t kind, int64_t cpu_ns) {
  std::atomic<int64_t>& mean = mean_of(kind);
  const int64_t known_ns = mean.load(std::memory_order_relaxed);
  // Of two at once one may be lost.
  mean.store(known_ns == 0 ? cpu_ns : known_ns + (cpu_ns - known_ns) / 4, std::memory_order_relaxed);
}

}  // namespace cordwood::query
