// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "query/extract_json.h"
#include "query/extract_logfmt.h"
#include "query/query_engine.h"

namespace cordwood::query {

/// The fields of a line of which nobody said how to read it: as JSON, and as logfmt if that fails.  Keeps scratch
/// memory: one thread at a time.
class LineFields final : private FieldSink {
 public:
  LineFields() = default;
  LineFields(const LineFields&) = delete;  // its parser points to it
  struct Field {
    std::string name;  ///< `x_extracted` when the stream has a label `x`
    std::string value;
    std::vector<std::string> json_path;
  };

  /// Replaces what the line before left.
  void read(std::string_view line, const LabelPairs& stream_labels);
  std::string_view parser() const { return parser_; }  ///< json or logfmt
  /// In the order of the line, names unique: the first of a name counts.
  const std::vector<Field>& fields() const { return fields_; }
  /// Null when there is none.
  const Field* find(std::string_view name) const;

 private:
  bool wants(std::string_view name) override;
  bool on_field(std::string_view name, std::string_view value) override;

  const LabelPairs* stream_labels_ = nullptr;
  std::string_view parser_;
  JsonExtractor json_{this};
  LogfmtExtractor logfmt_{LogfmtStage{}};
  std::string name_;  ///< that wants() agreed to
  std::vector<Field> fields_;
};

}  // namespace cordwood::query
