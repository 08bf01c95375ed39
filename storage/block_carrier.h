// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "storage/block_builder.h"
#include "storage/block_reader.h"
#include "storage/id_list.h"
#include "storage/segment.h"
#include "storage/segment_index.h"

namespace cordwood {

/// A whole block of a segment, and what it shares with the segment's others.
struct PublishedBlock {
  std::shared_ptr<const SealedBlock> block;
  SegmentShare segment;
};
/// Nothing for blocks of the head, damaged ones, those of which rows are hidden, and those whose entry is of an older
/// version.
std::optional<PublishedBlock> published_block(const BlockSource& source);

/// Takes blocks of segments over into other segments without looking at their rows: their bytes, their filters and what
/// is known of their text stay; ids that their segment lists become columns again; which ids they hold is read from
/// their columns.  One thread at a time.
class BlockCarrier {
 public:
  /// corrupt when the bytes are not what was written; io, unavailable.
  Result<EncodedBlock> carry(const PublishedBlock& source);

 private:
  /// The block without columns of listed ids.
  Result<void> unlist(const PublishedBlock& source, EncodedBlock* block);
  IdListReader& reader_of(const PublishedBlock& source);
  FilterParts& filters_of(const PublishedBlock& source);

  std::shared_ptr<const IdLists> lists_;  ///< of the block before
  std::optional<IdListReader> ids_;
  std::map<std::shared_ptr<const SegmentIndex>, FilterParts> filters_;  ///< of all segments that blocks came from
  ReadStats stats_;
};

}  // namespace cordwood
