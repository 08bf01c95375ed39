// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "query/expression_slots.h"
#include "storage/block_columns.h"

namespace cordwood::query {

/// A parser stage, as far as shapes go.
struct LineParser {
  LineForm form = LineForm::raw;           ///< that it reads; raw: there is none
  ExpressionSlots* expressions = nullptr;  ///< null: it sets all fields of a line
};

/// Where the values of some labels lie in one sealed block, after at most one parser.
/// Holds for the rows of all streams that have the same ones of these labels.
class BlockLabels {
 public:
  /// What the parser makes of the lines of a shape.
  enum class Lines : uint8_t {
    told,   ///< the slots tell
    error,  ///< no labels but its error
    open,   ///< the lines must be read
  };
  struct Label {
    bool of_stream = false;                  ///< its value for every row; the rest is empty then
    std::optional<uint32_t> metadata;        ///< column whose cells hide the fields of their rows
    std::vector<const ShapeSlot*> by_shape;  ///< the field, by shape id; null: none.  Empty: none at all
    bool always_set = false;                 ///< lines that were read have it, be it empty
  };

  /// `stream_has[i]` belongs to `names[i]`; no name ends in `_extracted`.  Nothing when the block does not lend itself
  /// to it.
  static Result<std::optional<BlockLabels>> make(BlockColumns& columns, const LineParser& parser,
                                                 std::span<const std::string> names,
                                                 const std::vector<bool>& stream_has);

  LineForm parsed_form() const { return parsed_form_; }
  Lines lines(uint32_t shape_id) const { return lines_[shape_id]; }
  uint32_t shape_ids() const { return static_cast<uint32_t>(lines_.size()); }
  const Label& label(size_t name) const { return labels_[name]; }
  /// Whether any line has such a field.
  bool has_field(size_t name) const { return !labels_[name].by_shape.empty(); }

 private:
  BlockLabels() = default;
  void place_all(std::span<const Shape> shapes, std::span<const std::string> names);
  void place_expressions(std::span<const Shape> shapes, std::span<const std::string> names,
                         ExpressionSlots* expressions);

  LineForm parsed_form_ = LineForm::raw;
  std::vector<Lines> lines_;  ///< by shape id
  std::vector<Label> labels_;
};

}  // namespace cordwood::query
