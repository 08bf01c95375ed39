// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "query/trace_id.h"
#include "storage/model/labels.h"
#include "storage/model/row_batch.h"

namespace cordwood::query {

/// Decides whether a line belongs to a trace (query/README.md has the rule).  Names of fields compare without case,
/// dots, dashes and underscores: `trace_id` stands for `traceId`, `trace.id` and `TraceID`.  Keeps scratch memory:
/// one thread at a time.
class TraceMatcher {
 public:
  TraceMatcher(const TraceId& id, const std::vector<std::string>& field_names);

  const TraceId& id() const { return id_; }
  /// Whether a label with a name of the list has the id as its value: then every line of the stream belongs.
  bool labels_match(const Labels& labels);
  bool metadata_matches(std::span<const MetadataPair> pairs);
  bool line_matches(std::string_view line);

 private:
  bool known_name(std::string_view name);
  /// `parent` and `name` are keys of nested objects; `trace` and `id` make `trace.id`.
  bool known_path(std::string_view parent, std::string_view name);
  bool value_matches(std::string_view value) const;
  /// Values that follow a known name and `=` or `:` directly.
  bool text_fields_match(std::string_view line);
  bool json_matches(std::string_view object, std::string_view parent, int depth);

  TraceId id_;
  std::unordered_set<std::string> names_;  ///< folded
  std::string folded_;
};

}  // namespace cordwood::query
