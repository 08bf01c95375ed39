// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/result.h"
#include "storage/text_probe.h"

namespace cordwood::query {

/// An id of a trace, 128 bits; ids of 64 bits have an upper half of zero.
struct TraceId {
  uint64_t high = 0;
  uint64_t low = 0;
  /// It was written as Datadog's decimal, which tells the lower half alone.
  bool low_only = false;

  /// 32 lower-case hex digits; an upper half that is not known counts as zero.
  std::string hex() const;
  /// Whether both can name one trace: halves that both know are equal.
  bool same_as(const TraceId& other) const {
    return low == other.low && (low_only || other.low_only || high == other.high);
  }
  bool operator==(const TraceId&) const = default;
};

/// An id in any of its spellings, digits of any case: 32 or 16 hex digits, UUID, W3C traceparent, AWS X-Ray's
/// `1-<8>-<24>` (also as `Root=…;…`), Datadog's decimal of at most 64 bits.  Exactly 16 digits are hex.  Nothing for
/// other text and for zero, which stands for "no trace".
std::optional<TraceId> parse_trace_id(std::string_view text);

/// What an id from a URL can mean, likeliest first: 16 decimal digits can be hex or decimal.  invalid for what is no
/// id; the message says what an id looks like.
Result<std::vector<TraceId>> trace_id_readings(std::string_view text);

/// Whether a line's text names the id: by a run of exactly 32 hex digits, a UUID or X-Ray's form, of any case.
bool text_names_trace(std::string_view text, const TraceId& id);

/// One way to find an id in stored text.
struct TraceSpelling {
  TextProbe probe;     ///< to ask blocks with
  std::string text;    ///< what rows that use this spelling hold
  std::string ending;  ///< end of the text that it shares with other spellings
};
/// Every spelling that names the id in a line or its metadata, in lower and in upper case (mixed case is not looked
/// for), a decimal of less than 16 digits only when it was asked for.  A row that holds none of them does not belong to
/// the trace.
std::vector<TraceSpelling> trace_spellings(const TraceId& id);

}  // namespace cordwood::query
