// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "query/numbered_texts.h"
#include "query/parser_hints.h"
#include "query/pipeline_row.h"
#include "query/query_engine.h"

namespace cordwood::query {

/// Gives each sample the number of its series: the labels that are left of the row after grouping.  A row with an
/// error keeps all labels, so that the error is seen.
class SeriesTable {
 public:
  /// `demand.groups` may be in any order.
  explicit SeriesTable(const LabelDemand& demand);

  /// Number of the row's series; `is_new` when it is the first row of it.
  uint32_t find(PipelineRow& row, bool* is_new);
  /// The same for labels that are known already, sorted by name.
  uint32_t find(const std::vector<LabelView>& labels, bool* is_new);

  /// The same for the key of a series of another table.
  uint32_t find_key(std::string_view key, bool* is_new);
  /// So many series are to come.
  void reserve(size_t series) { keys_.reserve(series); }

  /// What tells the series of known labels from others, if it is one number.
  std::optional<NumberedTexts::Split> split(const std::vector<LabelView>& labels);
  uint32_t find(NumberedTexts::Split split, bool* is_new);

  LabelPairs labels(uint32_t series) const;
  /// What tells the series from others.
  const NumberedTexts& keys() const { return keys_; }
  size_t size() const { return keys_.size(); }
  static bool tells_of_error(std::string_view key) { return key.find(kErrorLabel) != std::string_view::npos; }
  /// False when certainly no series' labels tell of an error.
  bool may_have_errors() const { return has_errors_; }
  /// Bytes of the series that was added last.
  uint64_t last_bytes() const { return keys_.bytes_of(static_cast<uint32_t>(size() - 1)); }

 private:
  void collect(PipelineRow& row);
  void write_key();
  uint32_t intern(bool* is_new);

  std::vector<std::string> groups_;
  bool without_;
  bool no_labels_;
  NumberedTexts keys_;  ///< lengths and bytes of names and values
  std::vector<LabelView> current_;
  std::string key_, last_key_;
  uint32_t last_series_ = 0;
  bool has_errors_ = false;
};

}  // namespace cordwood::query
