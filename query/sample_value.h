// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "query/logql_ast.h"
#include "query/pipeline_row.h"

namespace cordwood::query {

/// The number a row gives to a range aggregation: 1, the bytes of its line, or the value of the unwrapped label.
class SampleValue {
 public:
  explicit SampleValue(const RangeAggregation& aggregation);
  /// Nothing: the row has no such label.  A value that cannot be converted sets the row's error and is 0.
  std::optional<double> of(PipelineRow& row) const;
  /// Of the text of the label; nothing when it cannot be converted.
  static std::optional<double> convert(UnwrapConversion conversion, std::string_view text);

 private:
  std::optional<double> unwrapped(PipelineRow& row) const;
  enum class Kind : unsigned char { one, line_bytes, label };
  Kind kind_;
  Unwrap unwrap_;
};

}  // namespace cordwood::query
