// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <optional>

#include "query/go_time.h"
#include "query/go_time_layout.h"
#include "storage/base/ascii.h"
#include "storage/model/labels.h"

namespace cordwood::query {

namespace {

bool equal_letters(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if ((a[i] | 0x20) != (b[i] | 0x20)) return false;
  }
  return true;
}

bool is_leap(int64_t year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int days_in(int month, int64_t year) {
  if (month == 2) return is_leap(year) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/// Reads one text by one layout.
class TimeReader {
 public:
  explicit TimeReader(std::string_view text) : rest_(text) {}

  bool read(std::string_view layout) {
    while (!layout.empty()) {
      const TimeChunk chunk = next_time_chunk(layout);
      if (!rest_.starts_with(chunk.prefix)) return false;
      rest_.remove_prefix(chunk.prefix.size());
      if (chunk.element != TimeElement::none && !read_element(chunk)) return false;
      layout = chunk.rest;
    }
    return rest_.empty();
  }

  std::optional<GoTime> finish(bool* has_zone) {
    if (pm_ && civil_.hour < 12) civil_.hour += 12;
    if (am_ && civil_.hour == 12) civil_.hour = 0;
    if (year_day_ > 0) {
      civil_.month = 1;
      civil_.day = 1;
    } else if (civil_.day < 1 || civil_.day > days_in(civil_.month, civil_.year)) {
      return std::nullopt;
    }
    GoTime time;
    time.nanos = nanos_;
    time.seconds = unix_seconds(civil_) + (year_day_ > 0 ? (year_day_ - 1) * 86400 : 0) - offset_;
    *has_zone = has_offset_;
    if (has_offset_ && offset_ != 0) time.set_zone(zone_name_, offset_);
    return time;
  }

 private:
  bool number(size_t min_digits, size_t max_digits, int64_t low, int64_t high, int64_t* out) {
    size_t length = 0;
    int64_t value = 0;
    while (length < max_digits && length < rest_.size() && is_digit(rest_[length])) {
      value = value * 10 + (rest_[length++] - '0');
    }
    if (length < min_digits || value < low || value > high) return false;
    rest_.remove_prefix(length);
    *out = value;
    return true;
  }
  bool number(size_t min_digits, size_t max_digits, int64_t low, int64_t high, int* out) {
    int64_t value = 0;
    if (!number(min_digits, max_digits, low, high, &value)) return false;
    *out = static_cast<int>(value);
    return true;
  }

  bool name(const std::string_view* names, size_t count, bool full, int* out) {
    for (size_t i = 0; i < count; ++i) {
      const std::string_view want = full ? names[i] : names[i].substr(0, 3);
      if (!equal_letters(rest_.substr(0, want.size()), want)) continue;
      rest_.remove_prefix(want.size());
      *out = static_cast<int>(i);
      return true;
    }
    return false;
  }

  bool month_name(bool full) {
    if (!name(kMonths, 12, full, &civil_.month)) return false;
    ++civil_.month;
    return true;
  }

  bool fraction(size_t digits) {
    if (rest_.size() < digits + 1 || (rest_[0] != '.' && rest_[0] != ',')) return false;
    rest_.remove_prefix(1);
    int64_t scale = 100000000;
    nanos_ = 0;
    for (size_t i = 0; i < digits; ++i, scale /= 10) {
      if (!is_digit(rest_[i])) return false;
      nanos_ += static_cast<int32_t>((rest_[i] - '0') * scale);
    }
    rest_.remove_prefix(digits);
    return true;
  }

  size_t digits_behind_point() const {
    size_t length = 1;
    while (length < rest_.size() && is_digit(rest_[length])) ++length;
    return length - 1;
  }

  /// Seconds may carry a fraction that the layout does not name.
  bool second(size_t min_digits, std::string_view layout_rest) {
    if (!number(min_digits, 2, 0, 59, &civil_.second)) return false;
    if (rest_.size() < 2 || (rest_[0] != '.' && rest_[0] != ',') || !is_digit(rest_[1])) return true;
    const TimeElement next = next_time_chunk(layout_rest).element;
    if (next == TimeElement::fraction_zeros || next == TimeElement::fraction_nines) return true;
    return fraction(digits_behind_point());
  }

  bool offset(bool zulu, bool colon, bool brief, bool seconds) {
    has_offset_ = true;
    if (zulu && rest_.starts_with('Z')) {
      rest_.remove_prefix(1);
      return true;
    }
    if (rest_.empty() || (rest_[0] != '+' && rest_[0] != '-')) return false;
    const int sign = rest_[0] == '-' ? -1 : 1;
    rest_.remove_prefix(1);
    int parts[3] = {0, 0, 0};
    const int count = brief ? 1 : seconds ? 3 : 2;
    for (int i = 0; i < count; ++i) {
      if (i > 0 && colon) {
        if (!rest_.starts_with(':')) return false;
        rest_.remove_prefix(1);
      }
      if (!number(2, 2, 0, i == 0 ? 24 : 60, &parts[i])) return false;
    }
    offset_ = sign * (parts[0] * 3600 + parts[1] * 60 + parts[2]);
    return true;
  }

  bool zone_abbreviation() {
    if (rest_.starts_with("UTC")) {
      has_offset_ = true;
      rest_.remove_prefix(3);
      return true;
    }
    size_t length = 0;
    while (length < rest_.size() && length < 5 && rest_[length] >= 'A' && rest_[length] <= 'Z') ++length;
    if (length < 3) return false;
    zone_name_ = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return true;
  }

  bool half_of_day(std::string_view am, std::string_view pm) {
    pm_ = rest_.starts_with(pm);
    am_ = rest_.starts_with(am);
    if (!pm_ && !am_) return false;
    rest_.remove_prefix(2);
    return true;
  }

  bool padded(size_t width) {
    for (size_t i = 1; i < width && rest_.starts_with(' '); ++i) rest_.remove_prefix(1);
    return true;
  }

  bool read_year() {
    int year = 0;
    if (!number(2, 2, 0, 99, &year)) return false;
    civil_.year = year >= 69 ? 1900 + year : 2000 + year;
    return true;
  }

  bool read_date(const TimeChunk& chunk) {
    switch (chunk.element) {
      case TimeElement::long_month: return month_name(true);
      case TimeElement::month: return month_name(false);
      case TimeElement::num_month: return number(1, 2, 1, 12, &civil_.month);
      case TimeElement::zero_month: return number(2, 2, 1, 12, &civil_.month);
      case TimeElement::long_weekday: return name(kWeekdays, 7, true, &civil_.weekday);
      case TimeElement::weekday: return name(kWeekdays, 7, false, &civil_.weekday);
      case TimeElement::day: return number(1, 2, 0, 31, &civil_.day);
      case TimeElement::underscore_day: return padded(2) && number(1, 2, 0, 31, &civil_.day);
      case TimeElement::zero_day: return number(2, 2, 0, 31, &civil_.day);
      case TimeElement::underscore_year_day: return padded(3) && number(1, 3, 1, 366, &year_day_);
      case TimeElement::zero_year_day: return number(3, 3, 1, 366, &year_day_);
      case TimeElement::long_year: return number(4, 4, 0, 9999, &civil_.year);
      default: return read_year();
    }
  }

  bool read_element(const TimeChunk& chunk) {
    switch (chunk.element) {
      case TimeElement::hour: return number(2, 2, 0, 23, &civil_.hour);
      case TimeElement::hour12: return number(1, 2, 0, 12, &civil_.hour);
      case TimeElement::zero_hour12: return number(2, 2, 0, 12, &civil_.hour);
      case TimeElement::minute: return number(1, 2, 0, 59, &civil_.minute);
      case TimeElement::zero_minute: return number(2, 2, 0, 59, &civil_.minute);
      case TimeElement::second: return second(1, chunk.rest);
      case TimeElement::zero_second: return second(2, chunk.rest);
      case TimeElement::upper_pm: return half_of_day("AM", "PM");
      case TimeElement::lower_pm: return half_of_day("am", "pm");
      case TimeElement::zone: return zone_abbreviation();
      case TimeElement::iso8601: return offset(true, false, false, false);
      case TimeElement::iso8601_seconds: return offset(true, false, false, true);
      case TimeElement::iso8601_short: return offset(true, false, true, false);
      case TimeElement::iso8601_colon: return offset(true, true, false, false);
      case TimeElement::iso8601_colon_seconds: return offset(true, true, false, true);
      case TimeElement::num_zone: return offset(false, false, false, false);
      case TimeElement::num_zone_seconds: return offset(false, false, false, true);
      case TimeElement::num_zone_short: return offset(false, false, true, false);
      case TimeElement::num_zone_colon: return offset(false, true, false, false);
      case TimeElement::num_zone_colon_seconds: return offset(false, true, false, true);
      case TimeElement::fraction_zeros: return fraction(chunk.digits);
      case TimeElement::fraction_nines:
        return rest_.size() < 2 || !is_digit(rest_[1]) || fraction(digits_behind_point());
      default: return read_date(chunk);
    }
  }

  std::string_view rest_;
  CivilTime civil_{.year = 0};
  int year_day_ = 0;
  int32_t nanos_ = 0;
  int32_t offset_ = 0;
  bool has_offset_ = false;
  bool pm_ = false;
  bool am_ = false;
  std::string_view zone_name_;
};

}  // namespace

Result<GoTime> parse_go_time(std::string_view layout, std::string_view text, bool* has_zone) {
  TimeReader reader(text);
  if (reader.read(layout)) {
    if (const auto time = reader.finish(has_zone)) return *time;
  }
  std::string message = "parsing time ";
  append_go_quoted(text, &message);
  message += " as ";
  append_go_quoted(layout, &message);
  message += ": cannot parse ";
  append_go_quoted(text, &message);
  return Error::invalid(std::move(message));
}

}  // namespace cordwood::query
