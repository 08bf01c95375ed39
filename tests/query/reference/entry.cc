// SPDX-License-Identifier: Apache-2.0
#include "tests/query/reference/entry.h"

#include "storage/model/labels.h"

namespace cordwood::query::reference {

Row::Row(const Entry& from) : entry(&from), line(from.line), stream(from.stream) {
  for (const auto& [name, value] : from.metadata) {
    metadata[from.stream.contains(name) ? name + "_extracted" : name] = value;
  }
}

std::optional<std::string> Row::get(const std::string& name) const {
  for (const LabelMap* labels : {&parsed, &metadata, &stream}) {
    if (const auto at = labels->find(name); at != labels->end()) return at->second;
  }
  return std::nullopt;
}

void Row::remove(const std::string& name) {
  for (LabelMap* labels : {&parsed, &metadata, &stream}) labels->erase(name);
}

std::string Row::parsed_name(const std::string& key) const {
  // Labels of the stream stand in the way even when they were dropped.
  const bool taken = entry->stream.contains(key) || (metadata.contains(key) && !parsed.contains(key));
  return taken ? key + "_extracted" : key;
}

LabelMap Row::labels() const {
  LabelMap all = parsed;
  all.insert(metadata.begin(), metadata.end());
  all.insert(stream.begin(), stream.end());
  if (!error.empty()) all["__error__"] = error;
  if (!details.empty()) all["__error_details__"] = details;
  return all;
}

std::string label_string(const LabelMap& labels) {
  std::string out = "{";
  for (const auto& [name, value] : labels) {
    if (out.size() > 1) out += ", ";
    out += name + "=";
    append_go_quoted(value, &out);
  }
  return out + "}";
}

}  // namespace cordwood::query::reference
