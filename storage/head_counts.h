// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "storage/block_view.h"

namespace cordwood {

struct HeadRow;

/// The count table of a head block, and the names of its metadata, counted on row by row.
class HeadCounts {
 public:
  static constexpr int64_t kWidthNs = 5'000'000'000;  ///< the finest that sealed blocks have

  void add(const HeadRow& row);
  uint32_t rows() const { return rows_; }
  /// In order of (stream, bucket); null when times are so scattered that a table is of no use.
  std::shared_ptr<const std::vector<BlockCount>> table() const;
  /// False when no row has metadata of this name.
  bool may_have_metadata(std::string_view name) const;

 private:
  void add_name(std::string_view name);
  static constexpr size_t kMostNames = 64;
  static constexpr size_t kMostEntries = 4096;
  uint32_t rows_ = 0;
  size_t entries_ = 0;
  std::vector<std::vector<BlockCount>> streams_;
  std::vector<std::string_view> names_;  ///< no more are kept than one beyond kMostNames
};

}  // namespace cordwood
