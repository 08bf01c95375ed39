// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/block_builder.h"
#include "storage/block_entry.h"
#include "storage/column_ints.h"
#include "storage/column_pattern.h"

namespace cordwood {

/// Writes pieces of one block, frame by frame, into its narrow and heap parts.  Keeps buffers between blocks.
class PieceWriter {
 public:
  explicit PieceWriter(const BlockBuilderOptions& options) : options_(options) {}
  /// Starts a block.
  void reset();

  /// Integers, packed; narrow.
  PieceMeta ints(std::span<const int64_t> values);
  /// The same in groups (encode_grouped_ints).
  PieceMeta grouped_ints(std::span<const int64_t> values);
  /// A piece of a block with these parts, its frames as they are.
  PieceMeta copy(const PieceMeta& piece, std::string_view from_narrow, std::string_view from_heap);
  /// Times of rows: differences to the row before, which start anew where a run begins (storage/FORMAT.md, "times").
  PieceMeta times(std::span<const int64_t> times, std::span<const uint32_t> run_begins);
  /// Texts with their lengths; in the heap or, for dictionaries, narrow.
  PieceMeta texts(std::span<const std::string_view> texts, bool heap);
  /// What texts() would add to a part, judged by one frame of them.
  uint64_t estimate_texts(std::span<const std::string_view> texts);
  /// Values of a fixed number of bytes; heap.
  PieceMeta binary(std::string_view data, uint32_t width);
  /// The numbers of a pattern column, in frames of the same cells as its ids.
  PieceMeta pattern_numbers(const PatternCollector& collected);
  /// One frame of bytes with a grammar of its own; narrow.
  PieceMeta blob(std::string_view data, uint32_t rows);

  std::string narrow;
  std::string heap;

 private:
  /// How hard a frame is to be packed.
  enum class Packing : uint8_t {
    numbers,  ///< only if it gains more than a tenth
    texts,    ///< if it gains anything to speak of
  };
  template <typename Encode>
  PieceMeta encoded_ints(std::span<const int64_t> values, const Encode& encode);
  void add_frame(std::string_view raw, uint32_t rows, Packing packing, PieceMeta* piece);

  const BlockBuilderOptions options_;
  IntEncoderBuffers ints_;
  std::string raw_;
  std::string packed_;
  std::vector<int64_t> values_;
};

}  // namespace cordwood
