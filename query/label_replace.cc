// SPDX-License-Identifier: Apache-2.0
#include <re2/re2.h>

#include <algorithm>

#include "query/step_operators.h"
#include "storage/model/go_regex.h"

namespace cordwood::query {

namespace {

using Groups = std::vector<re2::StringPiece>;

void append_group(const RE2& regex, std::string_view name, const Groups& groups, std::string* out) {
  size_t number = groups.size();
  if (!name.empty() && std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; })) {
    if (name.size() <= 4) number = std::stoul(std::string(name));
  } else {
    const auto& named = regex.NamedCapturingGroups();
    if (const auto known = named.find(std::string(name)); known != named.end()) {
      number = static_cast<size_t>(known->second);
    }
  }
  if (number < groups.size()) out->append(groups[number].data(), groups[number].size());
}

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

/// Go's Regexp.Expand: $1, $name, ${name}, $$; the longest run of word characters is the name.
std::string expand(const RE2& regex, std::string_view text, const Groups& groups) {
  std::string out;
  while (!text.empty()) {
    const size_t dollar = text.find('$');
    out.append(text.substr(0, dollar));
    if (dollar == std::string_view::npos) break;
    text.remove_prefix(dollar + 1);
    if (text.starts_with('$')) {
      out += '$';
      text.remove_prefix(1);
      continue;
    }
    const bool braced = text.starts_with('{');
    size_t end = braced ? 1 : 0;
    while (end < text.size() && is_word(text[end])) ++end;
    const std::string_view name = text.substr(braced ? 1 : 0, end - (braced ? 1 : 0));
    if (name.empty() || (braced && (end >= text.size() || text[end] != '}'))) {
      out += '$';
      continue;
    }
    append_group(regex, name, groups, &out);
    text.remove_prefix(end + (braced ? 1 : 0));
  }
  return out;
}

}  // namespace

Result<StepVector> replace_label(const LabelReplace& expr, StepVector input) {
  auto compiled = compile_go_regex(expr.regex, {.anchored = true});
  if (!compiled.ok()) {
    return Error::invalid("parse error : invalid regex in label_replace: " + compiled.error().message);
  }
  const RE2& regex = **compiled;
  Groups groups(static_cast<size_t>(regex.NumberOfCapturingGroups()) + 1);
  for (StepSeries& series : input) {
    const auto named = [](std::string_view name) { return [name](const auto& label) { return label.first == name; }; };
    const auto source = std::find_if(series.labels.begin(), series.labels.end(), named(expr.source));
    const std::string text = source == series.labels.end() ? std::string() : source->second;
    if (!regex.Match(text, 0, text.size(), RE2::UNANCHORED, groups.data(), static_cast<int>(groups.size()))) continue;
    std::string value = expand(regex, expr.replacement, groups);
    std::erase_if(series.labels, named(expr.destination));
    if (value.empty()) continue;
    const std::pair<std::string, std::string> label(expr.destination, std::move(value));
    series.labels.insert(std::upper_bound(series.labels.begin(), series.labels.end(), label), label);
  }
  return input;
}

}  // namespace cordwood::query
