// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "storage/segment.h"
#include "storage/text_index.h"

namespace cordwood {

/// Answers BlockSource::may_hold() for a block that is in no segment yet, from the index that was spilled with it: an
/// id or a word takes a read of a page.  Thread-safe.
class SpilledIndex {
 public:
  /// `bytes` is EncodedBlock::index, and lies at `offset` of `source`.  corrupt when it does not hold.
  static Result<std::shared_ptr<const SpilledIndex>> make(std::string_view bytes,
                                                          std::shared_ptr<const ByteSource> source, uint64_t offset);
  /// Damage rules nothing out; `stats` counts it.
  bool may_hold(const TextProbe& probe, ReadStats* stats) const;

 private:
  /// Some ids that are read together.
  struct Piece {
    uint64_t first_id = 0;
    uint64_t checksum = 0;
  };
  static constexpr uint32_t kPieceIds = 680;  ///< a page

  SpilledIndex(const BlockIndexHeader& header, std::shared_ptr<const ByteSource> source, uint64_t offset)
      : header_(header), source_(std::move(source)), offset_(offset) {}
  /// Whether it may have the id, as far as the ids themselves tell.
  bool may_have(const TextProbe::Id& id, ReadStats* stats) const;
  Result<std::string> read(uint64_t offset, uint64_t size, ReadStats* stats) const;

  const BlockIndexHeader header_;
  const std::shared_ptr<const ByteSource> source_;
  const uint64_t offset_;
  std::vector<Piece> pieces_;
};

/// The block, ruled out by `index`, too.
BlockSourcePtr with_index(BlockSourcePtr block, std::shared_ptr<const SpilledIndex> index);

}  // namespace cordwood
