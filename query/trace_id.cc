// SPDX-License-Identifier: Apache-2.0
#include "query/trace_id.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "storage/base/ascii.h"
#include "storage/model/labels.h"

namespace cordwood::query {

namespace {

constexpr size_t kHexDigits = 32;
constexpr size_t kShortDigits = 16;
constexpr size_t kUuidSize = 36;
constexpr size_t kXraySize = 35;
constexpr size_t kTraceparentSize = 55;

/// Whether the byte, if there is one, ends what stands beside it: neither letter, digit, `_` nor part of a rune.
bool is_boundary(std::string_view text, size_t at) {
  return at >= text.size() ||
         (!is_alphanumeric(text[at]) && text[at] != '_' && static_cast<unsigned char>(text[at]) < 0x80);
}
bool all_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), is_hex_digit);
}

/// 16 hex digits; nothing when there is anything else.
std::optional<uint64_t> parse_half(std::string_view text) {
  uint64_t value = 0;
  if (text.size() != kShortDigits || !all_hex(text)) return std::nullopt;
  std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return value;
}

std::optional<TraceId> parse_hex(std::string_view text) {
  if (text.size() != kHexDigits) return std::nullopt;
  const auto high = parse_half(text.substr(0, kShortDigits));
  const auto low = parse_half(text.substr(kShortDigits));
  if (!high || !low) return std::nullopt;
  return TraceId{*high, *low, false};
}

std::optional<TraceId> parse_uuid(std::string_view text) {
  if (text.size() != kUuidSize) return std::nullopt;
  std::string digits;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash != (text[i] == '-')) return std::nullopt;
    if (!dash) digits.push_back(text[i]);
  }
  return parse_hex(digits);
}

std::optional<TraceId> parse_xray(std::string_view text) {
  if (text.size() != kXraySize || !text.starts_with("1-") || text[10] != '-') return std::nullopt;
  return parse_hex(std::string(text.substr(2, 8)).append(text.substr(11)));
}

/// `<version>-<32>-<16>-<flags>`; later versions may add more behind a dash.
std::optional<TraceId> parse_traceparent(std::string_view text) {
  if (text.size() < kTraceparentSize || text[2] != '-' || text[35] != '-' || text[52] != '-') return std::nullopt;
  if (text.size() > kTraceparentSize && (text.starts_with("00") || text[kTraceparentSize] != '-')) return std::nullopt;
  if (!all_hex(text.substr(0, 2)) || !all_hex(text.substr(36, 16)) || !all_hex(text.substr(53, 2))) return std::nullopt;
  return parse_hex(text.substr(3, kHexDigits));
}

std::optional<TraceId> parse_decimal(std::string_view text) {
  constexpr size_t kMaxDigits = 20;
  if (text.empty() || text.size() > kMaxDigits || !std::all_of(text.begin(), text.end(), is_digit)) return std::nullopt;
  uint64_t low = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), low).ec != std::errc()) return std::nullopt;
  return TraceId{0, low, true};
}

/// The part of an X-Amzn-Trace-Id header that names the trace.
std::string_view header_root(std::string_view text) {
  constexpr std::string_view kRoot = "Root=";
  const size_t at = text.find(kRoot);
  if (at == std::string_view::npos || (at > 0 && text[at - 1] != ';')) return text;
  text.remove_prefix(at + kRoot.size());
  return text.substr(0, text.find(';'));
}

std::optional<TraceId> parse_any(std::string_view text) {
  text = header_root(text);
  if (const auto half = parse_half(text)) return TraceId{0, *half, false};
  for (const auto parse : {parse_hex, parse_uuid, parse_xray, parse_traceparent, parse_decimal}) {
    if (const auto id = parse(text)) return id;
  }
  return std::nullopt;
}

bool is_zero(const TraceId& id) {
  return id.high == 0 && id.low == 0;
}

