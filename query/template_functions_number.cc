// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>

#include "query/bytes_text.h"
#include "query/decimal.h"
#include "query/duration_text.h"
#include "query/template_cast.h"
#include "query/template_functions.h"

/// Functions over numbers; they take text as well.
namespace cordwood::query {

namespace {

using Args = const TemplateValue*;

bool give_int(int64_t value, TemplateValue* out) {
  *out = TemplateValue::of_int(value, ValueKind::integer64);
  return true;
}
bool give_real(double value, TemplateValue* out) {
  *out = TemplateValue::of_real(value);
  return true;
}

/// Wraps on overflow, as Go does.
int64_t wrapping(uint64_t value) {
  return static_cast<int64_t>(value);
}
uint64_t bits(const TemplateValue& value) {
  return static_cast<uint64_t>(cast_to_integer(value));
}

bool run_int(TemplateCall*, Args a, size_t, TemplateValue* out) {
  *out = TemplateValue::of_int(cast_to_integer(a[0]));
  return true;
}
bool run_float64(TemplateCall*, Args a, size_t, TemplateValue* out) {
  return give_real(cast_to_real(a[0]), out);
}

bool run_add(TemplateCall*, Args a, size_t count, TemplateValue* out) {
  uint64_t sum = 0;
  for (size_t i = 0; i < count; ++i) sum += bits(a[i]);
  return give_int(wrapping(sum), out);
}
bool run_sub(TemplateCall*, Args a, size_t, TemplateValue* out) {
  return give_int(wrapping(bits(a[0]) - bits(a[1])), out);
}
bool run_mul(TemplateCall*, Args a, size_t count, TemplateValue* out) {
  uint64_t product = bits(a[0]);
  for (size_t i = 1; i < count; ++i) product *= bits(a[i]);
  return give_int(wrapping(product), out);
}

bool divided(TemplateCall* call, Args a, bool remainder, TemplateValue* out) {
  const int64_t left = cast_to_integer(a[0]);
  const int64_t right = cast_to_integer(a[1]);
  if (right == 0) return call->fail("runtime error: integer divide by zero");
  if (right == -1) return give_int(remainder ? 0 : wrapping(0 - static_cast<uint64_t>(left)), out);
  return give_int(remainder ? left % right : left / right, out);
}
bool run_div(TemplateCall* call, Args a, size_t, TemplateValue* out) {
  return divided(call, a, false, out);
}
bool run_mod(TemplateCall* call, Args a, size_t, TemplateValue* out) {
  return divided(call, a, true, out);
}

bool run_max(TemplateCall*, Args a, size_t count, TemplateValue* out) {
  int64_t best = cast_to_integer(a[0]);
  for (size_t i = 1; i < count; ++i) best = std::max(best, cast_to_integer(a[i]));
  return give_int(best, out);
}
bool run_min(TemplateCall*, Args a, size_t count, TemplateValue* out) {
  int64_t best = cast_to_integer(a[0]);
  for (size_t i = 1; i < count; ++i) best = std::min(best, cast_to_integer(a[i]));
  return give_int(best, out);
}

/// math.Max and math.Min: a NaN wins.
bool run_maxf(TemplateCall*, Args a, size_t count, TemplateValue* out) {
  double best = cast_to_real(a[0]);
  for (size_t i = 1; i < count; ++i) {
    const double value = cast_to_real(a[i]);
    if (std::isnan(value) || value > best) best = value;
  }
  return give_real(best, out);
}
bool run_minf(TemplateCall*, Args a, size_t count, TemplateValue* out) {
  double best = cast_to_real(a[0]);
  for (size_t i = 1; i < count; ++i) {
    const double value = cast_to_real(a[i]);
    if (std::isnan(value) || value < best) best = value;
  }
  return give_real(best, out);
}

bool decimals(TemplateCall* call, Args a, size_t count, DecimalOp op, TemplateValue* out) {
  double result = cast_to_real(a[0]);
  for (size_t i = 1; i < count; ++i) {
    const double value = cast_to_real(a[i]);
    if (op == DecimalOp::div && value == 0) return call->fail("decimal division by 0");
    result = apply_decimal(op, result, value);
  }
  return give_real(result, out);
}
bool run_addf(TemplateCall* call, Args a, size_t count, TemplateValue* out) {
  return count == 0 ? give_real(0, out) : decimals(call, a, count, DecimalOp::add, out);
}
bool run_subf(TemplateCall* call, Args a, size_t count, TemplateValue* out) {
  return decimals(call, a, count, DecimalOp::sub, out);
}
bool run_mulf(TemplateCall* call, Args a, size_t count, TemplateValue* out) {
  return decimals(call, a, count, DecimalOp::mul, out);
}
bool run_divf(TemplateCall* call, Args a, size_t count, TemplateValue* out) {
  return decimals(call, a, count, DecimalOp::div, out);
}

bool run_ceil(TemplateCall*, Args a, size_t, TemplateValue* out) {
  return give_real(std::ceil(cast_to_real(a[0])), out);
}
bool run_floor(TemplateCall*, Args a, size_t, TemplateValue* out) {
  return give_real(std::floor(cast_to_real(a[0])), out);
}
bool run_round(TemplateCall*, Args a, size_t count, TemplateValue* out) {
  const double threshold = count > 2 ? a[2].real : 0.5;
  const double power = std::pow(10.0, static_cast<double>(a[1].integer));
  const double digit = power * cast_to_real(a[0]);
  double whole = 0;
  const double rest = std::modf(digit, &whole);
  return give_real((rest >= threshold ? std::ceil(digit) : std::floor(digit)) / power, out);
}

bool run_bytes(TemplateCall* call, Args a, size_t, TemplateValue* out) {
  const auto bytes = parse_bytes(a[0].string);
  return bytes.ok() ? give_real(static_cast<double>(*bytes), out) : call->fail(bytes.error().message);
}
bool run_duration(TemplateCall* call, Args a, size_t, TemplateValue* out) {
  const auto ns = parse_go_duration(a[0].string);
  if (!ns.ok()) return call->fail(ns.error().message);
  // As Duration.Seconds does, so that whole seconds stay exact.
  return give_real(static_cast<double>(*ns / 1000000000) + static_cast<double>(*ns % 1000000000) / 1e9, out);
}

constexpr TemplateFunction kNumberFunctions[] = {
    {"int", run_int, 1, {kAnyType}},
    {"float64", run_float64, 1, {kAnyType}},
    {"add", run_add, 0, {}, true},
    {"sub", run_sub, 2, {kAnyType, kAnyType}},
    {"mul", run_mul, 1, {kAnyType}, true},
    {"div", run_div, 2, {kAnyType, kAnyType}},
    {"mod", run_mod, 2, {kAnyType, kAnyType}},
    {"max", run_max, 1, {kAnyType}, true},
    {"min", run_min, 1, {kAnyType}, true},
    {"maxf", run_maxf, 1, {kAnyType}, true},
    {"minf", run_minf, 1, {kAnyType}, true},
    {"addf", run_addf, 0, {}, true},
    {"subf", run_subf, 1, {kAnyType}, true},
    {"mulf", run_mulf, 1, {kAnyType}, true},
    {"divf", run_divf, 1, {kAnyType}, true},
    {"ceil", run_ceil, 1, {kAnyType}},
    {"floor", run_floor, 1, {kAnyType}},
    {"round", run_round, 2, {kAnyType, ParameterType::integer}, true, ParameterType::real},
    {"bytes", run_bytes, 1, {kStringType}},
    {"duration", run_duration, 1, {kStringType}},
    {"duration_seconds", run_duration, 1, {kStringType}},
};

}  // namespace

TemplateFunctionList number_template_functions() {
  return {kNumberFunctions, std::size(kNumberFunctions)};
}

}  // namespace cordwood::query
