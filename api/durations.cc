// SPDX-License-Identifier: Apache-2.0
#include "api/durations.h"

#include <fmt/core.h>

#include <charconv>
#include <cmath>
#include <limits>

#include "storage/base/ascii.h"
#include "storage/model/labels.h"
#include "storage/model/time_range.h"

namespace cordwood::api {
namespace {

constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kSecond = 1'000'000'000;

struct Unit {
  std::string_view name;
  uint64_t ns;
};
// Large to small: a unit may only follow larger ones.
constexpr Unit kUnits[] = {{"y", 365 * 86400 * kSecond},
                           {"w", 7 * 86400 * kSecond},
                           {"d", 86400 * kSecond},
                           {"h", 3600 * kSecond},
                           {"m", 60 * kSecond},
                           {"s", kSecond},
                           {"ms", kMs}};
constexpr Unit kGoUnits[] = {{"ns", 1},      {"us", 1000},        {"µs", 1000},         {"ms", kMs},
                             {"s", kSecond}, {"m", 60 * kSecond}, {"h", 3600 * kSecond}};

Result<int64_t> parse_go_duration(std::string_view text) {
  const std::string_view whole = text;
  const Error bad = Error::invalid("not a valid duration string: " + go_quoted(whole));
  const bool negative = !text.empty() && text[0] == '-';
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  if (text.empty()) return bad;
  double total = 0;
  while (!text.empty()) {
    double value = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
    if (ec != std::errc() || !(is_digit(text[0]) || text[0] == '.')) return bad;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    size_t unit_size = 0;
    while (unit_size < text.size() && !is_digit(text[unit_size]) && text[unit_size] != '.') ++unit_size;
    const std::string_view name = text.substr(0, unit_size);
    text.remove_prefix(unit_size);
    const Unit* found = nullptr;
    for (const Unit& unit : kGoUnits) {
      if (unit.name == name) found = &unit;
    }
    if (found == nullptr) return bad;
    total += value * static_cast<double>(found->ns);
  }
  if (total >= 9.2e18) return Error::invalid("duration out of range");
  const auto ns = static_cast<int64_t>(std::llround(total));
  return negative ? -ns : ns;
}

}  // namespace

Result<int64_t> parse_prometheus_duration(std::string_view text) {
  if (text == "0") return int64_t{0};
  if (text.empty()) return Error::invalid("empty duration string");
  const std::string_view whole = text;
  const Error bad = Error::invalid("not a valid duration string: " + go_quoted(whole));
  uint64_t total = 0;
  int last = -1;
  while (!text.empty()) {
    uint64_t value = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (ec != std::errc() || !is_digit(text[0])) return bad;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    size_t unit_size = 0;
    while (unit_size < text.size() && !is_digit(text[unit_size])) ++unit_size;
    if (unit_size == 0) return bad;
    const std::string_view name = text.substr(0, unit_size);
    text.remove_prefix(unit_size);
    int position = -1;
    for (int i = 0; i < static_cast<int>(std::size(kUnits)); ++i) {
      if (kUnits[i].name == name) position = i;
    }
    if (position < 0) return Error::invalid("unknown unit " + go_quoted(name) + " in duration " + go_quoted(whole));
    if (position <= last) return bad;
    last = position;
    constexpr uint64_t kMost = uint64_t{1} << 63;
    if (value > kMost / kUnits[position].ns) return Error::invalid("duration out of range");
    total += value * kUnits[position].ns;
    if (total >= kMost) return Error::invalid("duration out of range");
  }
  return static_cast<int64_t>(total);
}

Result<int64_t> parse_duration(std::string_view text) {
  auto prometheus = parse_prometheus_duration(text);
  if (prometheus.ok()) return prometheus;
  auto go = parse_go_duration(text);
  return go.ok() ? go : prometheus;
}

std::string print_duration(int64_t ns) {
  if (ns == 0) return "0s";
  std::string out;
  auto left = static_cast<uint64_t>(ns < 0 ? -ns : ns);
  if (ns < 0) out = "-";
  for (const Unit& unit : kUnits) {
    // Years and weeks only when nothing is left over, as Prometheus prints.
    if ((unit.name == "y" || unit.name == "w") && left % unit.ns != 0) continue;
    if (left < unit.ns) continue;
    out += fmt::format("{}{}", left / unit.ns, unit.name);
    left %= unit.ns;
  }
  if (left != 0) out += fmt::format("{}ns", left);
  return out;
}

Result<uint64_t> parse_byte_size(std::string_view text) {
  double value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  std::string unit;
  for (const char* p = end; p != text.data() + text.size(); ++p) {
    if (*p != ' ') unit.push_back(*p >= 'a' && *p <= 'z' ? static_cast<char>(*p - 32) : *p);
  }
  if (unit.size() == 3 && unit[1] == 'I') unit.erase(1, 1);  // KiB
  if (unit.size() == 1 && unit != "B") unit.push_back('B');  // K
  static constexpr std::string_view kSizes[] = {"B", "KB", "MB", "GB", "TB", "PB"};
  double factor = unit.empty() ? 1 : 0;
  for (size_t i = 0; i < std::size(kSizes); ++i) {
    if (unit == kSizes[i]) factor = std::pow(1024.0, static_cast<double>(i));
  }
  if (ec != std::errc() || factor == 0 || value < 0 || value * factor > 9.2e18) {
    return Error::invalid("not a size: " + go_quoted(text));
  }
  return static_cast<uint64_t>(value * factor);
}

std::string print_byte_size(uint64_t bytes) {
  static constexpr std::string_view kSizes[] = {"B", "KB", "MB", "GB", "TB", "PB"};
  size_t i = 0;
  while (bytes != 0 && bytes % 1024 == 0 && i + 1 < std::size(kSizes)) {
    bytes /= 1024;
    ++i;
  }
  return fmt::format("{}{}", bytes, kSizes[i]);
}

}  // namespace cordwood::api
