// SPDX-License-Identifier: Apache-2.0
#include "query/sample_value.h"

#include "query/bytes_text.h"
#include "query/duration_text.h"
#include "query/number_text.h"

namespace cordwood::query {

namespace {

template <typename T>
double fail_conversion(PipelineRow& row, const Result<T>& parsed) {
  row.labels.set_error("SampleExtractionErr");
  row.labels.set_error_details(row.arena.copy(parsed.ok() ? std::string_view() : parsed.error().message));
  return 0;
}

}  // namespace

SampleValue::SampleValue(const RangeAggregation& aggregation) : kind_(Kind::one) {
  if (aggregation.op == RangeOp::bytes || aggregation.op == RangeOp::bytes_rate) kind_ = Kind::line_bytes;
  if (aggregation.range.unwrap) {
    kind_ = Kind::label;
    unwrap_ = *aggregation.range.unwrap;
  }
}

std::optional<double> SampleValue::of(PipelineRow& row) const {
  switch (kind_) {
    case Kind::one: return 1.0;
    case Kind::line_bytes: return static_cast<double>(row.line().size());
    case Kind::label: return unwrapped(row);
  }
  return std::nullopt;
}

std::optional<double> SampleValue::unwrapped(PipelineRow& row) const {
  const auto text = row.labels.get(unwrap_.name);
  if (!text || text->empty()) return std::nullopt;
  switch (unwrap_.conversion) {
    case UnwrapConversion::none: {
      double value = 0;
      return try_parse_go_float(*text, &value) ? value : fail_conversion(row, parse_go_float(*text));
    }
    case UnwrapConversion::bytes: {
      uint64_t bytes = 0;
      return try_parse_bytes(*text, &bytes) ? static_cast<double>(bytes) : fail_conversion(row, parse_bytes(*text));
    }
    case UnwrapConversion::duration:
    case UnwrapConversion::duration_seconds: {
      int64_t ns = 0;
      return try_parse_go_duration(*text, &ns) ? static_cast<double>(ns) / 1e9
                                               : fail_conversion(row, parse_go_duration(*text));
    }
  }
  return std::nullopt;
}

}  // namespace cordwood::query
