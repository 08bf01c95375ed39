// SPDX-License-Identifier: Apache-2.0
#include "storage/spilled_block.h"

#include "storage/base/checksum.h"

namespace cordwood {

Result<std::unique_ptr<SealedBlockView>> open_by_entry(const BlockInfo& info, const std::string& entry,
                                                       BlockPlace place, ReadStats* stats) {
  auto sealed = std::make_shared<SealedBlock>();
  sealed->info = info;
  sealed->entry = entry;
  TRY_ASSIGN(const EntryParts parts, decode_entry(sealed->entry));
  sealed->summary = parts.summary;
  sealed->place = std::move(place);
  return open_view(std::move(sealed), stats);
}

Result<std::unique_ptr<SealedBlockView>> open_spilled(const SpilledBlock& block, ReadStats* stats) {
  return open_by_entry(block.info, block.entry, {block.source, block.narrow_offset, block.heap_offset, nullptr}, stats);
}

Result<std::string> read_part(const ByteSource& source, uint64_t offset, uint64_t size, uint64_t checksum) {
  if (size == 0) return std::string();
  TRY_ASSIGN(std::string bytes, source.read(offset, size));
  if (bytes.size() != size || xxh3_64(bytes) != checksum) return Error::corrupt("a part of a block is damaged");
  return bytes;
}

}  // namespace cordwood
