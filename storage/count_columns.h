// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "storage/block_view.h"

namespace cordwood {

/// Which values of a count table are wanted: each with those before it.
enum class CountValues : uint8_t { rows, line_bytes, all };

/// A count table, column by column: entry i counts rows of streams[i], buckets[i] and levels[level_ids[i]].
struct CountColumns {
  std::vector<std::string_view> levels;
  std::vector<uint32_t> streams;  ///< ascending
  std::vector<int64_t> buckets;   ///< of one stream ascending
  std::vector<uint32_t> level_ids;
  std::vector<uint64_t> rows;
  std::vector<uint64_t> line_bytes;  ///< empty unless wanted, as the next
  std::vector<uint64_t> metadata_bytes;

  size_t size() const { return streams.size(); }
};

CountColumns to_columns(const std::vector<BlockCount>& counts);
/// Of columns with all values.
std::vector<BlockCount> to_counts(const CountColumns& columns);

}  // namespace cordwood
