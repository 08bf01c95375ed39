// SPDX-License-Identifier: Apache-2.0
#include "storage/spilled_index.h"

#include <algorithm>
#include <cstring>

#include "storage/base/checksum.h"
#include "storage/text_tokens.h"

namespace cordwood {

namespace {

class IndexedSource final : public BlockSource {
 public:
  IndexedSource(BlockSourcePtr block, std::shared_ptr<const SpilledIndex> index)
      : block_(std::move(block)), index_(std::move(index)) {}
  const BlockInfo& info() const override { return block_->info(); }
  bool in_head() const override { return block_->in_head(); }
  Result<std::unique_ptr<BlockView>> open(ReadStats* stats) const override { return block_->open(stats); }
  std::span<const int64_t> count_widths_ns() const override { return block_->count_widths_ns(); }
  bool may_have_metadata(std::string_view name) const override { return block_->may_have_metadata(name); }
  Result<bool> may_hold(const TextProbe& probe, ReadStats* stats) const override {
    return index_->may_hold(probe, stats);
  }
  Result<std::vector<BlockCount>> counts(size_t table) const override { return block_->counts(table); }
  Result<void> count_columns(size_t table, CountValues values, CountColumns* out) const override {
    return block_->count_columns(table, values, out);
  }

 private:
  const BlockSourcePtr block_;
  const std::shared_ptr<const SpilledIndex> index_;
};

constexpr size_t kIdBytes = BlockIndexHeader::kIdBytes;

uint64_t id_at(std::string_view ids, size_t index) {
  uint64_t id = 0;
  std::memcpy(&id, ids.data() + index * kIdBytes, kIdBytes);
  return id;
}

}  // namespace

Result<std::shared_ptr<const SpilledIndex>> SpilledIndex::make(std::string_view bytes,
                                                               std::shared_ptr<const ByteSource> source,
                                                               uint64_t offset) {
  TRY_ASSIGN(const BlockIndexHeader header, check_block_index(bytes));
  std::shared_ptr<SpilledIndex> index(new SpilledIndex(header, std::move(source), offset));
  const std::string_view ids = bytes.substr(header.ids_offset(), header.ids * kIdBytes);
  for (size_t at = 0; at < ids.size(); at += kPieceIds * kIdBytes) {
    const std::string_view piece = ids.substr(at, kPieceIds * kIdBytes);
    index->pieces_.push_back({id_at(piece, 0), xxh3_64(piece)});
  }
  return std::shared_ptr<const SpilledIndex>(std::move(index));
}

bool SpilledIndex::may_hold(const TextProbe& probe, ReadStats* stats) const {
  if (const auto told = facts_tell(header_.facts, probe)) return *told;
  for (const TextProbe::Id& id : probe.conditions().ids)
    if (ids_tell(header_.facts, id) && !may_have(id, stats)) return false;
  const auto page = [&](uint64_t at, uint64_t size) { return read(header_.filters_offset() + at, size, stats); };
  return pages_may_hold(header_.facts, probe, page, stats);
}

bool SpilledIndex::may_have(const TextProbe::Id& id, ReadStats* stats) const {
  const uint64_t wanted = id.hash >> (64 - kIdHashBits);
  const auto behind = std::upper_bound(pieces_.begin(), pieces_.end(), wanted,
                                       [](uint64_t hash, const Piece& piece) { return hash < piece.first_id; });
  if (behind == pieces_.begin()) return false;
  const auto number = static_cast<uint32_t>(behind - pieces_.begin() - 1);
  const uint32_t first = number * kPieceIds;
  const uint32_t count = std::min(kPieceIds, header_.ids - first);
  const Result<std::string> piece =
      read(header_.ids_offset() + uint64_t{first} * kIdBytes, uint64_t{count} * kIdBytes, stats);
  if (!piece.ok() || checksum_differs(pieces_[number].checksum, xxh3_64(*piece))) {
    ++stats->index_damages;
    return true;
  }
  uint32_t begin = 0;
  for (uint32_t end = count; begin < end;) {
    const uint32_t middle = begin + (end - begin) / 2;
    if (id_at(*piece, middle) < wanted) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return begin < count && id_at(*piece, begin) == wanted;
}

BlockSourcePtr with_index(BlockSourcePtr block, std::shared_ptr<const SpilledIndex> index) {
  return std::make_shared<IndexedSource>(std::move(block), std::move(index));
}

Result<std::string> SpilledIndex::read(uint64_t offset, uint64_t size, ReadStats* stats) const {
  ++stats->index_reads;
  stats->index_bytes += size;
  return source_->read(offset_ + offset, size);
}

}  // namespace cordwood
