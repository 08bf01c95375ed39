// SPDX-License-Identifier: Apache-2.0
#include "query/trace_matcher.h"

#include <algorithm>

#include "query/json_walk.h"
#include "storage/base/ascii.h"

namespace cordwood::query {

namespace {

constexpr size_t kMaxLabelNameBytes = 128;
constexpr size_t kMaxShortValueBytes = 20;  ///< 16 hex digits, or a decimal
constexpr int kMaxSearchDepth = 16;

/// Appends a name without case and separators.
void fold(std::string_view name, std::string* out) {
  for (const char c : name) {
    if (c == '_' || c == '.' || c == '-') continue;
    out->push_back(fold_byte(c));
  }
}

bool is_quote_or_blank(char c) {
  return c == ' ' || c == '\t' || c == '"' || c == '\'' || c == '\\';
}

/// The name that stands before `=` or `:` before `at`, or nothing: `name=`, `"name": "`, `\"name\":\"`.
std::string_view name_before(std::string_view line, size_t at) {
  constexpr size_t kMaxBlanks = 8;
  const auto skip = [&] {
    for (size_t i = 0; i < kMaxBlanks && at > 0 && is_quote_or_blank(line[at - 1]); ++i) --at;
  };
  skip();
  if (at == 0 || (line[at - 1] != '=' && line[at - 1] != ':')) return {};
  --at;
  skip();
  const size_t end = at;
  const auto is_name = [](char c) { return is_alphanumeric(c) || c == '_' || c == '.' || c == '-'; };
  while (at > 0 && end - at < kMaxLabelNameBytes && is_name(line[at - 1])) --at;
  return line.substr(at, end - at);
}

/// Whether the text from `at` on goes on with what would still be the same value.
bool value_goes_on(std::string_view line, size_t at) {
  if (at >= line.size()) return false;
  if (is_alphanumeric(line[at]) || line[at] == '_' || static_cast<unsigned char>(line[at]) >= 0x80) return true;
  return (line[at] == '.' || line[at] == '-') && at + 1 < line.size() && is_alphanumeric(line[at + 1]);
}

}  // namespace

TraceMatcher::TraceMatcher(const TraceId& id, const std::vector<std::string>& field_names) : id_(id) {
  for (const std::string& name : field_names) {
    std::string folded;
    fold(name, &folded);
    if (!folded.empty()) names_.insert(std::move(folded));
  }
}

bool TraceMatcher::known_path(std::string_view parent, std::string_view name) {
  if (parent.size() + name.size() > kMaxLabelNameBytes) return false;
  folded_.clear();
  fold(parent, &folded_);
  fold(name, &folded_);
  return names_.contains(folded_);
}

bool TraceMatcher::known_name(std::string_view name) {
  return known_path({}, name);
}

bool TraceMatcher::value_matches(std::string_view value) const {
  const auto id = parse_trace_id(value);
  if (!id) return false;
  if (id->same_as(id_)) return true;
  // 16 digits were read as hex; they can be a decimal as well.
  return value == std::to_string(id_.low);
}

bool TraceMatcher::labels_match(const Labels& labels) {
  return std::any_of(labels.pairs().begin(), labels.pairs().end(),
                     [this](const auto& pair) { return known_name(pair.first) && value_matches(pair.second); });
}

bool TraceMatcher::metadata_matches(std::span<const MetadataPair> pairs) {
  return std::any_of(pairs.begin(), pairs.end(), [this](const MetadataPair& pair) {
    return text_names_trace(pair.value, id_) || (known_name(pair.name) && value_matches(pair.value));
  });
}

bool TraceMatcher::line_matches(std::string_view line) {
  if (text_names_trace(line, id_) || text_fields_match(line)) return true;
  const size_t first = next_json_token(line, 0);
  return first != std::string_view::npos && line[first] == '{' && json_matches(line.substr(first), {}, 0);
}

bool TraceMatcher::text_fields_match(std::string_view line) {
  for (size_t begin = 0; begin < line.size();) {
    if (!is_alphanumeric(line[begin])) {
      ++begin;
      continue;
    }
    size_t end = begin + 1;
    while (end < line.size() && is_alphanumeric(line[end])) ++end;
    const std::string_view value = line.substr(begin, end - begin);
    const bool matches = value.size() <= kMaxShortValueBytes && value_matches(value) && !value_goes_on(line, end);
    if (matches && known_name(name_before(line, begin))) return true;
    begin = end;
  }
  return false;
}

bool TraceMatcher::json_matches(std::string_view object, std::string_view parent, int depth) {
  std::string key_scratch;
  bool found = false;
  for_each_json_member(object, &key_scratch, [&](std::string_view key, const JsonValue& value) {
    if (value.type == JsonType::object) {
      found = depth < kMaxSearchDepth && json_matches(value.text, key, depth + 1);
    } else if (value.type == JsonType::string || value.type == JsonType::number) {
      found = (known_name(key) || known_path(parent, key)) && value_matches(value.text);
    }
    return found ? JsonFault::stopped : JsonFault::none;
  });
  return found;
}

}  // namespace cordwood::query
