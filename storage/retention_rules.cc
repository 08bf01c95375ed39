// SPDX-License-Identifier: Apache-2.0
#include "storage/retention_rules.h"

#include <algorithm>

namespace cordwood {

int64_t RetentionRules::period_of(const Stream& stream) const {
  const Rule* best = nullptr;
  for (const Rule& rule : streams) {
    if (!matches_all(stream.labels, rule.matchers.data(), rule.matchers.size())) continue;
    const bool better = best == nullptr || rule.priority > best->priority ||
                        (rule.priority == best->priority && rule.period_ns < best->period_ns);
    if (better) best = &rule;
  }
  return best != nullptr ? best->period_ns : period_ns;
}

int64_t RetentionRules::shortest_ns() const {
  int64_t shortest = period_ns;
  for (const Rule& rule : streams) {
    if (rule.period_ns > 0) shortest = shortest == 0 ? rule.period_ns : std::min(shortest, rule.period_ns);
  }
  return shortest;
}

}  // namespace cordwood
