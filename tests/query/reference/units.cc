// SPDX-License-Identifier: Apache-2.0
#include "tests/query/reference/units.h"

#include <re2/re2.h>

#include <cmath>
#include <cstdlib>
#include <map>

#include "storage/model/labels.h"

namespace cordwood::query::reference {

Reading read_number(const std::string& text) {
  static const RE2 number(R"([+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|(?i)[+-]?(inf|infinity)|nan)");
  if (RE2::FullMatch(text, number)) return std::strtod(text.c_str(), nullptr);
  return "strconv.ParseFloat: parsing " + go_quoted(text) + ": invalid syntax";
}

Reading read_duration(const std::string& text) {
  static const std::map<std::string, double> units = {{"ns", 1},  {"us", 1e3}, {"ms", 1e6},
                                                      {"s", 1e9}, {"m", 6e10}, {"h", 3.6e12}};
  re2::StringPiece rest(text);
  std::string sign, number, unit;
  RE2::Consume(&rest, "([+-]?)", &sign);
  if (rest == "0") return 0.0;
  const std::string invalid = "time: invalid duration " + go_quoted(text);
  if (rest.empty()) return invalid;
  double sum = 0;
  while (!rest.empty()) {
    if (!RE2::Consume(&rest, R"((\d+\.?\d*|\.\d+)([^.0-9]*))", &number, &unit)) return invalid;
    if (unit.empty()) return "time: missing unit in duration " + go_quoted(text);
    const auto factor = units.find(unit);
    if (factor == units.end()) return "time: unknown unit " + go_quoted(unit) + " in duration " + go_quoted(text);
    sum += std::strtod(number.c_str(), nullptr) * factor->second;
  }
  return sign == "-" ? -sum : sum;
}

Reading read_bytes(const std::string& text) {
  const size_t end = std::min(text.find_first_not_of("0123456789.,"), text.size());
  std::string number = text.substr(0, end), unit = text.substr(end);
  std::erase(number, ',');
  const Reading value = read_number(number);
  if (std::holds_alternative<std::string>(value)) return value;
  std::erase(unit, ' ');
  for (char& c : unit) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const std::string sizes = "kmgtpe";
  const std::string known = unit;
  if (unit.ends_with('b')) unit.pop_back();
  const bool binary = unit.ends_with('i');
  if (binary) unit.pop_back();
  const size_t power = unit.empty() ? 0 : sizes.find(unit) + 1;
  if ((binary && unit.empty()) || unit.size() > 1 || (!unit.empty() && power == 0)) {
    return "unhandled size name: " + known;
  }
  return std::floor(std::get<double>(value) * std::pow(binary ? 1024 : 1000, static_cast<double>(power)));
}

}  // namespace cordwood::query::reference
