// SPDX-License-Identifier: Apache-2.0
#include "storage/id_list_writer.h"

#include <algorithm>

#include "storage/id_list_choice.h"
#include "storage/piece_writer.h"
#include "storage/spilled_block.h"

namespace cordwood {

namespace {

/// Bytes [begin, end) of every id from `first` on, at most `count` of them.
void gather(const IdCollector& ids, uint32_t first, uint32_t count, uint32_t begin, uint32_t end, std::string* out) {
  out->clear();
  for (uint32_t n = first; n < std::min(ids.size(), first + count); ++n)
    out->append(ids.id(n).substr(begin, end - begin));
}

/// The ids of all cells in their order; they stay where they are as long as `cells` and its view.
Result<std::vector<std::string_view>> ids_of(IdCells* cells) {
  std::vector<std::string_view> ids;
  ids.reserve(cells->listed().cells);
  TRY(cells->for_each([&](uint32_t, std::string_view id) { ids.push_back(id); }));
  return ids;
}

}  // namespace

Result<IdListWriter> IdListWriter::open(const std::vector<SpilledBlock>& blocks) {
  IdListWriter writer(blocks);
  TRY_ASSIGN(writer.columns_, choose_listed_columns(blocks));
  TRY(writer.collect());
  return writer;
}

IdCollector& IdListWriter::collector_of(uint32_t width) {
  for (IdCollector& c : collectors_)
    if (c.width() == width) return c;
  return collectors_.emplace_back(width);
}

Result<void> IdListWriter::collect() {
  ReadStats stats;
  for (size_t b = 0; b < columns_.size(); ++b) {
    if (columns_[b].empty()) continue;
    TRY_ASSIGN(const std::unique_ptr<SealedBlockView> view, open_spilled((*blocks_)[b], &stats));
    std::vector<uint32_t> taken;
    for (const uint32_t c : columns_[b]) {
      TRY_ASSIGN(std::optional<IdCells> cells, IdCells::of(view.get(), view->directory().columns[c]));
      uint64_t ids = cells->listed().cells;
      for (const IdCollector& other : collectors_) ids += other.size();
      if (ids > kMaxIds) continue;
      IdCollector& collector = collector_of(cells->width());
      TRY_ASSIGN(const std::vector<int64_t> times, view->cell_times(c));
      TRY_ASSIGN(const std::vector<std::string_view> texts, ids_of(&*cells));
      if (collector.add(texts, times)) taken.push_back(c);
    }
    columns_[b] = std::move(taken);
  }
  return {};
}

Result<void> IdListWriter::write(uint64_t offset, const Append& append) {
  lists_.offset = offset;
  BlockBuilderOptions options;
  options.frame_rows = IdLists::kTailRows;
  PieceWriter frames(options);
  std::string raw;
  for (IdCollector& ids : collectors_) {
    ids.number();
    lists_.lists.push_back({static_cast<uint8_t>(ids.width()), ids.size()});
    const uint32_t head = ids.width() - IdLists::kTailBytes;
    for (const bool tails : {false, true}) {
      PieceMeta piece;
      piece.heap = true;
      const uint32_t rows = tails ? IdLists::kTailRows : IdLists::kHeadRows;
      for (uint32_t first = 0; first < ids.size(); first += rows) {
        frames.reset();
        gather(ids, first, rows, tails ? head : 0, tails ? ids.width() : head, &raw);
        FrameMeta frame = frames.binary(raw, tails ? IdLists::kTailBytes : head).frames[0];
        frame.first_row = first;
        piece.frames.push_back(frame);
        TRY(append(frames.heap));
      }
      lists_.pieces.push_back(std::move(piece));
    }
  }
  return {};
}

Result<BlockBytes> IdListWriter::rewrite(size_t number) const {
  const SpilledBlock& block = (*blocks_)[number];
  TRY_ASSIGN(const EntryParts parts, decode_entry(block.entry));
  const BlockSummary& summary = parts.summary;
  TRY_ASSIGN(const std::string narrow,
             read_part(*block.source, block.narrow_offset, block.narrow_bytes, summary.narrow_checksum));
  TRY_ASSIGN(const std::string heap,
             read_part(*block.source, block.heap_offset, block.heap_bytes, summary.heap_checksum));
  ReadStats stats;
  TRY_ASSIGN(const std::unique_ptr<SealedBlockView> view, open_spilled(block, &stats));
  const std::vector<uint32_t>& listed = columns_[number];
  return rewrite_columns(
      parts, view->directory(), narrow, heap,
      [&](uint32_t column, ColumnMeta* meta, PieceWriter* writer) -> Result<std::optional<PieceMeta>> {
        if (!std::binary_search(listed.begin(), listed.end(), column)) return std::optional<PieceMeta>();
        TRY_ASSIGN(std::optional<IdCells> cells, IdCells::of(view.get(), view->directory().columns[column]));
        TRY_ASSIGN(const std::vector<int64_t> numbers, numbers_of(&*cells));
        *meta = cells->listed();
        return std::optional(writer->grouped_ints(numbers));
      });
}

Result<std::vector<int64_t>> IdListWriter::numbers_of(IdCells* cells) const {
  const auto ids = std::find_if(collectors_.begin(), collectors_.end(),
                                [&](const IdCollector& c) { return c.width() == cells->width(); });
  TRY_ASSIGN(const std::vector<std::string_view> texts, ids_of(cells));
  std::vector<int64_t> numbers;
  numbers.reserve(texts.size());
  ids->find(texts, &numbers);
  return numbers;
}

}  // namespace cordwood
