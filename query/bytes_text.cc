// SPDX-License-Identifier: Apache-2.0
#include "query/bytes_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "query/label_name.h"
#include "query/number_text.h"
#include "storage/base/ascii.h"

namespace cordwood::query {

namespace {

constexpr std::string_view kPrefixes = "kmgtpe";
constexpr std::array<std::string_view, 7> kUnits = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};

/// The factor of a unit in any case; 0 when there is none of that name.
double unit_factor(std::string_view unit) {
  if (unit.empty()) return 1;
  if (unit.size() > 3) return 0;
  std::array<char, 3> lower{};
  for (size_t i = 0; i < unit.size(); ++i) {
    lower[i] = static_cast<char>(unit[i] >= 'A' && unit[i] <= 'Z' ? unit[i] | 0x20 : unit[i]);
  }
  std::string_view name(lower.data(), unit.size());
  if (name == "b") return 1;
  const size_t power = kPrefixes.find(name[0]);
  if (power == std::string_view::npos) return 0;
  name.remove_prefix(1);
  const bool binary = !name.empty() && name[0] == 'i';
  if (binary) name.remove_prefix(1);
  if (!name.empty() && name != "b") return 0;
  return std::pow(binary ? 1024.0 : 1000.0, static_cast<double>(power + 1));
}

size_t number_length(std::string_view text) {
  size_t length = 0;
  while (length < text.size() &&
         ((text[length] >= '0' && text[length] <= '9') || text[length] == '.' || text[length] == ',')) {
    ++length;
  }
  return length;
}

/// The digits without thousands separators; `scratch` is used only when there are any.
std::string_view digits_of(std::string_view text, size_t length, std::string* scratch) {
  const std::string_view number = text.substr(0, length);
  if (number.find(',') == std::string_view::npos) return number;
  scratch->assign(number);
  std::erase(*scratch, ',');
  return *scratch;
}

}  // namespace

bool try_parse_bytes(std::string_view text, uint64_t* out_bytes) {
  const size_t length = number_length(text);
  std::string scratch;
  double value = 0;
  if (!try_parse_go_float(digits_of(text, length, &scratch), &value)) return false;
  value *= unit_factor(trim_space(text.substr(length)));
  if (unit_factor(trim_space(text.substr(length))) == 0 || value >= 18446744073709551615.0) return false;
  *out_bytes = static_cast<uint64_t>(value);
  return true;
}

Result<uint64_t> parse_bytes(std::string_view text) {
  uint64_t bytes = 0;
  if (try_parse_bytes(text, &bytes)) return bytes;
  const size_t length = number_length(text);
  std::string scratch;
  TRY(parse_go_float(digits_of(text, length, &scratch)));
  std::string unit(trim_space(text.substr(length)));
  std::transform(unit.begin(), unit.end(), unit.begin(), fold_byte);
  if (unit_factor(unit) == 0) return Error::invalid(fmt::format("unhandled size name: {}", unit));
  return Error::invalid(fmt::format("too large: {}", text));
}

std::string format_bytes(uint64_t bytes) {
  if (bytes < 10) return fmt::format("{} B", bytes);
  const double exponent = std::floor(std::log(static_cast<double>(bytes)) / std::log(1000.0));
  const double value = std::floor(static_cast<double>(bytes) / std::pow(1000.0, exponent) * 10 + 0.5) / 10;
  const std::string_view unit = kUnits[std::min(static_cast<size_t>(exponent), kUnits.size() - 1)];
  return value < 10 ? fmt::format("{:.1f} {}", value, unit) : fmt::format("{:.0f} {}", value, unit);
}

}  // namespace cordwood::query
