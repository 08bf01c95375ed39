// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/block_view.h"

namespace cordwood {

/// Source + path + occurrence: names one column of a block.
struct ColumnKey {
  enum class Source : uint8_t { metadata, json, logfmt, text };
  Source source = Source::metadata;
  std::vector<std::string> path;  ///< json: decoded keys; logfmt: the key; text: {the word before the cell}
  uint32_t occurrence = 0;        ///< 0 for the first slot of this path in a line, 1 for the second, …
  bool operator==(const ColumnKey&) const = default;
};

/// Past a limit a line stays raw; nothing is ever refused.  Limits hold between two reset().
struct LineShredderLimits {
  uint32_t max_shapes = 4096;
  uint32_t max_columns = 16384;
  uint32_t max_slots_per_line = 1024;
  uint32_t max_text_slots = 128;        ///< likewise, for the text form
  uint32_t max_depth = 64;              ///< of json objects and arrays
  uint64_t max_shape_bytes = 4u << 20;  ///< constants and paths of all shapes together
  bool json = true;                     ///< forms that may be used
  bool logfmt = true;
  bool text = true;
  uint64_t hash_seed = 0;  ///< random where lines come from strangers
};

/// Cuts lines into a shape (what lines like it have in common) and cells (what differs).  One per block being built.
/// For every line that is not raw, render_shape(shape, cells) is the identical bytes.  What a form promises besides:
/// - json: the whole line, white space around it apart, is one object, strictly as RFC 8259 has it (nothing before or
///   after, no unescaped control character, only the escapes of the RFC, exact number grammar), except that bytes
///   >= 0x80 in strings are not looked at and \u escapes may name lone surrogates.  One slot for every scalar that is
///   not inside an array, in the order of the line; duplicate keys each have their slot.  An array is one slot, an
///   empty object none.  Kinds: `quoted` = bytes between the quotes (the quotes are in the constants), `bare` = number,
///   true, false or null, `array`.  Paths are decoded as UTF-8, a lone surrogate as U+FFFD.
/// - logfmt: pairs key=value in the order of the line; slot of kind `quoted` = between the quotes of key="…", with
///   escapes as they stand; `text` = bare value.
/// - text: slots of kind `text`; no promise what is constant, only that lines of one shape differ in the cells alone.
///   Columns are named by the word before the cell and shared by all templates.
/// The first non-space byte { of a json line decides: json first, then logfmt, then text.  Which of these two a line
/// gets, and which text lines stay raw because too few are alike, depends on the lines before it.
/// One thread at a time.
class LineShredder {
 public:
  static constexpr uint32_t kRawShape = UINT32_MAX;

  explicit LineShredder(LineShredderLimits limits);
  ~LineShredder();
  LineShredder(LineShredder&&) noexcept;

  /// Shape of the line, an index into shapes(), or kRawShape.  Appends the line's cells, views into `line`, in slot
  /// order; nothing for a raw line.
  uint32_t shred(std::string_view line, std::vector<std::string_view>* cells);

  /// Shapes seen since reset(); their slots name columns by index into columns().
  const std::vector<Shape>& shapes() const;
  /// Columns in the order they were first seen.
  const std::vector<ColumnKey>& columns() const;
  /// Forgets shapes and columns, keeps capacity.
  void reset();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Appends the line: constants and cells in turn.  `cells` has one for every slot.
void render_shape(const Shape& shape, std::span<const std::string_view> cells, std::string* out);

}  // namespace cordwood
