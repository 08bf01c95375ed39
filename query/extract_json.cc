// SPDX-License-Identifier: Apache-2.0
#include "query/extract_json.h"

#include <algorithm>

#include "query/label_name.h"

namespace cordwood::query {

namespace {

/// Every level is read once for each level above it; past this depth an object is an error.
constexpr size_t kMaxJsonDepth = 128;
/// Keys remembered, and of these within one object, so that looking for one among them stays cheap.
constexpr size_t kMostKeys = 1024;
constexpr size_t kMostMembers = 64;
constexpr size_t kLongestKey = 256;

}  // namespace

ExtractOutcome JsonExtractor::extract(std::string_view line) {
  path_.clear();
  const JsonFault fault = walk(line, &line_);
  const bool failed = fault != JsonFault::none && fault != JsonFault::stopped;
  return {.failed = failed, .details = fault_text(fault)};
}

JsonFault JsonExtractor::walk(std::string_view object, Key* around) {
  size_t next = 0;
  return for_each_json_member(object, &key_, [&](std::string_view text, const JsonValue& value) {
    if (Key* key = find(text, around, &next)) return on_member(key, value);
    Key rare = make_key(text, *around);
    return on_member(&rare, value);
  });
}

JsonExtractor::Key* JsonExtractor::find(std::string_view text, Key* around, size_t* next) {
  auto& members = around->members;
  if (*next < members.size() && members[*next]->text == text) return members[(*next)++].get();
  const auto at = std::find_if(members.begin(), members.end(), [text](const auto& key) { return key->text == text; });
  *next = static_cast<size_t>(at - members.begin()) + 1;
  if (at != members.end()) return at->get();
  if (members.size() == kMostMembers || remembered_ == kMostKeys || text.size() > kLongestKey) return nullptr;
  ++remembered_;
  return members.emplace_back(std::make_unique<Key>(make_key(text, *around))).get();
}

JsonExtractor::Key JsonExtractor::make_key(std::string_view text, const Key& around) const {
  Key key;
  key.text = text;
  key.name = around.name;
  const bool nested = !around.name.empty();
  if (nested) key.name += '_';
  const size_t before = key.name.size();
  append_sanitized_label_name(text, !nested, &key.name);
  if (key.name.size() == before) key.name = around.name;  // a blank key is left out, with its separator
  key.read = !key.name.empty() && sink_->may_want(key.name);
  key.enter = key.name.empty() || sink_->wants_object(key.name);
  return key;
}

JsonFault JsonExtractor::on_member(Key* key, const JsonValue& value) {
  if (value.type == JsonType::null || value.type == JsonType::array) return JsonFault::none;
  JsonFault fault = JsonFault::none;
  if (value.type == JsonType::object) {
    if (path_.size() + 1 >= kMaxJsonDepth) return JsonFault::malformed;
    if (!key->enter) return JsonFault::none;
    path_.push_back(key->text);
    fault = walk(value.text, key);
    path_.pop_back();
  } else if (key->read && sink_->wants(key->name)) {
    path_.push_back(key->text);
    const std::string_view text = value.type == JsonType::string ? json_label_value(value.text, &value_) : value.text;
    if (!sink_->on_field(key->name, text)) fault = JsonFault::stopped;
    path_.pop_back();
  }
  return fault;
}

}  // namespace cordwood::query
