// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/block_frames.h"
#include "storage/column_pattern.h"
#include "storage/column_text.h"

namespace cordwood {

/// Reads the cells of one column of an open block.  A cell is named by its ordinal among the column's cells.
class ColumnReader {
 public:
  /// `frames`, `times`, `shared` and `meta` outlive it.  corrupt when pieces and column do not fit together.
  static Result<std::unique_ptr<ColumnReader>> open(const ColumnMeta& meta, BlockFrames* frames, TimePiece* times,
                                                    TextPiece* shared);
  const ColumnMeta& meta() const { return meta_; }

  /// Text of a cell that lies in row `row`: a view that stays, or one into *scratch if it had to be made.
  Result<std::string_view> text(uint32_t cell, uint32_t row, std::string* scratch);
  /// The same, but the view stays valid as long as the reader.
  Result<std::string_view> lasting_text(uint32_t cell, uint32_t row);
  /// Value of a cell of an integer column; nothing for other types and for listed exceptions.
  Result<std::optional<int64_t>> integer(uint32_t cell);

  /// Dictionary columns: the texts, and every cell's id.
  Result<const std::vector<std::string_view>*> dictionary();
  Result<std::optional<uint32_t>> dictionary_id(uint32_t cell);

 private:
  ColumnReader(const ColumnMeta& meta, BlockFrames* frames, TimePiece* times, TextPiece* shared)
      : meta_(meta), frames_(frames), times_(times), shared_(shared) {}
  Result<void> bind();
  Result<void> load_dictionary();
  Result<void> load_exceptions();
  /// The exception's text, if the cell is one.
  std::optional<std::string_view> exception(uint32_t cell) const;
  Result<std::string_view> binary_text(uint32_t cell, std::string* scratch);
  Result<std::string_view> number_text(uint32_t cell, uint32_t row, std::string* scratch);

  const ColumnMeta& meta_;
  BlockFrames* frames_;
  TimePiece* times_;
  TextPiece* shared_;
  IntPiece numbers_;
  TextPiece texts_;
  std::unique_ptr<PatternReader> pattern_;
  TimestampLayout layout_;
  std::vector<std::string_view> dictionary_;
  bool dictionary_loaded_ = false;
  std::vector<uint32_t> exception_cells_;
  std::vector<std::string_view> exception_texts_;
  bool exceptions_loaded_ = false;
  std::vector<std::unique_ptr<std::string>> lasting_;  ///< by cell, for lasting_text
};

}  // namespace cordwood
