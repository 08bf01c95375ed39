// SPDX-License-Identifier: Apache-2.0
#include "storage/column_text.h"

#include <algorithm>
#include <cstring>

#include "storage/model/time_range.h"

namespace cordwood {

namespace {

constexpr size_t kSecondsLength = 19;  // 2006-01-02T15:04:05

/// Days since 1970-01-01 of a date of the proleptic Gregorian calendar, counted in eras of 400 years.
int64_t days_of_date(int64_t year, int64_t month, int64_t day) {
  year -= month <= 2 ? 1 : 0;
  const int64_t era = floor_div(year, 400);
  const int64_t year_of_era = year - era * 400;
  const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

struct Date {
  int64_t year;
  int64_t month;
  int64_t day;
};

Date date_of_days(int64_t days) {
  days += 719468;
  const int64_t era = floor_div(days, 146097);
  const int64_t day_of_era = days - era * 146097;
  const int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t shifted_month = (5 * day_of_year + 2) / 153;
  const int64_t month = shifted_month + (shifted_month < 10 ? 3 : -9);
  return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), month, day_of_year - (153 * shifted_month + 2) / 5 + 1};
}

bool is_leap(int64_t year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int64_t days_in_month(int64_t year, int64_t month) {
  constexpr int64_t kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap(year) ? 29 : kDays[month - 1];
}

/// Fixed number of digits; negative when one is none.
int64_t digits_at(const char* p, size_t count) {
  int64_t v = 0;
  for (size_t i = 0; i < count; ++i) {
    if (p[i] < '0' || p[i] > '9') return -1;
    v = v * 10 + (p[i] - '0');
  }
  return v;
}

void put_digits(int64_t value, size_t count, char* out) {
  for (size_t i = count; i > 0; --i) {
    out[i - 1] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
}

std::optional<int64_t> suffix_offset(std::string_view suffix) {
  if (suffix.empty() || suffix == "Z") return 0;
  if (suffix[0] != '+' && suffix[0] != '-') return std::nullopt;
  const bool colon = suffix.size() == 6 && suffix[3] == ':';
  if (!colon && suffix.size() != 5) return std::nullopt;
  const int64_t hours = digits_at(suffix.data() + 1, 2);
  const int64_t minutes = digits_at(suffix.data() + (colon ? 4 : 3), 2);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return std::nullopt;
  const int64_t offset = hours * 3600 + minutes * 60;
  return suffix[0] == '-' ? -offset : offset;
}

}  // namespace

uint64_t timestamp_bytes(const TimestampLayout& layout) {
  return kSecondsLength + (layout.digits == 0 ? 0 : layout.digits + 1u) + layout.suffix.size();
}

std::optional<TimestampLayout> make_timestamp_layout(char separator, char point, uint8_t digits,
                                                     std::string_view suffix) {
  const std::optional<int64_t> offset = suffix_offset(suffix);
  if (!offset || digits > 9) return std::nullopt;
  TimestampLayout layout{separator, point, digits, std::string(suffix), *offset, 1};
  for (uint8_t i = digits; i < 9; ++i) layout.unit_ns *= 10;
  return layout;
}

std::optional<TimestampLayout> detect_timestamp(std::string_view text) {
  if (text.size() < kSecondsLength || text.size() > kSecondsLength + 16) return std::nullopt;
  if (text[10] != 'T' && text[10] != ' ') return std::nullopt;
  char point = '.';
  size_t end = kSecondsLength;
  if (end < text.size() && (text[end] == '.' || text[end] == ',')) {
    point = text[end++];
    while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
    if (end == kSecondsLength + 1 || end > kSecondsLength + 10) return std::nullopt;
  }
  const size_t digits = end == kSecondsLength ? 0 : end - kSecondsLength - 1;
  auto layout = make_timestamp_layout(text[10], point, static_cast<uint8_t>(digits), text.substr(end));
  int64_t units = 0;
  if (!layout || !parse_timestamp(text, *layout, &units)) return std::nullopt;
  return layout;
}

namespace {

/// Seconds since 1970 UTC of `2006-01-02T15:04:`; nothing when it is no such thing.
std::optional<int64_t> parse_minute(const char* p, const TimestampLayout& layout) {
  if (p[4] != '-' || p[7] != '-' || p[10] != layout.separator || p[13] != ':' || p[16] != ':') return std::nullopt;
  const int64_t year = digits_at(p, 4);
  const int64_t month = digits_at(p + 5, 2);
  const int64_t day = digits_at(p + 8, 2);
  const int64_t hour = digits_at(p + 11, 2);
  const int64_t minute = digits_at(p + 14, 2);
  if (year < 1700 || year > 2199 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
    return std::nullopt;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59) return std::nullopt;
  return days_of_date(year, month, day) * 86400 + hour * 3600 + minute * 60 - layout.offset_s;
}

/// What follows the minute.
bool parse_second(std::string_view text, const TimestampLayout& layout, int64_t minute_s, int64_t* units) {
  const char* p = text.data();
  const int64_t second = digits_at(p + 17, 2);
  if (second < 0 || second > 59) return false;
  int64_t fraction = 0;
  size_t end = kSecondsLength;
  if (layout.digits > 0) {
    if (p[end] != layout.point) return false;
    fraction = digits_at(p + end + 1, layout.digits);
    if (fraction < 0) return false;
    end += 1u + layout.digits;
  }
  if (text.substr(end) != layout.suffix) return false;
  *units = (minute_s + second) * (kNsPerSecond / layout.unit_ns) + fraction;
  return true;
}

bool has_length(std::string_view text, const TimestampLayout& layout) {
  return text.size() == timestamp_bytes(layout);
}

}  // namespace

bool parse_timestamp(std::string_view text, const TimestampLayout& layout, int64_t* units) {
  if (!has_length(text, layout)) return false;
  const std::optional<int64_t> minute = parse_minute(text.data(), layout);
  return minute && parse_second(text, layout, *minute, units);
}

bool TimestampParser::parse(std::string_view text, int64_t* units) {
  if (!has_length(text, layout_)) return false;
  if (std::memcmp(text.data(), minute_, kMinuteBytes) != 0) {
    const std::optional<int64_t> minute = parse_minute(text.data(), layout_);
    if (!minute) return false;
    std::memcpy(minute_, text.data(), kMinuteBytes);
    minute_s_ = *minute;
  }
  return parse_second(text, layout_, minute_s_, units);
}

void append_timestamp(int64_t units, const TimestampLayout& layout, std::string* out) {
  const int64_t per_second = kNsPerSecond / layout.unit_ns;
  const int64_t seconds = floor_div(units, per_second);
  const int64_t fraction = units - seconds * per_second;
  // Units of whole seconds may be any int64: kept from overflowing, they print as some text.
  constexpr int64_t kFarAway = int64_t{1} << 40;
  const int64_t local = std::min(std::max(seconds, -kFarAway), kFarAway) + layout.offset_s;
  const int64_t days = floor_div(local, 86400);
  const int64_t second_of_day = local - days * 86400;
  const Date date = date_of_days(days);
  char raw[kSecondsLength + 10];
  put_digits(date.year < 0 ? 0 : date.year, 4, raw);
  raw[4] = raw[7] = '-';
  put_digits(date.month, 2, raw + 5);
  put_digits(date.day, 2, raw + 8);
  raw[10] = layout.separator;
  put_digits(second_of_day / 3600, 2, raw + 11);
  raw[13] = raw[16] = ':';
  put_digits(second_of_day / 60 % 60, 2, raw + 14);
  put_digits(second_of_day % 60, 2, raw + 17);
  size_t size = kSecondsLength;
  if (layout.digits > 0) {
    raw[size] = layout.point;
    put_digits(fraction, layout.digits, raw + size + 1);
    size += 1u + layout.digits;
  }
  out->append(raw, size);
  out->append(layout.suffix);
}

}  // namespace cordwood
