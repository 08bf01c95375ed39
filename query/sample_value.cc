// SPDX-License-Identifier: Apache-2.0
#include "query/sample_value.h"

#include "query/bytes_text.h"
#include "query/duration_text.h"
#include "query/number_text.h"

namespace cordwood::query {

namespace {

/// Why a text cannot be converted.
std::string conversion_error(UnwrapConversion conversion, std::string_view text) {
  const auto message = [](const auto& parsed) { return parsed.ok() ? std::string() : parsed.error().message; };
  switch (conversion) {
    case UnwrapConversion::none: return message(parse_go_float(text));
    case UnwrapConversion::bytes: return message(parse_bytes(text));
    case UnwrapConversion::duration:
    case UnwrapConversion::duration_seconds: break;
  }
  return message(parse_go_duration(text));
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
    case Kind::line_bytes: return static_cast<double>(row.line_bytes());
    case Kind::label: return unwrapped(row);
  }
  return std::nullopt;
}

std::optional<double> SampleValue::convert(UnwrapConversion conversion, std::string_view text) {
  switch (conversion) {
    case UnwrapConversion::none: {
      double value = 0;
      return try_parse_go_float(text, &value) ? std::optional(value) : std::nullopt;
    }
    case UnwrapConversion::bytes: {
      uint64_t bytes = 0;
      return try_parse_bytes(text, &bytes) ? std::optional(static_cast<double>(bytes)) : std::nullopt;
    }
    case UnwrapConversion::duration:
    case UnwrapConversion::duration_seconds: break;
  }
  int64_t ns = 0;
  return try_parse_go_duration(text, &ns) ? std::optional(static_cast<double>(ns) / 1e9) : std::nullopt;
}

std::optional<double> SampleValue::unwrapped(PipelineRow& row) const {
  const auto text = row.labels.get(unwrap_.name);
  if (!text || text->empty()) return std::nullopt;
  if (const auto value = convert(unwrap_.conversion, *text)) return value;
  row.labels.set_error("SampleExtractionErr");
  row.labels.set_error_details(row.arena.copy(conversion_error(unwrap_.conversion, *text)));
  return 0;
}

}  // namespace cordwood::query
