// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>

#include "query/label_name.h"
#include "query/percent_text.h"
#include "query/regex_expand.h"
#include "query/template_functions.h"
#include "query/unicode_case.h"
#include "storage/model/go_regex.h"
#include "storage/model/utf8.h"

/// Functions over strings.  Old ones take their subject first, those with lower-case names last.
namespace cordwood::query {

namespace {

using Args = const TemplateValue*;

constexpr size_t kMaxRegexes = 64;

bool view(std::string_view text, TemplateValue* out) {
  *out = TemplateValue::of_string(text);
  return true;
}

bool contains_rune(std::string_view set, std::string_view rune) {
  for (size_t i = 0; i < set.size();) {
    const size_t size = decode_utf8(set, i).size;
    if (set.substr(i, size) == rune) return true;
    i += size;
  }
  return false;
}

std::string_view trim_left(std::string_view text, std::string_view set) {
  while (!text.empty()) {
    const size_t size = decode_utf8(text, 0).size;
    if (!contains_rune(set, text.substr(0, size))) break;
    text.remove_prefix(size);
  }
  return text;
}

std::string_view trim_right(std::string_view text, std::string_view set) {
  while (!text.empty()) {
    size_t at = text.size() - 1;
    while (at > 0 && text.size() - at < 4 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
    if (at + decode_utf8(text, at).size != text.size()) at = text.size() - 1;
    if (!contains_rune(set, text.substr(at))) break;
    text = text.substr(0, at);
  }
  return text;
}

std::string_view trim_prefix(std::string_view text, std::string_view prefix) {
  return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}
std::string_view trim_suffix(std::string_view text, std::string_view suffix) {
  return text.ends_with(suffix) ? text.substr(0, text.size() - suffix.size()) : text;
}

/// strings.Replace; n < 0 replaces all.
std::string replaced(std::string_view text, std::string_view from, std::string_view to, int64_t n) {
  std::string out;
  size_t at = 0;
  for (int64_t i = 0; (n < 0 || i < n) && out.size() <= TemplateArena::kMaxBytes; ++i) {
    size_t found = at;
    if (!from.empty()) {
      found = text.find(from, at);
    } else if (i > 0) {
      // An empty text stands in front of every rune, and at the end.
      found = at < text.size() ? at + decode_utf8(text, at).size : std::string_view::npos;
    }
    if (found == std::string_view::npos) break;
    out.append(text.substr(at, found - at));
    out += to;
    at = found + from.size();
  }
  out.append(text.substr(at));
  return out;
}

bool run_to_lower(TemplateCall* call, Args a, size_t, TemplateValue* out) {
  return call->give(to_lower_text(a[0].string), out);
}
bool run_to_upper(TemplateCall* call, Args a, size_t, TemplateValue* out) {
  return call->give(to_upper_text(a[0].string), out);
}
bool run_title(TemplateCall* call, Args a, size_t, TemplateValue* out) {
  return call->give(to_title_text(a[0].string), out);
}
bool run_replace_first(TemplateCall* call, Args a, size_t, TemplateValue* out) {
  return call->give(replaced(a[0].string, a[1].string, a[2].string, a[3].integer), out);
}
bool run_replace(TemplateCall* call, Args a, size_t, TemplateValue* out) {
  return call->give(replaced(a[2].string, a[0].string, a[1].string, -1), out);
}
bool run_trim_set(TemplateCall*, Args a, size_t, TemplateValue* out) {
  return view(trim_right(trim_left(a[0].string, a[1].string), a[1].string), out);
}
bool run_trim_left(TemplateCall*, Args a, size_t, TemplateValue* out) {
  return view(trim_left(a[0].string, a[1].string), out);
}
bool run_trim_right(TemplateCall*, Args a, size_t, TemplateValue* out) {
  return view(trim_right(a[0].string, a[1].string), out);
}
bool run_trim_all(TemplateCall*, Args a, size_t, TemplateValue* out) {
  return view(trim_right(trim_left(a[1].string, a[0].string), a[0].string), out);
}
bool run_trim_prefix_first(TemplateCall*, Args a, size_t, TemplateValue* out) {
  return view(trim_prefix(a[0].string, a[1].string), out);
}
bool run_trim_suffix_first(TemplateCall*, Args a, size_t, TemplateValue* out) {
  return view(trim_suffix(a[0].string, a[1].string), out);
}
bool run_trim_prefix(TemplateCall*, Args a, size_t, TemplateValue* out) {
  return view(trim_prefix(a[1].string, a[0].string), out);
}
bool run_trim_suffix(TemplateCall*, Args a, size_t, TemplateValue* out) {
  return view(trim_suffix(a[1].string, a[0].string), out);
}
bool run_trim_space(TemplateCall*, Args a, size_t, TemplateValue* out) {
  return view(trim_space(a[0].string), out);
}

/// Bytes, from the end when negative.
bool run_trunc(TemplateCall*, Args a, size_t, TemplateValue* out) {
  const int64_t count = a[0].integer;
  const std::string_view text = a[1].string;
  const auto size = static_cast<int64_t>(text.size());
  if (count < 0 && size + count > 0) return view(text.substr(static_cast<size_t>(size + count)), out);
  if (count >= 0 && size > count) return view(text.substr(0, static_cast<size_t>(count)), out);
  return view(text, out);
}

bool run_substr(TemplateCall* call, Args a, size_t, TemplateValue* out) {
  const int64_t start = a[0].integer;
  const int64_t end = a[1].integer;
  const std::string_view text = a[2].string;
  const auto size = static_cast<int64_t>(text.size());
  if (start < 0) {
    if (end >= 0 && end <= size) return view(text.substr(0, static_cast<size_t>(end)), out);
    return call->fail(end < 0
                          ? fmt::format("runtime error: slice bounds out of range [:{}]", end)
                          : fmt::format("runtime error: slice bounds out of range [:{}] with length {}", end, size));
  }
  if (end < 0 || end > size) {
    if (start <= size) return view(text.substr(static_cast<size_t>(start)), out);
    return call->fail(fmt::format("runtime error: slice bounds out of range [{}:{}]", start, size));
  }
  if (start > end) return call->fail(fmt::format("runtime error: slice bounds out of range [{}:{}]", start, end));
  return view(text.substr(static_cast<size_t>(start), static_cast<size_t>(end - start)), out);
}

bool run_contains(TemplateCall*, Args a, size_t, TemplateValue* out) {
  *out = TemplateValue::of_bool(a[1].string.find(a[0].string) != std::string_view::npos);
  return true;
}
bool run_has_prefix(TemplateCall*, Args a, size_t, TemplateValue* out) {
  *out = TemplateValue::of_bool(a[1].string.starts_with(a[0].string));
  return true;
}
bool run_has_suffix(TemplateCall*, Args a, size_t, TemplateValue* out) {
  *out = TemplateValue::of_bool(a[1].string.ends_with(a[0].string));
  return true;
}

bool indented(TemplateCall* call, Args a, std::string start, TemplateValue* out) {
  if (a[0].integer < 0) return call->fail("strings: negative Repeat count");
  if (a[0].integer > static_cast<int64_t>(TemplateArena::kMaxBytes)) return call->fail("result too large");
  const std::string pad(static_cast<size_t>(a[0].integer), ' ');
  return call->give(start + pad + replaced(a[1].string, "\n", "\n" + pad, -1), out);
}
bool run_indent(TemplateCall* call, Args a, size_t, TemplateValue* out) {
  return indented(call, a, "", out);
}
bool run_nindent(TemplateCall* call, Args a, size_t, TemplateValue* out) {
  return indented(call, a, "\n", out);
}

bool run_repeat(TemplateCall* call, Args a, size_t, TemplateValue* out) {
  const int64_t count = a[0].integer;
  const std::string_view text = a[1].string;
  if (count < 0) return call->fail("strings: negative Repeat count");
  if (text.empty()) return view("", out);
  if (static_cast<uint64_t>(count) > TemplateArena::kMaxBytes / text.size()) return call->fail("result too large");
  std::string result;
  result.reserve(text.size() * static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) result += text;
  return call->give(std::move(result), out);
}

/// Compiled once for all lines.
std::shared_ptr<const RE2> compiled(TemplateCall* call, std::string_view expression) {
  if (const auto found = call->regexes->find(expression); found != call->regexes->end()) return found->second;
  auto regex = compile_go_regex(expression, {});
  if (!regex.ok()) {
    call->fail(regex.error().message);
    return nullptr;
  }
  if (call->regexes->size() >= kMaxRegexes) call->regexes->clear();
  return call->regexes->emplace(expression, std::move(regex).value()).first->second;
}

bool replace_regex(TemplateCall* call, Args a, bool literal, TemplateValue* out) {
  const auto regex = compiled(call, a[0].string);
  if (regex == nullptr) return false;
  return call->give(replace_all(*regex, a[1].string, a[2].string, literal, TemplateArena::kMaxBytes), out);
}
bool run_regex_replace(TemplateCall* call, Args a, size_t, TemplateValue* out) {
  return replace_regex(call, a, false, out);
}
bool run_regex_replace_literal(TemplateCall* call, Args a, size_t, TemplateValue* out) {
  return replace_regex(call, a, true, out);
}
bool run_count(TemplateCall* call, Args a, size_t, TemplateValue* out) {
  const auto regex = compiled(call, a[0].string);
  if (regex == nullptr) return false;
  *out = TemplateValue::of_int(static_cast<int64_t>(count_matches(*regex, a[1].string)));
  return true;
}

bool run_b64enc(TemplateCall* call, Args a, size_t, TemplateValue* out) {
  return call->give(encode_base64(a[0].string), out);
}
bool run_b64dec(TemplateCall* call, Args a, size_t, TemplateValue* out) {
  auto decoded = decode_base64(a[0].string);
  return call->give(decoded.ok() ? std::move(decoded).value() : decoded.error().message, out);
}
bool run_urlencode(TemplateCall* call, Args a, size_t, TemplateValue* out) {
  return call->give(query_escape(a[0].string), out);
}
bool run_urldecode(TemplateCall* call, Args a, size_t, TemplateValue* out) {
  auto decoded = query_unescape(a[0].string);
  if (!decoded.ok()) return call->fail(decoded.error().message);
  return call->give(std::move(decoded).value(), out);
}

/// Pads or cuts to so many runes.
bool aligned(TemplateCall* call, Args a, bool left, TemplateValue* out) {
  const int64_t width = a[0].integer;
  const std::string_view text = a[1].string;
  int64_t runes = 0;
  for (size_t i = 0; i < text.size(); i += decode_utf8(text, i).size) ++runes;
  if (width < 0 || width == runes) return view(text, out);
  if (width > runes) {
    if (width > static_cast<int64_t>(TemplateArena::kMaxBytes)) return call->fail("result too large");
    const std::string pad(static_cast<size_t>(width - runes), ' ');
    return call->give(left ? std::string(text) + pad : pad + std::string(text), out);
  }
  size_t at = 0;
  for (int64_t i = 0; i < (left ? width : runes - width); ++i) at += decode_utf8(text, at).size;
  return view(left ? text.substr(0, at) : text.substr(at), out);
}
bool run_align_left(TemplateCall* call, Args a, size_t, TemplateValue* out) {
  return aligned(call, a, true, out);
}
bool run_align_right(TemplateCall* call, Args a, size_t, TemplateValue* out) {
  return aligned(call, a, false, out);
}

constexpr ParameterType kInteger = ParameterType::integer;

constexpr TemplateFunction kTextFunctions[] = {
    {"ToLower", run_to_lower, 1, {kStringType}},
    {"ToUpper", run_to_upper, 1, {kStringType}},
    {"Replace", run_replace_first, 4, {kStringType, kStringType, kStringType, kInteger}},
    {"Trim", run_trim_set, 2, {kStringType, kStringType}},
    {"TrimLeft", run_trim_left, 2, {kStringType, kStringType}},
    {"TrimRight", run_trim_right, 2, {kStringType, kStringType}},
    {"TrimPrefix", run_trim_prefix_first, 2, {kStringType, kStringType}},
    {"TrimSuffix", run_trim_suffix_first, 2, {kStringType, kStringType}},
    {"TrimSpace", run_trim_space, 1, {kStringType}},
    {"lower", run_to_lower, 1, {kStringType}},
    {"upper", run_to_upper, 1, {kStringType}},
    {"title", run_title, 1, {kStringType}},
    {"trunc", run_trunc, 2, {kInteger, kStringType}},
    {"substr", run_substr, 3, {kInteger, kInteger, kStringType}},
    {"contains", run_contains, 2, {kStringType, kStringType}},
    {"hasPrefix", run_has_prefix, 2, {kStringType, kStringType}},
    {"hasSuffix", run_has_suffix, 2, {kStringType, kStringType}},
    {"indent", run_indent, 2, {kInteger, kStringType}},
    {"nindent", run_nindent, 2, {kInteger, kStringType}},
    {"replace", run_replace, 3, {kStringType, kStringType, kStringType}},
    {"repeat", run_repeat, 2, {kInteger, kStringType}},
    {"trim", run_trim_space, 1, {kStringType}},
    {"trimAll", run_trim_all, 2, {kStringType, kStringType}},
    {"trimSuffix", run_trim_suffix, 2, {kStringType, kStringType}},
    {"trimPrefix", run_trim_prefix, 2, {kStringType, kStringType}},
    {"regexReplaceAll", run_regex_replace, 3, {kStringType, kStringType, kStringType}},
    {"regexReplaceAllLiteral", run_regex_replace_literal, 3, {kStringType, kStringType, kStringType}},
    {"count", run_count, 2, {kStringType, kStringType}},
    {"b64enc", run_b64enc, 1, {kStringType}},
    {"b64dec", run_b64dec, 1, {kStringType}},
    {"urlencode", run_urlencode, 1, {kStringType}},
    {"urldecode", run_urldecode, 1, {kStringType}},
    {"alignLeft", run_align_left, 2, {kInteger, kStringType}},
    {"alignRight", run_align_right, 2, {kInteger, kStringType}},
};

}  // namespace

TemplateFunctionList text_template_functions() {
  return {kTextFunctions, std::size(kTextFunctions)};
}

}  // namespace cordwood::query
