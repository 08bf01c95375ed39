// SPDX-License-Identifier: Apache-2.0
#include "storage/spilled_block.h"

#include "storage/base/checksum.h"

namespace cordwood {

Result<std::unique_ptr<SealedBlockView>> open_spilled(const SpilledBlock& block, ReadStats* stats) {
  auto sealed = std::make_shared<SealedBlock>();
  sealed->info = block.info;
  sealed->entry = block.entry;
  TRY_ASSIGN(const EntryParts parts, decode_entry(sealed->entry));
  sealed->summary = parts.summary;
  sealed->place = {block.source, block.narrow_offset, block.heap_offset, nullptr};
  return open_view(std::move(sealed), stats);
}

Result<std::string> read_spilled(const SpilledBlock& block, uint64_t offset, uint64_t size, uint64_t checksum) {
  if (size == 0) return std::string();
  TRY_ASSIGN(std::string bytes, block.source->read(offset, size));
  if (bytes.size() != size || xxh3_64(bytes) != checksum) return Error::corrupt("a spilled block is damaged");
  return bytes;
}

}  // namespace cordwood
