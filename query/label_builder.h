// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "query/row_arena.h"
#include "storage/block_view.h"

namespace cordwood::query {

inline constexpr std::string_view kErrorLabel = "__error__";
inline constexpr std::string_view kErrorDetailsLabel = "__error_details__";
inline constexpr std::string_view kPreserveErrorLabel = "__preserve_error__";
inline constexpr std::string_view kExtractedSuffix = "_extracted";

struct LabelView {
  std::string_view name;
  std::string_view value;
};

/// The labels of one row as a pipeline sees and changes them.  Three categories: labels of the stream, structured
/// metadata of the row (which takes the name `x_extracted` when the stream has `x`), and parsed labels, which hide
/// both.  Metadata is read from the block only as far as someone asks: one name by its column, all of it for a full
/// set.  Names and values passed in must live until the next begin(); so do the views handed out.
class LabelBuilder {
 public:
  enum Category : unsigned { kStream = 1, kMetadata = 2, kParsed = 4, kAll = 7 };

  explicit LabelBuilder(RowArena* arena) : arena_(arena) {}
  /// Without a block there is no metadata.
  void begin(const Labels* stream, BlockView* block, uint32_t row);

  /// Value of a visible label; the error slots are not labels here.
  std::optional<std::string_view> get(std::string_view name);
  bool stream_has(std::string_view name) const { return stream_->has(name); }
  /// Whether the name is visible as structured metadata.
  bool metadata_has(std::string_view name);
  /// The name a parser uses for `name`: with `_extracted` when the stream or the metadata has it.
  std::string_view parsed_name(std::string_view name);
  /// Sets a parsed label; it counts as extracted from then on.
  void set_parsed(std::string_view name, std::string_view value);
  /// Whether a parsed label of this name was set on this row before, removed since or not.
  bool extracted(std::string_view name) const;
  /// Removes the label of this name, whatever its category.
  void remove(std::string_view name);

  bool has_error() const { return !error_.empty(); }
  std::string_view error() const { return error_; }
  std::string_view error_details() const { return error_details_; }
  void set_error(std::string_view error) { error_ = error; }
  void set_error_details(std::string_view details) { error_details_ = details; }

  /// Appends the visible labels of the given categories, unsorted; the errors belong to the parsed ones.
  void append(unsigned categories, std::vector<LabelView>* out);
  /// Makes the full metadata known, so that later questions do not go to columns.
  void load_metadata();

  /// The first error of the block met while reading metadata; the row is worthless then.
  const std::optional<Error>& failure() const { return failure_; }

 private:
  const LabelView* find_parsed(std::string_view name) const;
  bool removed(std::string_view name) const;
  /// Visible metadata by the name it has in this row.
  std::optional<std::string_view> metadata_value(std::string_view name);
  std::optional<std::string_view> column_value(std::string_view name);

  RowArena* arena_;
  const Labels* stream_ = nullptr;
  BlockView* block_ = nullptr;
  uint32_t row_ = 0;
  bool metadata_loaded_ = false;
  std::vector<LabelView> metadata_;  ///< when loaded, by the names they have here
  std::vector<MetadataPair> pairs_;
  std::vector<LabelView> parsed_;
  std::vector<std::string_view> removed_;
  std::vector<std::string_view> extracted_;
  std::string_view error_;
  std::string_view error_details_;
  std::optional<Error> failure_;
};

}  // namespace cordwood::query