/// Whether the run of hex digits [begin, end) is the id, or is where a dashed spelling of it starts.
bool run_names(std::string_view text, size_t begin, size_t end, const TraceId& id) {
  const size_t size = end - begin;
  std::optional<TraceId> found;
  const auto ends_at = [text](size_t at) { return at == text.size() || (at < text.size() && !is_hex_digit(text[at])); };
  if (size == kHexDigits) {
    found = parse_hex(text.substr(begin, size));
  } else if (size == 8 && ends_at(begin + kUuidSize)) {
    found = parse_uuid(text.substr(begin, kUuidSize));
  } else if (size == 1 && (begin == 0 || is_boundary(text, begin - 1)) && is_boundary(text, begin + kXraySize)) {
    // Bounded by the same bytes on both sides as the probe for it takes for granted.
    found = parse_xray(text.substr(begin, kXraySize));
  }
  return found && found->same_as(id);
}

void add_spelling(std::vector<TraceSpelling>* out, const TextProbe& probe, std::string text, size_t ending_size) {
  const bool known = std::any_of(out->begin(), out->end(), [&](const TraceSpelling& s) { return s.text == text; });
  if (known) return;
  std::string ending = text.substr(text.size() - std::min(ending_size, text.size()));
  out->push_back({probe, std::move(text), std::move(ending)});
}

}  // namespace

std::string TraceId::hex() const {
  return fmt::format("{:016x}{:016x}", high, low);
}

std::optional<TraceId> parse_trace_id(std::string_view text) {
  const auto id = parse_any(text);
  if (!id || is_zero(*id)) return std::nullopt;
  return id;
}

Result<std::vector<TraceId>> trace_id_readings(std::string_view text) {
  constexpr size_t kShownBytes = 100;
  const auto first = parse_any(text);
  std::string shown;
  if (!first || is_zero(*first)) append_go_quoted(text.substr(0, kShownBytes), &shown);
  if (!first) {
    return Error::invalid("no trace id: " + shown +
                          ": want 32 or 16 hex digits, a UUID, a W3C traceparent, an AWS X-Ray id "
                          "(1-<8 hex digits>-<24 hex digits>) or a decimal of at most 64 bits (Datadog)");
  }
  if (is_zero(*first)) return Error::invalid("no trace id: " + shown + ": zero stands for no trace");
  std::vector<TraceId> readings{*first};
  if (const auto decimal = parse_decimal(text); decimal && !(*decimal == *first)) readings.push_back(*decimal);
  return readings;
}

bool text_names_trace(std::string_view text, const TraceId& id) {
  for (size_t begin = 0; begin < text.size();) {
    if (!is_hex_digit(text[begin])) {
      ++begin;
      continue;
    }
    size_t end = begin + 1;
    while (end < text.size() && is_hex_digit(text[end])) ++end;
    if (run_names(text, begin, end, id)) return true;
    begin = end;
  }
  return false;
}

std::vector<TraceSpelling> trace_spellings(const TraceId& id) {
  constexpr size_t kSharedDigits = 12;  // what stands behind the last dash of a UUID
  // Numbers are no ids below it: they stand in many blocks, and of Datadog's random ones of 63 bits 1 in 9,000 is
  // smaller.
  constexpr size_t kLeastDigits = 16;
  std::vector<TraceSpelling> out;
  const auto add_hex = [&](const std::string& lower, bool whole) {
    std::string upper = lower;
    for (char& c : upper) c = c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
    for (const std::string& text : {lower, upper}) {
      add_spelling(&out, whole ? TextProbe::word(text) : TextProbe::substring(text), text, kSharedDigits);
    }
  };
  const std::string hex = id.hex();
  const auto part = [&hex](size_t at, size_t size) { return hex.substr(at, size); };
  if (id.low_only) {
    add_hex(part(16, 16), false);
    add_hex("-" + part(16, 4) + "-" + part(20, 12), false);
  } else {
    add_hex(hex, false);
    add_hex(part(0, 8) + "-" + part(8, 4) + "-" + part(12, 4) + "-" + part(16, 4) + "-" + part(20, 12), false);
    add_hex("1-" + part(0, 8) + "-" + part(8, 24), true);
    if (id.high == 0) add_hex(part(16, 16), true);
  }
  const std::string decimal = std::to_string(id.low);
  if (id.low_only || decimal.size() >= kLeastDigits)
    add_spelling(&out, TextProbe::word(decimal), decimal, decimal.size());
  return out;
}

}  // namespace cordwood::query
