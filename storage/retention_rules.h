// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "storage/model/matcher.h"
#include "storage/model/stream.h"

namespace cordwood {

/// How long rows are kept, by stream.  A period of 0 means for ever.
struct RetentionRules {
  struct Rule {
    std::vector<Matcher> matchers;
    int64_t priority = 0;
    int64_t period_ns = 0;
  };
  int64_t period_ns = 0;
  std::vector<Rule> streams;

  /// Of the rules that match the one of highest priority, of equal ones the shortest; none: the period for all.
  int64_t period_of(const Stream& stream) const;
  /// The shortest of all periods, 0 when everything is kept.
  int64_t shortest_ns() const;
};

}  // namespace cordwood
