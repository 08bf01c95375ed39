// SPDX-License-Identifier: Apache-2.0
#include "query/decimal.h"

#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <string>

#include "query/number_text.h"

namespace cordwood::query {

namespace {

using Wide = __int128;
constexpr Wide kWideLimit = Wide{1} << 126;
constexpr int kQuotientDecimals = 16;

/// coefficient * 10^-scale
struct Decimal {
  Wide coefficient = 0;
  int scale = 0;
};

std::optional<Decimal> to_decimal(double value) {
  if (!std::isfinite(value) || std::fabs(value) > 1e30 || (value != 0 && std::fabs(value) < 1e-25)) return std::nullopt;
  Decimal decimal;
  bool behind_point = false;
  for (const char c : format_float(std::fabs(value))) {
    if (c == '.') {
      behind_point = true;
      continue;
    }
    decimal.coefficient = decimal.coefficient * 10 + (c - '0');
    if (behind_point) ++decimal.scale;
  }
  if (value < 0) decimal.coefficient = -decimal.coefficient;
  return decimal;
}

Wide magnitude(Wide value) {
  return value < 0 ? -value : value;
}

/// Multiplies by a power of ten; false when it would not fit.
bool scale_up(Wide* value, int digits) {
  for (int i = 0; i < digits; ++i) {
    if (magnitude(*value) > kWideLimit / 10) return false;
    *value *= 10;
  }
  return true;
}

double to_double(Decimal decimal) {
  std::string digits;
  Wide rest = magnitude(decimal.coefficient);
  do {
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(rest % 10)));
    rest /= 10;
  } while (rest > 0);
  const std::string text = (decimal.coefficient < 0 ? "-" : "") + digits + "e" + std::to_string(-decimal.scale);
  double value = 0;
  try_parse_go_float(text, &value);
  return value;
}

std::optional<Decimal> divide(Decimal left, Decimal right) {
  const int digits = kQuotientDecimals - left.scale + right.scale;
  if (!scale_up(digits > 0 ? &left.coefficient : &right.coefficient, std::abs(digits))) return std::nullopt;
  Wide quotient = left.coefficient / right.coefficient;
  const Wide rest = magnitude(left.coefficient % right.coefficient);
  // Half away from zero.
  if (rest >= magnitude(right.coefficient) - rest) {
    quotient += (left.coefficient < 0) == (right.coefficient < 0) ? 1 : -1;
  }
  return Decimal{quotient, kQuotientDecimals};
}

std::optional<Decimal> compute(DecimalOp op, Decimal left, Decimal right) {
  if (op == DecimalOp::div) return divide(left, right);
  if (op == DecimalOp::mul) {
    if (left.coefficient != 0 && magnitude(right.coefficient) > kWideLimit / magnitude(left.coefficient)) {
      return std::nullopt;
    }
    return Decimal{left.coefficient * right.coefficient, left.scale + right.scale};
  }
  Decimal& shorter = left.scale < right.scale ? left : right;
  const int scale = left.scale < right.scale ? right.scale : left.scale;
  if (!scale_up(&shorter.coefficient, scale - shorter.scale)) return std::nullopt;
  const Wide sum = op == DecimalOp::add ? left.coefficient + right.coefficient : left.coefficient - right.coefficient;
  return Decimal{sum, scale};
}

}  // namespace

double apply_decimal(DecimalOp op, double left, double right) {
  const auto a = to_decimal(left);
  const auto b = to_decimal(right);
  if (a && b) {
    if (const auto result = compute(op, *a, *b)) return to_double(*result);
  }
  switch (op) {
    case DecimalOp::add: return left + right;
    case DecimalOp::sub: return left - right;
    case DecimalOp::mul: return left * right;
    case DecimalOp::div: return left / right;
  }
  return 0;
}

}  // namespace cordwood::query
