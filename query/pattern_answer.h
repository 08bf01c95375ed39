// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "query/query_engine.h"

namespace cordwood::query {

struct PatternRequest {
  std::string query;  ///< a log query, with or without stages
  int64_t start_ns = 0;
  int64_t end_ns = 0;
  int64_t step_ns = 0;   ///< width of the buckets; taken up to whole seconds
  uint32_t limit = 300;  ///< patterns of the answer, the most frequent
};

/// Lines of one pattern and level.
struct PatternCounts {
  std::string pattern;  ///< `<_>` stands for what varies
  std::string level;    ///< detected_level; empty for lines without
  uint64_t total = 0;
  std::vector<std::pair<int64_t, uint64_t>> samples;  ///< begin of the bucket in Unix seconds, lines; ascending
};
struct PatternAnswer {
  std::vector<PatternCounts> patterns;  ///< most lines first
  QueryStats stats;
};

}  // namespace cordwood::query
