// SPDX-License-Identifier: Apache-2.0
#include "api/line_times.h"

#include <simdjson.h>

#include <charconv>
#include <cmath>
#include <ctime>

#include "api/params.h"
#include "storage/model/time_range.h"

namespace cordwood::api {
namespace {

constexpr size_t kSearchedBytes = 128;  // of a line, for the start of its time
constexpr size_t kLongestTime = 128;

/// Numbers count seconds, ms, µs or ns; which of them, their size tells.
std::optional<int64_t> time_of_number(double value) {
  const double size = std::fabs(value);
  double unit = 1e9;
  if (size >= 1e17) {
    unit = 1;
  } else if (size >= 1e14) {
    unit = 1e3;
  } else if (size >= 1e11) {
    unit = 1e6;
  }
  if (!(size * unit < 9.2e18)) return std::nullopt;
  return static_cast<int64_t>(std::llround(value * unit));
}

std::optional<int64_t> time_of_text(std::string_view text) {
  auto time = parse_time(text);
  if (time.ok() && text.find_first_not_of("0123456789.") != std::string_view::npos) return *time;
  int64_t ns = 0;
  const auto whole = std::from_chars(text.data(), text.data() + text.size(), ns);
  if (whole.ec == std::errc() && whole.ptr == text.data() + text.size() && text.size() > 17) return ns;
  double number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return time_of_number(number);
}

}  // namespace

struct LineTimes::JsonReader {
  simdjson::dom::parser parser;

  std::optional<int64_t> read(std::string_view line, std::string_view field) {
    simdjson::dom::element at;
    if (parser.parse(line.data(), line.size()).get(at) != simdjson::SUCCESS) return std::nullopt;
    simdjson::dom::element whole;
    if (at[field].get(whole) == simdjson::SUCCESS) return time_of(whole);
    while (!field.empty()) {
      const size_t dot = std::min(field.find('.'), field.size());
      simdjson::dom::element below;
      if (at[field.substr(0, dot)].get(below) != simdjson::SUCCESS) return std::nullopt;
      at = below;
      field.remove_prefix(std::min(dot + 1, field.size()));
    }
    return time_of(at);
  }
  static std::optional<int64_t> time_of(simdjson::dom::element value) {
    std::string_view text;
    if (value.get(text) == simdjson::SUCCESS) return time_of_text(text);
    int64_t whole = 0;
    if (value.get(whole) == simdjson::SUCCESS && std::llabs(whole) >= 100'000'000'000'000'000) return whole;
    double number = 0;
    if (value.get(number) == simdjson::SUCCESS) return time_of_number(number);
    return std::nullopt;
  }
};

LineTimes::LineTimes(LineTimeOptions options, Clock& clock) : options_(std::move(options)), clock_(clock) {
  const auto now_s = static_cast<std::time_t>(clock_.now_ns() / kNsPerSecond);
  std::tm now{};
  gmtime_r(&now_s, &now);
  this_year_ = now.tm_year;
  if (!options_.json_field.empty()) json_ = std::make_unique<JsonReader>();
}
LineTimes::~LineTimes() = default;

int64_t LineTimes::next(std::string_view line) {
  std::optional<int64_t> time_ns;
  if (json_) {
    time_ns = json_->read(line, options_.json_field);
  } else if (!options_.pattern.empty()) {
    time_ns = from_pattern(line);
  } else {
    time_ns = clock_.now_ns();
  }
  int64_t chosen_ns = time_ns ? *time_ns : last_ns_ ? *last_ns_ : clock_.now_ns();
  if (!options_.keep_ties && last_ns_ && chosen_ns <= *last_ns_) chosen_ns = *last_ns_ + 1;
  last_ns_ = chosen_ns;
  return chosen_ns;
}

std::optional<int64_t> LineTimes::from_pattern(std::string_view line) {
  if (const auto time_ns = match_at(line, found_at_)) return time_ns;
  for (size_t at = 0; at < std::min(line.size(), kSearchedBytes); ++at) {
    if (at == found_at_) continue;
    if (const auto time_ns = match_at(line, at)) {
      found_at_ = at;
      return time_ns;
    }
  }
  return std::nullopt;
}

/// Reads the pattern piece by piece: strptime() between the fractions it does not know.
std::optional<int64_t> LineTimes::match_at(std::string_view line, size_t at) const {
  if (at >= line.size() || line[at] == ' ') return std::nullopt;
  const std::string text(line.substr(at, kLongestTime));
  std::tm parts{};
  parts.tm_year = this_year_;
  parts.tm_mday = 1;
  int64_t fraction_ns = 0;
  const char* in = text.c_str();
  std::string_view pattern = options_.pattern;
  while (!pattern.empty()) {
    const size_t mark = std::min(pattern.find("%f"), pattern.size());
    if (mark > 0) in = ::strptime(in, std::string(pattern.substr(0, mark)).c_str(), &parts);
    if (in == nullptr) return std::nullopt;
    if (mark == pattern.size()) break;
    int64_t unit = kNsPerSecond;
    if (*in < '0' || *in > '9') return std::nullopt;
    for (; *in >= '0' && *in <= '9'; ++in) {
      unit /= 10;
      fraction_ns += (*in - '0') * unit;
    }
    pattern.remove_prefix(mark + 2);
  }
  const long offset_s = parts.tm_gmtoff;  // timegm() clears it
  const int64_t seconds = static_cast<int64_t>(::timegm(&parts)) - offset_s;
  int64_t ns;
  if (__builtin_mul_overflow(seconds, kNsPerSecond, &ns)) return std::nullopt;
  return ns + fraction_ns;
}

}  // namespace cordwood::api
