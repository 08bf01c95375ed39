// SPDX-License-Identifier: Apache-2.0
#include "query/extract_json.h"

#include "query/label_name.h"

namespace cordwood::query {

namespace {

/// Every level is read once for each level above it; past this depth an object is an error.
constexpr size_t kMaxDepth = 128;

}  // namespace

ExtractOutcome JsonExtractor::extract(std::string_view line, FieldSink* sink) {
  path_.clear();
  outer_keys_.clear();
  name_.clear();
  const JsonFault fault = walk(line, sink);
  const bool failed = fault != JsonFault::none && fault != JsonFault::stopped;
  return {.failed = failed, .details = fault_text(fault)};
}

JsonFault JsonExtractor::walk(std::string_view object, FieldSink* sink) {
  return for_each_json_member(
      object, &key_, [&](std::string_view key, const JsonValue& value) { return on_member(key, value, sink); });
}

JsonFault JsonExtractor::on_member(std::string_view key, const JsonValue& value, FieldSink* sink) {
  if (value.type == JsonType::null || value.type == JsonType::array) return JsonFault::none;
  const size_t name_size = name_.size();
  const bool nested = !name_.empty();
  if (nested) name_ += '_';
  const size_t before = name_.size();
  append_sanitized_label_name(key, !nested, &name_);
  if (name_.size() == before) name_.resize(name_size);  // a blank key is left out, with its separator
  // The members of an object use the scratch that its key may lie in.
  const bool in_scratch = value.type == JsonType::object && key.data() == key_.data();
  path_.push_back(in_scratch ? outer_keys_.emplace_back(key) : key);
  JsonFault fault = JsonFault::none;
  if (value.type == JsonType::object) {
    if (path_.size() >= kMaxDepth) {
      fault = JsonFault::malformed;
    } else if (name_.empty() || sink->wants_object(name_)) {
      fault = walk(value.text, sink);
    }
  } else if (!name_.empty() && sink->wants(name_)) {
    const std::string_view text = value.type == JsonType::string ? json_label_value(value.text, &value_) : value.text;
    if (!sink->on_field(name_, text)) fault = JsonFault::stopped;
  }
  path_.pop_back();
  if (in_scratch) outer_keys_.pop_back();
  name_.resize(name_size);
  return fault;
}

}  // namespace cordwood::query
