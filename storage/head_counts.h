// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <limits>
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
  /// What a row of a stream was counted as: the next one that shares its metadata need not be looked at.
  struct Recent {
    const MetadataPair* metadata = nullptr;
    uint32_t metadata_count = 0;
    int64_t bucket = std::numeric_limits<int64_t>::min();
    size_t place = 0;  ///< in counts
    bool like(const Recent& o) const {
      return metadata == o.metadata && metadata_count == o.metadata_count && bucket == o.bucket;
    }
  };
  struct StreamCounts {
    std::vector<BlockCount> counts;
    std::array<Recent, 4> recent;  ///< the latest first
  };
  /// Where rows of this bucket and level are counted, among the counts of their stream.
  size_t place_of(int64_t bucket, std::string_view level, uint32_t stream);
  void add_name(std::string_view name);
  static constexpr size_t kMostNames = 64;
  static constexpr size_t kMostEntries = 4096;
  uint32_t rows_ = 0;
  size_t entries_ = 0;
  std::vector<StreamCounts> streams_;
  std::vector<std::string_view> names_;  ///< no more are kept than one beyond kMostNames
};

}  // namespace cordwood
