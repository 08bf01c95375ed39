// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/block_index.h"
#include "storage/filter_slices.h"
#include "storage/id_table.h"
#include "storage/segment_format.h"

namespace cordwood {

/// What a segment keeps of its id table and filters in memory; lies at the end of the filter section, so that it is
/// read with the tail.
struct SegmentIndexDirectory {
  IdTableShape ids;
  std::vector<BlockTextFacts> blocks;
  /// How the filters lie, and where; not stored, but told by the sizes of them all.
  std::shared_ptr<const SlicedFilters> slices;  ///< null: in pages, those of one block behind those of another
  std::vector<uint64_t> page_offsets;           ///< of each block's filters, if they are in pages

  /// Works out where the filters of `blocks` lie; how many bytes they have.
  uint64_t place_filters(bool in_slices);

  /// Bytes of its trailer: how many bytes the directory has, checksum.
  static constexpr size_t kTrailerBytes = 12;
  void encode(std::string* out) const;
  /// `bytes`: from wherever, to the end of the filter section.  corrupt when it does not hold or does not begin there.
  static Result<SegmentIndexDirectory> decode(std::string_view bytes, const SegmentFooter& footer);
  /// How many bytes it has with its trailer.
  static Result<uint64_t> encoded_bytes(std::string_view trailer, const SegmentFooter& footer);
};

}  // namespace cordwood
