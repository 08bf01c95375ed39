// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "query/query_engine.h"

namespace cordwood::query {

struct DetectedLabel {
  std::string name;
  uint64_t cardinality = 0;  ///< distinct values, counted
};
struct DetectedLabels {
  std::vector<DetectedLabel> labels;  ///< sorted by name
};

struct DetectedFieldsRequest {
  std::string query;  ///< a log query, with or without stages
  int64_t start_ns = 0;
  int64_t end_ns = 0;
  uint32_t line_limit = 100;             ///< lines looked at, the newest first
  uint32_t limit = 1000;                 ///< fields, or values, of the answer
  std::optional<std::string> values_of;  ///< asks for the values of this field instead of fields
};

struct DetectedField {
  std::string name;
  std::string_view type;  ///< int, float, boolean, duration, bytes or string
  uint64_t cardinality = 0;
  std::vector<std::string_view> parsers;  ///< json, logfmt; none for structured metadata
  std::vector<std::string> json_path;     ///< keys that lead to it; empty when it is not found in JSON lines
};
struct DetectedFields {
  std::vector<DetectedField> fields;  ///< sorted by name
  std::vector<std::string> values;    ///< sorted; filled instead when values were asked for
  QueryStats stats;
};

}  // namespace cordwood::query
