// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cordwood::ingest {

struct OtlpAttribute;

/// OpenTelemetry's AnyValue.  Views point into the body or the batch's arena.
struct OtlpValue {
  enum class Kind : uint8_t { empty, text, boolean, integer, real, bytes, array, map };
  /// Deeper values are refused, so that walking one is bounded.
  static constexpr int kMaxDepth = 32;

  Kind kind = Kind::empty;
  bool boolean = false;
  int64_t integer = 0;
  double real = 0;
  std::string_view text;  ///< of text and bytes
  std::vector<OtlpValue> items;
  std::vector<OtlpAttribute> members;

  /// As text: strings as they are, maps and arrays as JSON, bytes in base64, nothing for an empty value.
  void append_text(std::string* out) const;
  /// As compact JSON, keys sorted, nothing escaped for HTML.
  void append_json(std::string* out) const;
};

struct OtlpAttribute {
  std::string_view key;
  OtlpValue value;
};

/// One log record as either encoding gives it.
struct OtlpRecord {
  uint64_t time_unix_nano = 0;
  uint64_t observed_time_unix_nano = 0;
  int64_t severity_number = 0;
  std::string_view severity_text;
  OtlpValue body;
  std::vector<OtlpAttribute> attributes;
  uint64_t dropped_attributes_count = 0;
  uint64_t flags = 0;
  std::string_view trace_id;  ///< lower-case hex, or empty
  std::string_view span_id;
  std::string_view event_name;
};

struct OtlpScope {
  std::string_view name;
  std::string_view version;
  std::vector<OtlpAttribute> attributes;
  uint64_t dropped_attributes_count = 0;
};

}  // namespace cordwood::ingest
