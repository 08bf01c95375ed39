// SPDX-License-Identifier: Apache-2.0
#include "storage/id_list_writer.h"

#include <algorithm>

#include "storage/base/checksum.h"
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

Result<IdListWriter::Rewritten> IdListWriter::rewrite(size_t number) const {
  const SpilledBlock& block = (*blocks_)[number];
  TRY_ASSIGN(const EntryParts parts, decode_entry(block.entry));
  BlockSummary summary = parts.summary;
  TRY_ASSIGN(const std::string narrow,
             read_spilled(block, block.narrow_offset, block.narrow_bytes, summary.narrow_checksum));
  TRY_ASSIGN(const std::string heap, read_spilled(block, block.heap_offset, block.heap_bytes, summary.heap_checksum));
  ReadStats stats;
  TRY_ASSIGN(const std::unique_ptr<SealedBlockView> view, open_spilled(block, &stats));
  const BlockDirectory& old = view->directory();
  BlockDirectory directory = old;
  directory.pieces.clear();
  PieceWriter writer{BlockBuilderOptions()};
  const auto copy = [&](uint32_t begin, uint32_t end) {
    for (uint32_t p = begin; p < end; ++p) directory.pieces.push_back(writer.copy(old.pieces[p], narrow, heap));
  };
  copy(0, kFixedPieces);
  auto next = columns_[number].begin();
  for (uint32_t c = 0; c < old.columns.size(); ++c) {
    const uint32_t end = old.columns[c].first_piece + old.columns[c].pieces;
    uint32_t first = old.columns[c].first_piece;
    if (next != columns_[number].end() && *next == c) {
      ++next;
      TRY_ASSIGN(std::optional<IdCells> cells, IdCells::of(view.get(), old.columns[c]));
      TRY_ASSIGN(const std::vector<int64_t> numbers, numbers_of(&*cells));
      directory.columns[c] = cells->listed();
      directory.pieces.push_back(writer.grouped_ints(numbers));
      // What follows the ids are exceptions.
      first = end + 1 - cells->listed().pieces;
    }
    copy(first, end);
  }
  copy(static_cast<uint32_t>(old.pieces.size() - 1), static_cast<uint32_t>(old.pieces.size()));
  summary.narrow_bytes = writer.narrow.size();
  summary.heap_bytes = writer.heap.size();
  summary.narrow_checksum = xxh3_64(writer.narrow);
  summary.heap_checksum = xxh3_64(writer.heap);
  std::vector<std::string> counts;
  for (const EntryParts::Part& table : parts.counts) {
    TRY_ASSIGN(counts.emplace_back(), unpack_part(table));
  }
  Rewritten out;
  encode_entry(summary, directory, counts, BlockBuilderOptions().zstd_level, &out.entry);
  out.narrow = std::move(writer.narrow);
  out.heap = std::move(writer.heap);
  return out;
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
