// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "query/percent_text.h"
#include "query/template_functions.h"
#include "query/template_json.h"
#include "query/template_printf.h"

/// The functions that Go's text/template brings along, and those over values of any type.  `and` and `or` are known to
/// the runner, which leaves out operands that do not matter.
namespace cordwood::query {

namespace {

using Args = const TemplateValue*;

bool give_bool(bool value, TemplateValue* out) {
  *out = TemplateValue::of_bool(value);
  return true;
}

bool run_short_circuit(TemplateCall*, Args a, size_t count, TemplateValue* out) {
  *out = a[count - 1];
  return true;
}

bool run_not(TemplateCall*, Args a, size_t, TemplateValue* out) {
  return give_bool(!is_true(a[0]), out);
}

bool run_len(TemplateCall* call, Args a, size_t, TemplateValue* out) {
  size_t length = 0;
  switch (a[0].kind) {
    case ValueKind::none: return call->fail("len of nil pointer");
    case ValueKind::string: length = a[0].string.size(); break;
    case ValueKind::map: length = a[0].tree->members.size(); break;
    case ValueKind::list: length = a[0].tree->items.size(); break;
    case ValueKind::labels: {
      std::vector<std::pair<std::string_view, std::string_view>> all;
      a[0].labels->list(&all);
      length = all.size();
      break;
    }
    default: return call->fail(fmt::format("len of type {}", go_type_name(a[0])));
  }
  *out = TemplateValue::of_int(static_cast<int64_t>(length));
  return true;
}

/// Checks the index of an element, or of a cut when `past_end` is allowed.
bool checked_index(TemplateCall* call, const TemplateValue& index, size_t length, bool past_end, size_t* out) {
  if (index.kind == ValueKind::none) return call->fail("cannot index slice/array with nil");
  if (!index.is_integer()) {
    return call->fail(fmt::format("cannot index slice/array with type {}", go_type_name(index)));
  }
  const auto limit = static_cast<int64_t>(length) - (past_end ? 0 : 1);
  if (index.integer < 0 || index.integer > limit) {
    return call->fail(fmt::format("index out of range: {}", index.integer));
  }
  *out = static_cast<size_t>(index.integer);
  return true;
}

bool index_once(TemplateCall* call, const TemplateValue& item, const TemplateValue& index, TemplateValue* out) {
  size_t at = 0;
  switch (item.kind) {
    case ValueKind::none: return call->fail("index of untyped nil");
    case ValueKind::string:
      if (!checked_index(call, index, item.string.size(), false, &at)) return false;
      *out = TemplateValue::of_int(static_cast<unsigned char>(item.string[at]), ValueKind::byte);
      return true;
    case ValueKind::list:
      if (!checked_index(call, index, item.tree->items.size(), false, &at)) return false;
      *out = item.tree->items[at];
      return true;
    case ValueKind::labels:
    case ValueKind::map: break;
    default: return call->fail(fmt::format("can't index item of type {}", go_type_name(item)));
  }
  if (index.kind != ValueKind::string) {
    if (index.kind == ValueKind::none) return call->fail("value is nil; should be of type string");
    return call->fail(fmt::format("value has type {}; should be string", go_type_name(index)));
  }
  if (item.kind == ValueKind::labels) {
    *out = TemplateValue::of_string(item.labels->find(index.string).value_or(std::string_view()));
    return true;
  }
  *out = {};
  for (const auto& [name, member] : item.tree->members) {
    if (name == index.string) *out = member;
  }
  return true;
}

bool run_index(TemplateCall* call, Args a, size_t count, TemplateValue* out) {
  *out = a[0];
  for (size_t i = 1; i < count; ++i) {
    const TemplateValue item = *out;
    if (!index_once(call, item, a[i], out)) return false;
  }
  return a[0].kind != ValueKind::none || call->fail("index of untyped nil");
}

bool run_slice(TemplateCall* call, Args a, size_t count, TemplateValue* out) {
  const bool text = a[0].kind == ValueKind::string;
  if (a[0].kind == ValueKind::none) return call->fail("slice of untyped nil");
  if (count > 4) return call->fail(fmt::format("too many slice indexes: {}", count - 1));
  if (!text && a[0].kind != ValueKind::list) {
    return call->fail(fmt::format("can't slice item of type {}", go_type_name(a[0])));
  }
  if (text && count == 4) return call->fail("cannot 3-index slice a string");
  const size_t length = text ? a[0].string.size() : a[0].tree->items.size();
  size_t start = 0;
  size_t end = length;
  if (count > 1 && !checked_index(call, a[1], length, true, &start)) return false;
  if (count > 2 && !checked_index(call, a[2], length, true, &end)) return false;
  if (start > end) return call->fail(fmt::format("invalid slice index: {} > {}", start, end));
  if (text) {
    *out = TemplateValue::of_string(a[0].string.substr(start, end - start));
    return true;
  }
  TemplateTree* tree = call->arena->new_tree();
  tree->items.assign(a[0].tree->items.begin() + static_cast<long>(start),
                     a[0].tree->items.begin() + static_cast<long>(end));
  *out = a[0];
  out->tree = tree;
  return true;
}

bool run_print(TemplateCall* call, Args a, size_t count, TemplateValue* out) {
  return call->give(go_sprint(a, count), out);
}
bool run_printf(TemplateCall* call, Args a, size_t count, TemplateValue* out) {
  return call->give(go_sprintf(a[0].string, a + 1, count - 1), out);
}
bool run_println(TemplateCall* call, Args a, size_t count, TemplateValue* out) {
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    if (i > 0) text += ' ';
    append_default_text(a[i], &text);
  }
  return call->give(text + "\n", out);
}

std::string joined(Args a, size_t count) {
  return count == 1 && a[0].kind == ValueKind::string ? std::string(a[0].string) : go_sprint(a, count);
}
bool run_html(TemplateCall* call, Args a, size_t count, TemplateValue* out) {
  return call->give(html_escape(joined(a, count)), out);
}
bool run_js(TemplateCall* call, Args a, size_t count, TemplateValue* out) {
  return call->give(js_escape(joined(a, count)), out);
}
bool run_urlquery(TemplateCall* call, Args a, size_t count, TemplateValue* out) {
  return call->give(query_escape(joined(a, count)), out);
}

bool run_call(TemplateCall* call, Args a, size_t, TemplateValue*) {
  return call->fail(fmt::format("non-function of type {}", go_type_name(a[0])));
}

enum class BasicKind : unsigned char { boolean, integer, real, text, none };
BasicKind basic_kind(const TemplateValue& value) {
  switch (value.kind) {
    case ValueKind::boolean: return BasicKind::boolean;
    case ValueKind::real: return BasicKind::real;
    case ValueKind::string: return BasicKind::text;
    default: return value.is_integer() ? BasicKind::integer : BasicKind::none;
  }
}

bool incompatible(TemplateCall* call, const TemplateValue& a, const TemplateValue& b) {
  return call->fail(fmt::format("incompatible types for comparison: {} and {}", go_type_name(a), go_type_name(b)));
}

bool equal_values(TemplateCall* call, const TemplateValue& a, const TemplateValue& b, bool* equal) {
  if (a.kind == ValueKind::none || b.kind == ValueKind::none) {
    *equal = a.kind == b.kind;
    return true;
  }
  const BasicKind kind = basic_kind(a);
  if (kind != basic_kind(b)) return incompatible(call, a, b);
  switch (kind) {
    case BasicKind::boolean: *equal = a.boolean == b.boolean; return true;
    case BasicKind::integer: *equal = a.integer == b.integer; return true;
    case BasicKind::real: *equal = a.real == b.real; return true;
    case BasicKind::text: *equal = a.string == b.string; return true;
    case BasicKind::none: break;
  }
  if (a.kind != b.kind) return incompatible(call, a, b);
  if (a.kind != ValueKind::time) {
    std::string text;
    append_default_text(a, &text);
    return call->fail(fmt::format("non-comparable type {}: {}", text, go_type_name(a)));
  }
  *equal = a.time.seconds == b.time.seconds && a.time.nanos == b.time.nanos;
  return true;
}

bool run_eq(TemplateCall* call, Args a, size_t count, TemplateValue* out) {
  if (count < 2) return call->fail("missing argument for comparison");
  for (size_t i = 1; i < count; ++i) {
    bool equal = false;
    if (!equal_values(call, a[0], a[i], &equal)) return false;
    if (equal) return give_bool(true, out);
  }
  return give_bool(false, out);
}
bool run_ne(TemplateCall* call, Args a, size_t, TemplateValue* out) {
  bool equal = false;
  return equal_values(call, a[0], a[1], &equal) && give_bool(!equal, out);
}

bool less(TemplateCall* call, const TemplateValue& a, const TemplateValue& b, bool* result) {
  const BasicKind kind = basic_kind(a);
  if (kind == BasicKind::none || basic_kind(b) == BasicKind::none) return call->fail("invalid type for comparison");
  if (kind != basic_kind(b)) return incompatible(call, a, b);
  switch (kind) {
    case BasicKind::integer: *result = a.integer < b.integer; return true;
    case BasicKind::real: *result = a.real < b.real; return true;
    case BasicKind::text: *result = a.string < b.string; return true;
    default: return call->fail("invalid type for comparison");
  }
}

bool run_lt(TemplateCall* call, Args a, size_t, TemplateValue* out) {
  bool result = false;
  return less(call, a[0], a[1], &result) && give_bool(result, out);
}
bool run_le(TemplateCall* call, Args a, size_t, TemplateValue* out) {
  bool result = false;
  bool equal = false;
  if (!less(call, a[0], a[1], &result) || !equal_values(call, a[0], a[1], &equal)) return false;
  return give_bool(result || equal, out);
}
bool run_gt(TemplateCall* call, Args a, size_t count, TemplateValue* out) {
  if (!run_le(call, a, count, out)) return false;
  return give_bool(!out->boolean, out);
}
bool run_ge(TemplateCall* call, Args a, size_t count, TemplateValue* out) {
  if (!run_lt(call, a, count, out)) return false;
  return give_bool(!out->boolean, out);
}

bool run_from_json(TemplateCall* call, Args a, size_t, TemplateValue* out) {
  *out = parse_template_json(a[0].string, call->arena);
  return !call->arena->exhausted() || call->fail("result too large");
}

bool run_default(TemplateCall*, Args a, size_t count, TemplateValue* out) {
  *out = count > 1 && is_true(a[1]) ? a[1] : a[0];
  return true;
}

constexpr TemplateFunction kBuiltinFunctions[] = {
    {"and", run_short_circuit, 1, {kAnyType}, true},
    {"or", run_short_circuit, 1, {kAnyType}, true},
    {"not", run_not, 1, {kAnyType}},
    {"len", run_len, 1, {kAnyType}},
    {"index", run_index, 1, {kAnyType}, true},
    {"slice", run_slice, 1, {kAnyType}, true},
    {"print", run_print, 0, {}, true},
    {"printf", run_printf, 1, {ParameterType::string}, true},
    {"println", run_println, 0, {}, true},
    {"html", run_html, 0, {}, true},
    {"js", run_js, 0, {}, true},
    {"urlquery", run_urlquery, 0, {}, true},
    {"call", run_call, 1, {kAnyType}, true},
    {"eq", run_eq, 1, {kAnyType}, true},
    {"ne", run_ne, 2, {kAnyType, kAnyType}},
    {"lt", run_lt, 2, {kAnyType, kAnyType}},
    {"le", run_le, 2, {kAnyType, kAnyType}},
    {"gt", run_gt, 2, {kAnyType, kAnyType}},
    {"ge", run_ge, 2, {kAnyType, kAnyType}},
    {"fromJson", run_from_json, 1, {ParameterType::string}},
    {"default", run_default, 1, {kAnyType}, true},
};

}  // namespace

TemplateFunctionList builtin_template_functions() {
  return {kBuiltinFunctions, std::size(kBuiltinFunctions)};
}

}  // namespace cordwood::query
