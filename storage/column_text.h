// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cordwood {

// Texts that can be kept as numbers or binary.  Every parse_… accepts exactly the texts that its append_… prints, so
// that a cell which parses need not be rendered to know that it comes back as it was.

/// `0`, `42`, `-7`: the shortest form of an int64; no `-0`, `007`, `+1`.
bool parse_integer(std::string_view text, int64_t* value);
void append_integer(int64_t value, std::string* out);
/// Bytes of it.
uint64_t integer_bytes(int64_t value);

/// A decimal number as mantissa / 10^scale.
inline constexpr uint8_t kMaxDecimalScale = 18;
struct DecimalLayout {
  uint8_t scale = 0;     ///< 1 to 18
  bool trimmed = false;  ///< the fraction ends in no zero and is left out when it is none; else `scale` digits always
};
bool parse_decimal(std::string_view text, DecimalLayout layout, int64_t* mantissa);
void append_decimal(int64_t mantissa, DecimalLayout layout, std::string* out);
/// Bytes of it.
uint64_t decimal_bytes(int64_t mantissa, DecimalLayout layout);
/// Digits behind the point of something that looks like a decimal number; nothing when it does not.
std::optional<uint8_t> decimal_digits(std::string_view text);

/// Hex digits of one case; `out` gets (digits + 1) / 2 bytes, an odd first digit alone in the first.
bool parse_hex(std::string_view text, bool upper, char* out);
void append_hex(const char* binary, uint32_t digits, bool upper, std::string* out);
/// 8-4-4-4-12; 16 bytes.
inline constexpr uint64_t kUuidBytes = 36;
bool parse_uuid(std::string_view text, bool upper, char* out);
void append_uuid(const char* binary, bool upper, std::string* out);
/// Whether the first letter among hex digits is a capital; nothing when there is no letter.
std::optional<bool> hex_case(std::string_view text);

/// `2006-01-02T15:04:05.000Z` and its relatives.
struct TimestampLayout {
  char separator = 'T';  ///< between date and time
  char point = '.';      ///< before the fraction
  uint8_t digits = 0;    ///< of the fraction, 0 to 9
  std::string suffix;    ///< `Z`, empty, `+02:00`, `-0700`
  int64_t offset_s = 0;  ///< what the suffix says
  int64_t unit_ns = 1;   ///< 10^(9 - digits)
  bool operator==(const TimestampLayout&) const = default;
};
/// Makes the derived fields; nothing when a part is out of range.
std::optional<TimestampLayout> make_timestamp_layout(char separator, char point, uint8_t digits,
                                                     std::string_view suffix);
/// The layout of one text.
std::optional<TimestampLayout> detect_timestamp(std::string_view text);
/// Time in units of unit_ns since 1970 UTC.  Only years 1700 to 2199.
bool parse_timestamp(std::string_view text, const TimestampLayout& layout, int64_t* units);
/// The same for many texts of one layout: those of one minute are recognised by their first bytes.
class TimestampParser {
 public:
  explicit TimestampParser(const TimestampLayout& layout) : layout_(layout) {}
  bool parse(std::string_view text, int64_t* units);

 private:
  static constexpr size_t kMinuteBytes = 17;  ///< 2006-01-02T15:04:
  const TimestampLayout& layout_;
  char minute_[kMinuteBytes] = {};
  int64_t minute_s_ = 0;  ///< of minute_, since 1970 UTC
};
/// Bytes of a text of this layout.
uint64_t timestamp_bytes(const TimestampLayout& layout);
/// Any int64; what lies outside the years above is printed as some text.
void append_timestamp(int64_t units, const TimestampLayout& layout, std::string* out);

bool parse_ipv4(std::string_view text, int64_t* value);
void append_ipv4(int64_t value, std::string* out);

/// Whether Go's strconv.ParseFloat(text, 64) succeeds with a finite value, for the plain forms: digits, one point,
/// an exponent.  Other forms that Go takes (hex, inf, underscores never) count as not.
std::optional<double> parse_plain_float(std::string_view text);

}  // namespace cordwood
