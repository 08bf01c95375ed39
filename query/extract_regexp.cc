// SPDX-License-Identifier: Apache-2.0
#include "query/extract_regexp.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>

#include "query/label_name.h"
#include "storage/model/go_regex.h"

namespace cordwood::query {

namespace {

constexpr size_t kInlineGroups = 32;

/// Names of the groups as written; RE2 refuses repeated ones, so they are looked for in the text.
std::vector<std::string> written_names(std::string_view expression) {
  std::vector<std::string> names;
  bool in_class = false;
  for (size_t i = 0; i < expression.size(); ++i) {
    const char c = expression[i];
    if (c == '\\') {
      ++i;
    } else if (in_class) {
      in_class = c != ']';
    } else if (c == '[') {
      in_class = true;
      if (i + 1 < expression.size() && expression[i + 1] == '^') ++i;
      if (i + 1 < expression.size() && expression[i + 1] == ']') ++i;
    } else if (c == '(') {
      const std::string_view rest = expression.substr(i + 1);
      const size_t open = rest.starts_with("?P<") ? 3 : rest.starts_with("?<") ? 2 : 0;
      const size_t close = rest.find('>');
      if (open == 0 || close == std::string_view::npos) continue;
      names.emplace_back(rest.substr(open, close - open));
    }
  }
  return names;
}

}  // namespace

Result<RegexpExtractor> RegexpExtractor::make(std::string_view expression) {
  std::vector<std::string> written = written_names(expression);
  for (size_t i = 0; i < written.size(); ++i) {
    if (std::find(written.begin(), written.begin() + static_cast<long>(i), written[i]) ==
        written.begin() + static_cast<long>(i)) {
      continue;
    }
    return Error::invalid(fmt::format("duplicate extracted label name '{}'", written[i]));
  }
  RegexpExtractor extractor;
  TRY_ASSIGN(extractor.regex_, compile_go_regex(expression, {}));
  for (const auto& [group, name] : extractor.regex_->CapturingGroupNames()) {
    if (!is_label_name(name)) return Error::invalid(fmt::format("invalid extracted label name '{}'", name));
    extractor.groups_.push_back(group);
    extractor.names_.push_back(name);
  }
  if (extractor.names_.empty()) return Error::invalid("at least one named capture must be supplied");
  return extractor;
}

void RegexpExtractor::extract(std::string_view line, FieldSink* sink) const {
  const auto count = static_cast<size_t>(groups_.back()) + 1;
  std::array<re2::StringPiece, kInlineGroups> inline_groups;
  std::vector<re2::StringPiece> many_groups;
  re2::StringPiece* groups = inline_groups.data();
  if (count > kInlineGroups) {
    many_groups.resize(count);
    groups = many_groups.data();
  }
  const re2::StringPiece text(line.data(), line.size());
  if (!regex_->Match(text, 0, line.size(), RE2::UNANCHORED, groups, static_cast<int>(count))) return;
  for (size_t i = 0; i < names_.size(); ++i) {
    const re2::StringPiece& group = groups[static_cast<size_t>(groups_[i])];
    if (!sink->wants(names_[i])) continue;
    if (!sink->on_field(names_[i], std::string_view(group.data(), group.size()))) return;
  }
}

}  // namespace cordwood::query
