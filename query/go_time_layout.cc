// SPDX-License-Identifier: Apache-2.0
#include "query/go_time_layout.h"

namespace cordwood::query {

namespace {

struct Spelling {
  std::string_view text;
  TimeElement element;
};
/// At one position the first that fits is taken, so longer ones come first.
constexpr Spelling kSpellings[] = {
    {"January", TimeElement::long_month},
    {"Jan", TimeElement::month},
    {"Monday", TimeElement::long_weekday},
    {"Mon", TimeElement::weekday},
    {"MST", TimeElement::zone},
    {"01", TimeElement::zero_month},
    {"02", TimeElement::zero_day},
    {"03", TimeElement::zero_hour12},
    {"04", TimeElement::zero_minute},
    {"05", TimeElement::zero_second},
    {"06", TimeElement::year},
    {"002", TimeElement::zero_year_day},
    {"15", TimeElement::hour},
    {"1", TimeElement::num_month},
    {"2006", TimeElement::long_year},
    {"2", TimeElement::day},
    {"__2", TimeElement::underscore_year_day},
    {"_2", TimeElement::underscore_day},
    {"3", TimeElement::hour12},
    {"4", TimeElement::minute},
    {"5", TimeElement::second},
    {"PM", TimeElement::upper_pm},
    {"pm", TimeElement::lower_pm},
    {"-070000", TimeElement::num_zone_seconds},
    {"-07:00:00", TimeElement::num_zone_colon_seconds},
    {"-0700", TimeElement::num_zone},
    {"-07:00", TimeElement::num_zone_colon},
    {"-07", TimeElement::num_zone_short},
    {"Z070000", TimeElement::iso8601_seconds},
    {"Z07:00:00", TimeElement::iso8601_colon_seconds},
    {"Z0700", TimeElement::iso8601},
    {"Z07:00", TimeElement::iso8601_colon},
    {"Z07", TimeElement::iso8601_short},
};

bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}

/// `.000` or `,999` in front of something that is no digit.
size_t fraction_length(std::string_view text) {
  if (text.size() < 2 || (text[0] != '.' && text[0] != ',') || (text[1] != '0' && text[1] != '9')) return 0;
  size_t end = 1;
  while (end < text.size() && text[end] == text[1]) ++end;
  const bool digit_behind = end < text.size() && text[end] >= '0' && text[end] <= '9';
  return digit_behind ? 0 : end - 1;
}

const Spelling* spelling_at(std::string_view text) {
  for (const Spelling& spelling : kSpellings) {
    if (!text.starts_with(spelling.text)) continue;
    // "Month" and "Janet" are words, not elements.
    const bool word = spelling.element == TimeElement::month || spelling.element == TimeElement::weekday;
    if (word && text.size() > 3 && is_lower(text[3])) continue;
    // "_2006" is an underscore and a year.
    if (spelling.element == TimeElement::underscore_day && text.starts_with("_2006")) continue;
    return &spelling;
  }
  return nullptr;
}

}  // namespace

TimeChunk next_time_chunk(std::string_view layout) {
  for (size_t i = 0; i < layout.size(); ++i) {
    const std::string_view rest = layout.substr(i);
    if (const size_t digits = fraction_length(rest); digits > 0) {
      return {layout.substr(0, i), rest[1] == '0' ? TimeElement::fraction_zeros : TimeElement::fraction_nines, digits,
              rest[0], rest.substr(digits + 1)};
    }
    if (const Spelling* spelling = spelling_at(rest)) {
      return {layout.substr(0, i), spelling->element, 0, '.', rest.substr(spelling->text.size())};
    }
  }
  return {layout, TimeElement::none, 0, '.', {}};
}

}  // namespace cordwood::query
