// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "query/label_cells.h"
#include "query/logql_ast.h"
#include "query/numbered_texts.h"
#include "query/parser_hints.h"
#include "query/series_table.h"

namespace cordwood::query {

/// The samples of a sealed block's rows by its columns alone: each row's value, and the series that its labels make.
class ColumnSamples {
 public:
  /// Labels that samples need.
  static std::vector<std::string> names(const LabelDemand& demand);
  /// `table` outlives it.
  ColumnSamples(const RangeAggregation& aggregation, const LabelDemand& demand, SeriesTable* table);
  /// Whether samples of this kind can be had from columns.
  bool possible() const { return possible_; }

  /// The labels were made of names that begin with names().  Both outlive the work on the block.
  Result<void> begin_block(BlockView& view, const BlockLabels& labels);
  void begin_stream(const Stream& stream);

  /// What some rows come to, in their order; others have no sample.
  struct Samples {
    std::vector<uint32_t> rows;
    std::vector<double> values;    ///< of each of them
    std::vector<uint32_t> series;  ///< likewise
    std::vector<uint32_t> open;    ///< rows of which the pipeline must tell
  };
  /// Of rows of the stream whose lines slots tell; `shapes` is that of each row of the block.
  Result<void> read(std::span<const uint32_t> rows, std::span<const uint32_t> shapes, Samples* out);

 private:
  /// Reads the unwrapped label.
  struct ToNumber {
    struct Value {
      enum class Kind : uint8_t { none, value, open } kind = Kind::none;
      double number = 0;
    };
    UnwrapConversion conversion = UnwrapConversion::none;
    Value of(std::optional<std::string_view> text) const;
    std::optional<Value> of_number(double number) const;
  };
  /// Numbers the values of a label, 0 for none.  Where no other label counts, that is the number of their series + 1.
  struct ToId {
    using Value = uint32_t;
    std::string name;
    SeriesTable* table = nullptr;  ///< where no other label counts
    NumberedTexts texts;           ///< of 1, 2, …
    std::vector<LabelView> labels;
    Value of(std::optional<std::string_view> text);
    std::optional<Value> of_number(double) const { return std::nullopt; }
    std::optional<NumberedTexts::Split> split(std::optional<std::string_view> text);
    Value of_split(NumberedTexts::Split split);
  };
  struct Group {
    std::string name;
    bool of_stream = false;
    std::optional<std::string_view> stream_value;
    std::unique_ptr<ToId> values;  ///< of all blocks
    std::string text;              ///< of the value asked for last
    std::optional<LabelCells<ToId>> cells;
  };

  void forget_series();
  Result<void> read_values(std::span<const uint32_t> rows, std::span<const uint32_t> shapes, Samples* out);
  uint32_t find_series(uint64_t key);
  uint32_t series_of(uint64_t key);

  SeriesTable* table_;
  const bool counts_bytes_;
  BlockView* view_ = nullptr;  ///< the block's
  bool possible_ = true;
  bool takes_label_ = false;
  std::string value_name_;
  ToNumber to_number_;
  bool value_of_stream_ = false;
  ToNumber::Value stream_value_;
  std::optional<LabelCells<ToNumber>> value_cells_;
  std::vector<Group> groups_;  ///< sorted by name
  bool series_depend_on_stream_ = false;
  std::vector<uint32_t> series_by_id_;                    ///< + 1; of keys that are small
  std::unordered_map<uint64_t, uint32_t> series_by_key_;  ///< of others
  std::vector<LabelView> labels_;
  std::vector<ToNumber::Value> numbers_;  ///< of the rows being read, as the next two
  std::vector<ToId::Value> ids_;
  std::vector<uint64_t> keys_;
};

}  // namespace cordwood::query
