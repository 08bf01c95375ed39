// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "storage/block_frames.h"

namespace cordwood {

/// A pattern is a text whose runs of digits are cut out.  In each one's place stand two bytes: 0, and the number of
/// digits that a number with leading zeros has, or 0 for a number without.
class PatternCollector {
 public:
  /// False when the cells do not have few enough patterns for them to pay.
  bool collect(std::span<const std::string_view> cells);
  const std::vector<std::string>& patterns() const { return patterns_; }
  const std::vector<uint32_t>& slot_counts() const { return slot_counts_; }  ///< by pattern
  const std::vector<int64_t>& ids() const { return ids_; }                   ///< by cell
  /// Numbers of all cells, cell by cell; those of cell i begin at first_number()[i].
  const std::vector<int64_t>& numbers() const { return numbers_; }
  const std::vector<uint32_t>& first_number() const { return first_number_; }

 private:
  bool add(std::string_view cell);
  bool pays(uint64_t cell_bytes) const;
  std::vector<std::string> patterns_;
  std::vector<uint32_t> slot_counts_;
  std::unordered_map<uint64_t, uint32_t> by_hash_;
  std::vector<int64_t> ids_;
  std::vector<int64_t> numbers_;
  std::vector<uint32_t> first_number_;
  std::string key_;
  uint64_t digits_ = 0;
};

/// Appends a frame's numbers: for each pattern that occurs, ascending, the frames of its slots (storage/FORMAT.md,
/// "pattern").
void encode_pattern_numbers(const PatternCollector& collected, size_t begin, size_t end, IntEncoderBuffers* buffers,
                            std::string* out);

/// Cells of a pattern column.
class PatternReader {
 public:
  /// Its three pieces begin at `first_piece`: patterns, ids, numbers.
  PatternReader(BlockFrames* frames, uint32_t first_piece)
      : frames_(frames), first_piece_(first_piece), texts_(frames, first_piece), ids_(frames, first_piece + 1) {}
  /// Whether no pattern has more than one number.
  Result<bool> has_one_number();
  /// What a cell is, where has_one_number().
  struct Number {
    uint32_t pattern = 0;
    std::optional<int64_t> number;  ///< nothing when the pattern has none
  };
  Result<Number> number_at(uint32_t cell);
  /// Appends the text of a cell.
  Result<void> append(uint32_t cell, std::string* out);
  /// Bytes of it.
  Result<uint64_t> text_bytes(uint32_t cell);
  /// Puts the bytes of every cell's text in its place.
  Result<void> text_sizes(std::span<uint32_t> sizes);
  /// Sets the cells that pass the test.
  Result<void> find(const CellTest& test, RowBits* cells);
  /// Sets the cells that may have so many hex digits and dashes in a row.
  Result<void> find_hex_runs(size_t length, RowBits* cells);
  uint64_t memory_bytes() const;

 private:
  struct Pattern {
    std::vector<std::string_view> constants;  ///< one more than slots
    uint64_t constant_bytes = 0;
    std::vector<uint8_t> digits;  ///< by slot; 0 for a number without leading zeros
  };
  struct Frame {
    std::vector<uint32_t> ids;                 ///< by cell
    std::vector<uint32_t> ranks;               ///< by cell: how many of its pattern come before it
    std::vector<std::vector<IntFrame>> slots;  ///< by pattern
  };
  Result<void> load_patterns();
  Result<const Frame*> frame(uint32_t index);
  /// The numbers of the wanted patterns of a frame, by pattern; `counts` of all patterns in it.
  Result<void> load_numbers(uint32_t index, std::span<const uint32_t> counts, const std::function<bool(size_t)>& wanted,
                            std::vector<std::vector<IntFrame>>* out);
  /// What a test says of the cells of a pattern.
  enum class Verdict : uint8_t {
    none,
    all,
    open,  ///< that depends on the numbers
  };
  Result<void> find_in_frame(uint32_t index, std::span<const Verdict> verdicts, const CellTest& test, RowBits* cells);
  /// Appends the text of a pattern's cell.
  static void append(const Pattern& pattern, std::span<const IntFrame> slots, uint32_t rank, std::string* out);
  /// The frame of the cell, and the cell's place in it.
  Result<const Frame*> frame_of(uint32_t cell, uint32_t* place);

  BlockFrames* frames_;
  uint32_t first_piece_;
  TextPiece texts_;
  IntPiece ids_;
  std::vector<Pattern> patterns_;
  std::vector<std::unique_ptr<Frame>> parsed_;
};

}  // namespace cordwood
