// SPDX-License-Identifier: Apache-2.0
#include "api/http_dates.h"

#include <fmt/core.h>

#include <ctime>

#include "storage/model/time_range.h"

namespace cordwood::api {

static std::tm utc(int64_t time_ns) {
  const auto seconds = static_cast<std::time_t>(floor_div(time_ns, kNsPerSecond));
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return parts;
}

std::string http_date(int64_t time_ns) {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::tm t = utc(time_ns);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[t.tm_wday], t.tm_mday, kMonths[t.tm_mon],
                     t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}

std::string rfc3339_nano(int64_t time_ns) {
  const std::tm t = utc(time_ns);
  std::string out = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday,
                                t.tm_hour, t.tm_min, t.tm_sec);
  const int64_t fraction = time_ns - floor_div(time_ns, kNsPerSecond) * kNsPerSecond;
  if (fraction != 0) {
    std::string digits = fmt::format(".{:09}", fraction);
    digits.erase(digits.find_last_not_of('0') + 1);
    out += digits;
  }
  return out + "Z";
}

}  // namespace cordwood::api
