// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "storage/block_entry.h"
#include "storage/block_frames.h"
#include "storage/block_view.h"

namespace cordwood {

/// Shapes whose lists lie in a few vectors, not in some for each of them.
class ShapeList {
 public:
  void clear();
  /// In the order of the shapes: slots + 1 constants and the slots of one, then end_shape().  Texts outlive the list.
  void add_constant(std::string_view text) { constants_.push_back(text); }
  void add_slot(ShapeSlot slot) { slots_.push_back(slot); }
  void end_shape(LineForm form, size_t slots);
  /// To be called once when all are there, and before anybody looks at them.
  void lay_out();
  const std::vector<Shape>& all() const { return shapes_; }
  uint64_t memory_bytes() const;

 private:
  std::vector<std::string_view> constants_;  ///< of all shapes in turn
  std::vector<ShapeSlot> slots_;             ///< likewise
  std::vector<Shape> shapes_;
};

/// The line shapes of a sealed block.  Their texts stay where the frames have them, their lists lie in a few vectors:
/// every block that is opened has dozens of shapes, so each must cost next to nothing.
/// One thread at a time.
class BlockShapes {
 public:
  /// Does nothing once it is loaded.  `frames` and `directory` outlive it, and frames of the piece are not forgotten.
  /// corrupt unless the shapes name columns of lines, each once.
  Result<void> load(BlockFrames* frames, const BlockDirectory& directory);
  /// By id - 1.
  const std::vector<Shape>& all() const { return shapes_.all(); }
  const Shape& of_id(uint32_t id) const { return all()[id - 1]; }
  /// Ids, ascending, of the shapes that have the column.  0 (raw) has the raw one.
  std::span<const uint32_t> with(uint32_t column) const {
    return std::span(with_).subspan(with_begin_[column], with_begin_[column + 1] - with_begin_[column]);
  }
  uint64_t memory_bytes() const;

 private:
  Result<void> parse(std::string_view text, const BlockDirectory& directory);
  Result<void> list_by_column(const BlockDirectory& directory);

  ShapeList shapes_;
  std::vector<uint32_t> with_;
  std::vector<uint32_t> with_begin_;  ///< by column, and the end; empty until it is loaded
};

}  // namespace cordwood
