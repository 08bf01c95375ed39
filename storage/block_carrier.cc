// SPDX-License-Identifier: Apache-2.0
#include "storage/block_carrier.h"

#include <algorithm>

#include "storage/base/arena.h"
#include "storage/base/checksum.h"
#include "storage/base/niceness.h"
#include "storage/block_ids.h"
#include "storage/block_index.h"
#include "storage/block_rewriter.h"
#include "storage/spilled_block.h"

namespace cordwood {

namespace {

/// Lists that are larger are not kept from block to block.
constexpr uint64_t kMaxKeptListBytes = 16u << 20;

/// The two parts of a block that is at hand.
class PartsSource final : public ByteSource {
 public:
  explicit PartsSource(const EncodedBlock& block) : narrow_(block.narrow), heap_(block.heap) {}
  /// Offsets into narrow part and heap part, one after the other.
  Result<std::string> read(uint64_t offset, uint64_t size) const override {
    const std::string_view part = offset < narrow_.size() ? narrow_ : heap_;
    const uint64_t at = offset < narrow_.size() ? offset : offset - narrow_.size();
    if (at > part.size() || size > part.size() - at) return Error::corrupt("block: a frame lies outside its part");
    return std::string(part.substr(at, size));
  }

 private:
  std::string_view narrow_;
  std::string_view heap_;
};

/// `block` outlives the view.
Result<std::unique_ptr<SealedBlockView>> open_encoded(const EncodedBlock& block, std::shared_ptr<const IdLists> ids,
                                                      ReadStats* stats) {
  return open_by_entry(block.info, block.entry,
                       {std::make_shared<PartsSource>(block), 0, block.narrow.size(), std::move(ids)}, stats);
}

bool is_listed(const ColumnMeta& column) {
  return is_binary(column) && (column.flags & kListed) != 0;
}

Result<std::string> read_listed(SealedBlockView& view, const ColumnMeta& column, IdListReader* ids) {
  const std::optional<uint32_t> list = ids->lists().list_of(binary_width(column));
  if (!list) return Error::corrupt("block: no list has ids of a column's width");
  std::vector<int64_t> numbers;
  TRY(IntPiece(&view.frames(), column.first_piece).decode_all(&numbers));
  std::string binary(numbers.size() * binary_width(column), '\0');
  char* out = binary.data();
  for (const int64_t number : numbers) {
    TRY(ids->copy(*list, number, out));
    out += binary_width(column);
  }
  return binary;
}

/// The index as it would be if the block were sealed now.
Result<void> index_rows(SealedBlockView& view, uint64_t raw_bytes, std::string* out) {
  BlockIndexBuilder index;
  Arena arena(1 << 20);
  index.reset(raw_bytes);
  std::string scratch;
  std::vector<MetadataPair> pairs;
  for (uint32_t row = 0; row < view.row_count(); ++row) {
    TRY_ASSIGN(const std::string_view line, view.line(row, &scratch));
    index.add_text(arena.copy(line));
    pairs.clear();
    TRY(view.metadata(row, &pairs));
    for (const MetadataPair& pair : pairs) index.add_text(arena.copy(pair.value));
  }
  index.finish(out);
  return {};
}

}  // namespace

IdListReader& BlockCarrier::reader_of(const PublishedBlock& source) {
  if (lists_ != source.segment.ids || !ids_ || lists_->bytes() > kMaxKeptListBytes) {
    lists_ = source.segment.ids;
    ids_.emplace(lists_.get(), &stats_);
  }
  return *ids_;
}

FilterParts& BlockCarrier::filters_of(const PublishedBlock& source) {
  const auto& index = source.segment.index;
  return filters_.try_emplace(index, index->filters()).first->second;
}

Result<void> BlockCarrier::unlist(const PublishedBlock& source, EncodedBlock* block) {
  if (source.segment.ids == nullptr) return Error::corrupt("block: ids are listed, but there are no lists");
  TRY_ASSIGN(const EntryParts parts, decode_entry(source.block->entry));
  TRY_ASSIGN(const std::unique_ptr<SealedBlockView> view, open_encoded(*block, source.segment.ids, &stats_));
  IdListReader& ids = reader_of(source);
  TRY_ASSIGN(BlockBytes bytes,
             rewrite_columns(parts, view->directory(), block->narrow, block->heap,
                             [&](uint32_t, ColumnMeta* meta, PieceWriter* writer) -> Result<std::optional<PieceMeta>> {
                               if (!is_listed(*meta)) return std::optional<PieceMeta>();
                               TRY_ASSIGN(const std::string binary, read_listed(*view, *meta, &ids));
                               meta->flags = static_cast<uint8_t>(meta->flags & ~kListed);
                               return std::optional(writer->binary(binary, binary_width(*meta)));
                             }));
  block->entry = std::move(bytes.entry);
  block->narrow = std::move(bytes.narrow);
  block->heap = std::move(bytes.heap);
  return {};
}

Result<EncodedBlock> BlockCarrier::carry(const PublishedBlock& source) {
  const BlockSummary& summary = source.block->summary;
  const BlockPlace& place = source.block->place;
  EncodedBlock out;
  out.info = source.block->info;
  out.entry = source.block->entry;
  TRY_ASSIGN(out.narrow, read_part(*place.source, place.narrow_offset, summary.narrow_bytes, summary.narrow_checksum));
  TRY_ASSIGN(out.heap, read_part(*place.source, place.heap_offset, summary.heap_bytes, summary.heap_checksum));
  TRY_ASSIGN(std::unique_ptr<SealedBlockView> view, open_encoded(out, nullptr, &stats_));
  const std::vector<ColumnMeta>& columns = view->directory().columns;
  if (std::any_of(columns.begin(), columns.end(), is_listed)) {
    TRY(unlist(source, &out));
    TRY_ASSIGN(view, open_encoded(out, nullptr, &stats_));
  }
  std::copy(std::begin(view->directory().form_rows), std::end(view->directory().form_rows), out.forms.rows);
  out.info.stored_bytes = out.narrow.size() + out.heap.size() + out.entry.size();
  if (source.segment.index != nullptr) {
    const Result<FilterParts::Part> part = filters_of(source).of(source.segment.number);
    if (part.ok()) {
      std::vector<uint64_t> ids;
      TRY(collect_block_ids(*view, &ids));
      give_way();
      sort_ids(&ids);
      encode_block_index(part->facts, ids, part->filters, &out.index);
      return out;
    }
  }
  TRY(index_rows(*view, out.info.raw_bytes, &out.index));
  return out;
}

}  // namespace cordwood
