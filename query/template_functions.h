// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "query/template_value.h"

namespace re2 {
class RE2;
}

namespace cordwood::query {

/// The bytes of the zone's TZif file; empty when there is no such zone.
using ZoneSource = std::function<std::string(std::string_view name)>;

/// What functions may use while a template runs over one line.
struct TemplateCall {
  TemplateArena* arena = nullptr;
  std::string_view line;
  int64_t time_ns = 0;
  int64_t now_ns = 0;
  const ZoneSource* zones = nullptr;
  std::map<std::string, std::shared_ptr<const re2::RE2>, std::less<>>* regexes = nullptr;
  std::string error;  ///< why the function that returned false failed

  bool fail(std::string message) {
    error = std::move(message);
    return false;
  }
  bool give(std::string text, TemplateValue* out) {
    *out = TemplateValue::of_string(arena->keep(std::move(text)));
    return !arena->exhausted() || fail("result too large");
  }
};

enum class ParameterType : unsigned char { any, string, integer, real, time };
inline constexpr ParameterType kAnyType = ParameterType::any;
inline constexpr ParameterType kStringType = ParameterType::string;

/// One function of the template language.  Arguments have been checked against the parameter types.
struct TemplateFunction {
  using Run = bool (*)(TemplateCall*, const TemplateValue* arguments, size_t count, TemplateValue* out);

  std::string_view name;
  Run run = nullptr;
  size_t fixed = 0;  ///< parameters that must be there
  ParameterType parameters[4] = {};
  bool variadic = false;
  ParameterType rest = ParameterType::any;
};

/// Null when there is none.
const TemplateFunction* find_template_function(std::string_view name);

// The groups find_template_function() looks through.
struct TemplateFunctionList {
  const TemplateFunction* functions;
  size_t count;
};
TemplateFunctionList builtin_template_functions();
TemplateFunctionList text_template_functions();
TemplateFunctionList number_template_functions();
TemplateFunctionList time_template_functions();

}  // namespace cordwood::query
