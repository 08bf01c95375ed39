// SPDX-License-Identifier: Apache-2.0
#include "query/extract_unpack.h"

#include "query/json_walk.h"
#include "query/label_name.h"

namespace cordwood::query {

ExtractOutcome UnpackExtractor::extract(std::string_view line, FieldSink* sink, std::string_view* entry) {
  *entry = line;
  if (line.empty()) return {};
  if (line[0] != '{') return {.failed = true, .details = "expecting json object(6), but it is not"};
  text_.clear();
  lengths_.clear();
  bool packed = false;
  const JsonFault fault = for_each_json_member(line, &key_, [&](std::string_view key, const JsonValue& value) {
    if (value.type != JsonType::string) return JsonFault::none;
    if (key == "_entry") {
      entry_.assign(json_label_value(value.text, &value_));
      packed = true;
      return JsonFault::none;
    }
    const size_t start = text_.size();
    append_sanitized_label_name(key, true, &text_);
    const size_t name_length = text_.size() - start;
    if (name_length == 0) return JsonFault::none;
    const std::string_view text = json_label_value(value.text, &value_);
    text_ += text;
    lengths_.emplace_back(name_length, text.size());
    return JsonFault::none;
  });
  if (fault != JsonFault::none) return {.failed = true, .details = fault_text(fault)};
  if (!packed) return {};
  *entry = entry_;
  std::string_view rest = text_;
  for (const auto& [name_length, value_length] : lengths_) {
    const std::string_view name = rest.substr(0, name_length);
    const std::string_view value = rest.substr(name_length, value_length);
    rest.remove_prefix(name_length + value_length);
    if (sink->wants(name) && !sink->on_field(name, value)) return {};
  }
  return {};
}

}  // namespace cordwood::query
