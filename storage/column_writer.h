// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/piece_writer.h"
#include "storage/template_collector.h"

namespace cordwood {

/// Distinct texts of a column in the order they were first seen, or sorted; gives up when they are too many to pay.
class DictionaryCollector {
 public:
  /// On success, complete(), ids() has one id per cell.
  void collect(std::span<const std::string_view> cells);
  /// False when a dictionary does not pay.
  bool complete() const { return complete_; }
  /// Texts that begin alike come to stand beside each other, where they pack well.
  void sort();
  const std::vector<std::string_view>& values() const { return values_; }
  const std::vector<int64_t>& ids() const { return ids_; }
  uint64_t value_bytes() const { return value_bytes_; }

 private:
  /// Id of the text, or -1 when there is no room.
  int64_t add(std::string_view text);
  void grow();
  std::vector<uint32_t> slots_;  ///< id + 1, or 0
  std::vector<std::string_view> values_;
  std::vector<uint64_t> hashes_;
  std::vector<int64_t> ids_;
  uint64_t value_bytes_ = 0;
  bool complete_ = false;
};

/// Chooses a column's type by looking at all of its cells and writes its pieces.  A type is taken only if every cell
/// renders to the identical text, a few listed exceptions apart.  Keeps buffers between columns.
class ColumnWriter {
 public:
  explicit ColumnWriter(PieceWriter* pieces) : pieces_(pieces) {}
  /// Starts a block.
  void reset();

  /// What else there is in the rows of a column's cells; asked only if a type needs it.
  struct Rows {
    std::function<std::span<const int64_t>()> times;
    ForEachRow others;  ///< none: the cells are not to be rendered from other columns
  };
  /// Fills type, cells and what belongs to the type in `meta`; appends its pieces to `out`.  `cells` is not empty.
  void write(std::span<const std::string_view> cells, const Rows& rows, ColumnMeta* meta, std::vector<PieceMeta>* out);
  /// The columns from which the last one was rendered, if it was.
  const std::set<uint32_t>& rendered_from() const { return templates_.columns(); }
  /// Cells of all shared columns, to be written as one bytes column at the end.
  const std::vector<std::string_view>& shared_cells() const { return shared_; }
  /// Writes texts as they are.
  void write_bytes(std::span<const std::string_view> cells, ColumnMeta* meta, std::vector<PieceMeta>* out);

 private:
  struct Sample;
  bool write_typed(std::span<const std::string_view> cells, const Rows& rows, ColumnMeta* meta,
                   std::vector<PieceMeta>* out);
  template <typename Parse>
  bool parse_all(std::span<const std::string_view> cells, Parse parse);
  bool parse_binary(std::span<const std::string_view> cells, uint32_t width, bool uuid, ColumnMeta* meta);
  bool write_decimal(std::span<const std::string_view> cells, bool trimmed, uint8_t scale, ColumnMeta* meta,
                     std::vector<PieceMeta>* out);
  bool write_timestamp(std::span<const std::string_view> cells, std::string_view sample, const Rows& rows,
                       ColumnMeta* meta, std::vector<PieceMeta>* out);
  bool write_binary(std::span<const std::string_view> cells, std::string_view sample, ColumnMeta* meta,
                    std::vector<PieceMeta>* out);
  bool collect_dictionary(std::span<const std::string_view> cells);
  /// Whether a dictionary of texts takes less than so many bytes for each cell.
  bool fits_dictionary(std::span<const std::string_view> cells, uint64_t cell_bytes);
  bool write_dictionary(std::span<const std::string_view> cells, uint64_t cell_bytes, ColumnMeta* meta,
                        std::vector<PieceMeta>* out);
  /// What write_dictionary() was not sure of, if it takes less than a heap of the texts.
  bool write_long_dictionary(std::span<const std::string_view> cells, ColumnMeta* meta, std::vector<PieceMeta>* out);
  void put_dictionary(ColumnMeta* meta, std::vector<PieceMeta>* out);
  bool write_rendered(std::span<const std::string_view> cells, uint64_t cell_bytes, const ForEachRow& others,
                      ColumnMeta* meta, std::vector<PieceMeta>* out);
  bool write_pattern(std::span<const std::string_view> cells, ColumnMeta* meta, std::vector<PieceMeta>* out);
  /// The exceptions' piece, if there are any.
  void finish_typed(std::span<const std::string_view> cells, ColumnMeta* meta, std::vector<PieceMeta>* out);
  void note_integer_range(ColumnMeta* meta, const std::function<double(int64_t)>& value_of,
                          std::span<const std::string_view> cells);

  PieceWriter* pieces_;
  DictionaryCollector dictionary_;  ///< of the column at hand, once it was tried
  bool dictionary_tried_ = false;
  PatternCollector patterns_;
  TemplateCollector templates_;
  std::vector<std::string_view> shared_;
  std::vector<int64_t> values_;
  std::vector<uint32_t> exceptions_;  ///< ordinals of cells that do not fit, ascending
  std::string binary_;
};

}  // namespace cordwood
