// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "query/field_sink.h"
#include "query/parser_hints.h"
#include "query/pipeline_row.h"

namespace cordwood::query {

/// Takes the fields of a parser as labels of a row: renames them away from stream labels and metadata, lets the first
/// value of a name win, leaves out what the hints do not want.
class ParserSink final : public FieldSink {
 public:
  explicit ParserSink(const ParserHints* hints) : hints_(hints) {}

  void begin(PipelineRow* row) {
    row_ = row;
    dropped_ = false;
    // All names are wanted: then the metadata is needed in the end anyway, and one read of it answers every clash.
    if (hints_->required.empty()) row->labels.load_metadata();
  }
  /// The same without reading metadata: whoever calls set() alone asks for it when it is due.
  void begin_shaped(PipelineRow* row) {
    row_ = row;
    dropped_ = false;
  }
  bool may_want(std::string_view name) override { return hints_->may_want(name); }
  bool wants(std::string_view name) override {
    if (!hints_->may_want(name)) return false;
    final_name_ = row_->labels.parsed_name(name);
    final_is_own_ = final_name_.data() != name.data();
    return hints_->wanted(final_name_) && !row_->labels.extracted(final_name_);
  }
  bool wants_object(std::string_view prefix) override { return hints_->prefix_wanted(prefix); }
  /// Always after wants() of the same name.
  bool on_field(std::string_view name, std::string_view value) override {
    const std::string_view label = final_is_own_ ? final_name_ : row_->arena.copy(name);
    return set(label, row_->arena.copy(value));
  }
  /// Both views must live as long as the row.
  bool set(std::string_view label, std::string_view value) {
    const AfterLabel after = set_parsed_label(*row_, *hints_, label, value);
    dropped_ = after == AfterLabel::drop_row;
    return after == AfterLabel::go_on;
  }
  /// Whether a filter on a label that was set refuses the row.
  bool dropped() const { return dropped_; }

 private:
  const ParserHints* hints_;
  PipelineRow* row_ = nullptr;
  std::string_view final_name_;
  bool final_is_own_ = false;
  bool dropped_ = false;
};

}  // namespace cordwood::query
