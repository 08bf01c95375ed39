// SPDX-License-Identifier: Apache-2.0
#include "storage/block_reader.h"

#include <algorithm>
#include <unordered_map>

#include "storage/base/coding.h"
#include "storage/block_shapes.h"
#include "storage/column_reader.h"
#include "storage/needle_search.h"
#include "storage/shape_rows.h"

namespace cordwood {

namespace {

struct MetadataShape {
  std::vector<uint32_t> columns;
  uint32_t derived_count = 0;
  bool packed = false;
};

/// Metadata of a row that is kept packed in one cell.
Result<uint32_t> read_packed_metadata(std::string_view cell, std::vector<MetadataPair>* out) {
  ByteReader in(cell);
  const uint64_t derived = in.varint();
  const size_t before = out->size();
  while (in.remaining() > 0) {
    const std::string_view name = in.string();
    out->push_back({name, in.string()});
  }
  TRY(in.status("packed metadata"));
  if (derived > out->size() - before) return Error::corrupt("packed metadata: counts do not fit");
  return static_cast<uint32_t>(derived);
}

class SealedView final : public SealedBlockView, private SearchedBlock, private RowTexts {
 public:
  SealedView(std::shared_ptr<const SealedBlock> block, BlockDirectory directory, ReadStats* stats)
      : block_(std::move(block)),
        directory_(std::move(directory)),
        stats_(stats),
        frames_(block_->place, &directory_.pieces, stats),
        times_(&frames_, &runs_),
        shared_(&frames_, static_cast<uint32_t>(directory_.pieces.size() - 1)),
        columns_(directory_.columns.size()) {
    if (block_->place.ids != nullptr) ids_.emplace(block_->place.ids.get(), stats);
  }
  Result<void> prepare();

  uint32_t row_count() const override { return block_->summary.rows; }
  std::span<const StreamRun> runs() const override { return runs_; }
  const StreamPtr& stream(uint32_t index) const override { return block_->info.streams[index].stream; }
  Result<std::span<const int64_t>> times() override { return times_.all(); }
  Result<std::string_view> line(uint32_t row, std::string* scratch) override;
  Result<uint64_t> line_bytes(uint32_t row) override;
  Result<void> metadata(uint32_t row, std::vector<MetadataPair>* out) override;
  Result<std::optional<std::string_view>> metadata_value(uint32_t row, std::string_view name) override;
  Result<uint32_t> derived_metadata_count(uint32_t row) override;
  Result<const Shape*> shape(uint32_t row) override;
  Result<std::string_view> cell(uint32_t row, const ShapeSlot& slot, std::string* scratch) override;
  Result<std::optional<int64_t>> integer_cell(uint32_t row, const ShapeSlot& slot) override;
  Result<RowBits> rows_with_text(TextNeedle needle, TextPlace place) override {
    if (place == TextPlace::line) return search_lines(*this, *this, raw_column_, needle);
    return search_metadata(*this, *this, metadata_list_, packed_column_, needle);
  }
  bool searches_at_once() const override { return true; }
  BlockColumns* columns() override { return this; }
  std::optional<uint64_t> settle(bool slim) override;
  void begin_again(ReadStats* stats) override {
    stats_ = stats;
    frames_.begin_again(stats);
    if (ids_) ids_->begin_again(stats);
  }
  const BlockDirectory& directory() const override { return directory_; }
  BlockFrames& frames() override { return frames_; }
  Result<std::vector<int64_t>> cell_times(uint32_t column) override;

 private:
  /// A column with the ranks of its rows.
  struct OpenColumn {
    std::unique_ptr<ColumnReader> reader;
    const RowRanks* ranks = nullptr;
    uint32_t idle = 0;  ///< times that the view was settled since somebody asked for the column
  };
  Result<std::span<const Shape>> shapes() override {
    TRY(load_shapes());
    return std::span<const Shape>(shapes_.all());
  }
  Result<const ShapeRows*> shape_rows() override {
    if (!shape_rows_.loaded()) TRY(load_shape_rows());
    return &shape_rows_;
  }
  Result<ColumnReader*> reader(uint32_t index) override {
    OpenColumn& c = columns_[index];
    c.idle = 0;
    if (c.reader == nullptr) {
      const ColumnReader::Block block{&frames_, &times_, &shared_, ids_ ? &*ids_ : nullptr, this};
      TRY_ASSIGN(c.reader, ColumnReader::open(directory_.columns[index], block));
    }
    return c.reader.get();
  }
  Result<const RowRanks*> ranks(uint32_t index) override {
    TRY_ASSIGN(const OpenColumn* c, column(index));
    return c->ranks;
  }
  Result<const ColumnCells*> cells(uint32_t index) override {
    TRY_ASSIGN(ColumnReader * r, reader(index));
    return r->cells();
  }
  Result<std::span<const uint32_t>> cell_ids(uint32_t index) override {
    TRY_ASSIGN(ColumnReader * r, reader(index));
    return r->cell_ids();
  }
  Result<std::span<const int64_t>> cell_numbers(uint32_t index) override {
    TRY_ASSIGN(ColumnReader * r, reader(index));
    return r->cell_numbers();
  }
  Result<void> find_ids(uint32_t index, std::span<const uint8_t> wanted, RowBits* cells) override {
    TRY_ASSIGN(ColumnReader * r, reader(index));
    return r->find_ids(wanted, cells);
  }
  Result<void> find_numbers(uint32_t index, int64_t least, int64_t most, bool outside, RowBits* cells) override {
    TRY_ASSIGN(ColumnReader * r, reader(index));
    return r->find_numbers(least, most, outside, cells);
  }
  Result<TextHits> find_in_lines(TextNeedle needle) override {
    return search_lines_by_column(*this, *this, raw_column_, needle);
  }
  Result<bool> append_around(uint32_t row, uint32_t column, size_t before, size_t behind, std::string* out) override;
  Result<PatternReader*> pattern(uint32_t index) override {
    TRY_ASSIGN(ColumnReader * r, reader(index));
    return r->pattern();
  }
  Result<RenderedReader*> rendered(uint32_t index) override {
    TRY_ASSIGN(ColumnReader * r, reader(index));
    return r->rendered();
  }
  Result<std::string_view> row_text(uint32_t index, uint32_t row, std::string* scratch) override {
    return cell_text(index, row, scratch, false);
  }
  Result<uint64_t> row_text_bytes(uint32_t index, uint32_t row) override {
    TRY_ASSIGN(const PlacedCell at, cell_of(index, row));
    return at.reader->text_bytes(at.cell, row);
  }
  std::optional<uint32_t> metadata_column(std::string_view name) const override {
    const auto found = metadata_columns_.find(name);
    return found != metadata_columns_.end() ? std::optional(found->second) : std::nullopt;
  }
  bool metadata_is_plain() const override {
    return packed_column_ == UINT32_MAX && metadata_columns_.size() == metadata_list_.size();
  }
  /// Forgets what takes much room; what a view of a column or of times was given is void.
  void make_slim();
  /// All that was read of a column.
  void forget_column(uint32_t index);
  Result<void> load_shapes() { return shapes_.load(&frames_, directory_); }
  Result<void> load_shape_rows();
  Result<void> load_metadata_shapes();
  Result<MetadataShape> parse_metadata_shape(std::string_view text) const;
  /// Of lines or of metadata.
  Result<OpenColumn*> open_column(uint32_t index);
  Result<OpenColumn*> column(uint32_t index) {
    if (columns_[index].ranks != nullptr) return &columns_[index];
    return open_column(index);
  }
  struct PlacedCell {
    ColumnReader* reader = nullptr;
    uint32_t cell = 0;
  };
  Result<PlacedCell> cell_of(uint32_t column_index, uint32_t row);
  Result<std::string_view> cell_text(uint32_t column_index, uint32_t row, std::string* scratch, bool lasting);
  /// What lines of a shape have in common as to their size, and the columns that add to it.
  struct LineBytes {
    uint64_t common = 0;
    std::vector<uint32_t> columns;
  };
  Result<const LineBytes*> line_bytes_of(uint32_t shape_id);
  /// Those of every row.
  Result<std::vector<uint32_t>> all_line_bytes();

  std::shared_ptr<const SealedBlock> block_;
  BlockDirectory directory_;
  ReadStats* stats_;
  std::vector<StreamRun> runs_;
  BlockFrames frames_;
  TimePiece times_;
  TextPiece shared_;
  std::optional<IdListReader> ids_;
  std::vector<OpenColumn> columns_;
  BlockShapes shapes_;
  std::vector<std::optional<LineBytes>> line_bytes_;  ///< by shape id - 1; empty until somebody asks
  std::vector<uint32_t> line_bytes_of_row_;           ///< empty until many were asked for
  uint32_t line_bytes_asked_ = 0;                     ///< of single rows
  ShapeRows shape_rows_;
  std::vector<MetadataShape> metadata_shapes_;
  ShapeRows metadata_rows_;
  std::vector<std::vector<uint32_t>> metadata_with_;                 ///< by column: ids of metadata shapes that have it
  std::vector<uint32_t> metadata_list_;                              ///< all columns that hold metadata values
  std::unordered_map<std::string_view, uint32_t> metadata_columns_;  ///< first occurrence of each name
  uint32_t raw_column_ = UINT32_MAX;
  uint32_t packed_column_ = UINT32_MAX;
  std::string cell_scratch_;
};

Result<void> SealedView::prepare() {
  const auto add_run = [this](const auto& run) {
    const uint32_t begin = runs_.empty() ? 0 : runs_.back().row_end;
    runs_.push_back({static_cast<uint32_t>(runs_.size()), begin, begin + run.rows, run.time_min_ns, run.time_max_ns});
  };
  for (const BlockSummary::Run& run : block_->summary.runs) add_run(run);
  if (runs_.empty()) {
    for (const BlockStream& run : block_->info.streams) add_run(run);
  }
  if (directory_.pieces[kTimesPiece].rows() != block_->summary.rows)
    return Error::corrupt("block: times do not match the rows");
  for (uint32_t c = 0; c < directory_.columns.size(); ++c) {
    const ColumnMeta& meta = directory_.columns[c];
    if (meta.source == ColumnSource::raw) {
      if (raw_column_ != UINT32_MAX) return Error::corrupt("block: two columns of raw lines");
      raw_column_ = c;
    }
    if (meta.source == ColumnSource::packed_metadata) packed_column_ = c;
    if (meta.source != ColumnSource::metadata) continue;
    if (meta.path.size() != 1) return Error::corrupt("block: a metadata column without a name");
    metadata_list_.push_back(c);
    if (meta.occurrence == 0) metadata_columns_.emplace(meta.path[0], c);
  }
  return {};
}

Result<void> SealedView::load_shape_rows() {
  TRY(load_shapes());
  return shape_rows_.load(&frames_, kShapeIdsPiece, row_count(), directory_.shape_count + 1);
}

Result<MetadataShape> SealedView::parse_metadata_shape(std::string_view text) const {
  MetadataShape shape;
  ByteReader in(text);
  const uint64_t derived = in.varint();
  const uint64_t count = in.count(1);
  shape.columns.reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t column = in.varint();
    if (column >= directory_.columns.size()) return Error::corrupt("block: metadata names an unknown column");
    const ColumnSource source = directory_.columns[column].source;
    shape.packed = shape.packed || source == ColumnSource::packed_metadata;
    if (source != ColumnSource::metadata && source != ColumnSource::packed_metadata) {
      return Error::corrupt("block: metadata names a column of lines");
    }
    shape.columns.push_back(static_cast<uint32_t>(column));
  }
  TRY(in.finish("metadata shape"));
  if (derived > count || (shape.packed && count != 1)) return Error::corrupt("block: a metadata shape is malformed");
  shape.derived_count = static_cast<uint32_t>(derived);
  return shape;
}

Result<void> SealedView::load_metadata_shapes() {
  if (metadata_rows_.loaded()) return {};
  TextPiece texts(&frames_, kMetadataShapesPiece);
  if (texts.rows() != directory_.metadata_shape_count)
    return Error::corrupt("block: number of metadata shapes differs");
  metadata_shapes_.clear();
  metadata_shapes_.reserve(directory_.metadata_shape_count);
  metadata_with_.assign(directory_.columns.size(), {});
  for (uint32_t i = 0; i < directory_.metadata_shape_count; ++i) {
    TRY_ASSIGN(const std::string_view text, texts.get(i));
    TRY_ASSIGN(MetadataShape shape, parse_metadata_shape(text));
    for (const uint32_t c : shape.columns) {
      std::vector<uint32_t>& with = metadata_with_[c];
      if (!with.empty() && with.back() == i) return Error::corrupt("block: a metadata shape names a column twice");
      with.push_back(i);
    }
    metadata_shapes_.push_back(std::move(shape));
  }
  return metadata_rows_.load(&frames_, kMetadataShapeIdsPiece, row_count(), directory_.metadata_shape_count);
}

Result<SealedView::OpenColumn*> SealedView::open_column(uint32_t index) {
  OpenColumn& c = columns_[index];
  const ColumnMeta& meta = directory_.columns[index];
  const bool of_metadata = meta.source == ColumnSource::metadata || meta.source == ColumnSource::packed_metadata;
  if (of_metadata) TRY(load_metadata_shapes());
  if (!of_metadata && !shape_rows_.loaded()) TRY(load_shape_rows());
  TRY(reader(index));
  const RowRanks& ranks =
      of_metadata ? metadata_rows_.ranks(metadata_with_[index]) : shape_rows_.ranks(shapes_.with(index));
  if (ranks.count() != meta.cells) return Error::corrupt("block: cells of a column do not match its rows");
  c.ranks = &ranks;
  return &c;
}

Result<std::vector<int64_t>> SealedView::cell_times(uint32_t index) {
  TRY_ASSIGN(const OpenColumn* c, column(index));
  TRY_ASSIGN(const std::span<const int64_t> all, times_.all());
  std::vector<int64_t> times;
  times.reserve(c->ranks->count());
  for (uint32_t row = 0; row < all.size(); ++row)
    if (c->ranks->has(row)) times.push_back(all[row]);
  return times;
}

Result<SealedView::PlacedCell> SealedView::cell_of(uint32_t column_index, uint32_t row) {
  TRY_ASSIGN(OpenColumn * c, column(column_index));
  if (!c->ranks->has(row)) return Error::corrupt("block: a row lacks a cell");
  return PlacedCell{c->reader.get(), c->ranks->rank(row)};
}

Result<std::string_view> SealedView::cell_text(uint32_t column_index, uint32_t row, std::string* scratch,
                                               bool lasting) {
  TRY_ASSIGN(const PlacedCell at, cell_of(column_index, row));
  return lasting ? at.reader->lasting_text(at.cell, row) : at.reader->text(at.cell, row, scratch);
}

void SealedView::forget_column(uint32_t index) {
  const ColumnMeta& meta = directory_.columns[index];
  columns_[index].reader.reset();
  for (uint32_t i = 0; i < meta.pieces; ++i) frames_.forget(meta.first_piece + i);
}

void SealedView::make_slim() {
  // A piece as small as this was packed well, and takes more work to read than room to keep.
  constexpr uint64_t kMostKeptBytes = 8u << 10;
  const auto is_large = [this](uint32_t piece) { return directory_.pieces[piece].raw_bytes() > kMostKeptBytes; };
  times_.forget();
  shape_rows_.forget_ids();
  metadata_rows_.forget_ids();
  for (uint32_t piece = 0; piece < kFixedPieces; ++piece) {
    if (piece != kShapesPiece && is_large(piece)) frames_.forget(piece);
  }
  for (uint32_t c = 0; c < columns_.size(); ++c) {
    const ColumnMeta& meta = directory_.columns[c];
    bool large = meta.type == ColumnType::shared;
    for (uint32_t i = 0; i < meta.pieces; ++i) large = large || is_large(meta.first_piece + i);
    if (large) forget_column(c);
  }
  const uint32_t shared = static_cast<uint32_t>(directory_.pieces.size() - 1);
  shared_ = TextPiece(&frames_, shared);
  frames_.forget(shared);
}

std::optional<uint64_t> SealedView::settle(bool slim) {
  // Many queries may read the block, each some columns: what none of so many wanted goes.
  constexpr uint32_t kMostIdle = 8;
  for (uint32_t c = 0; c < columns_.size(); ++c) {
    columns_[c].ranks = nullptr;
    if (columns_[c].reader != nullptr && ++columns_[c].idle > kMostIdle) forget_column(c);
  }
  if (slim) make_slim();
  line_bytes_asked_ = 0;
  std::vector<uint32_t>().swap(line_bytes_of_row_);
  constexpr uint64_t kColumnBytes = 256;  // with what the directory and the lists here say of one
  uint64_t bytes = sizeof(*this) + columns_.size() * kColumnBytes + shapes_.memory_bytes() + frames_.settle();
  bytes += times_.memory_bytes() + shared_.memory_bytes() + shape_rows_.memory_bytes() + metadata_rows_.memory_bytes();
  if (ids_) bytes += ids_->settle(slim);
  for (OpenColumn& column : columns_) bytes += column.reader != nullptr ? column.reader->settle(slim) : 0;
  return bytes;
}

Result<std::string_view> SealedView::line(uint32_t row, std::string* scratch) {
  CHECK(row < row_count(), "row {} of {}", row, row_count());
  if (!shape_rows_.loaded()) TRY(load_shape_rows());
  ++stats_->lines_rendered;
  const uint32_t id = shape_rows_.shape(row);
  if (id == 0) {
    if (raw_column_ == UINT32_MAX) return Error::corrupt("block: a raw row but no raw column");
    return cell_text(raw_column_, row, scratch, false);
  }
  const Shape& shape = shapes_.of_id(id);
  scratch->clear();
  for (size_t i = 0; i < shape.slots.size(); ++i) {
    scratch->append(shape.constants[i]);
    TRY_ASSIGN(const std::string_view text, cell_text(shape.slots[i].column, row, &cell_scratch_, false));
    scratch->append(text);
  }
  scratch->append(shape.constants.back());
  return std::string_view(*scratch);
}

Result<const SealedView::LineBytes*> SealedView::line_bytes_of(uint32_t shape_id) {
  if (line_bytes_.empty()) line_bytes_.resize(shapes_.all().size());
  std::optional<LineBytes>& known = line_bytes_[shape_id - 1];
  if (known) return &*known;
  LineBytes bytes;
  const Shape& shape = shapes_.of_id(shape_id);
  for (const std::string_view constant : shape.constants) bytes.common += constant.size();
  for (const ShapeSlot& slot : shape.slots) {
    TRY_ASSIGN(const ColumnReader* r, reader(slot.column));
    if (const auto same = r->same_text_bytes()) {
      bytes.common += *same;
    } else {
      bytes.columns.push_back(slot.column);
    }
  }
  known = std::move(bytes);
  return &*known;
}

Result<std::vector<uint32_t>> SealedView::all_line_bytes() {
  if (!shape_rows_.loaded()) TRY(load_shape_rows());
  std::vector<uint32_t> common(shapes_.all().size() + 1);
  std::vector<bool> adds(columns_.size());
  if (raw_column_ != UINT32_MAX) {
    adds[raw_column_] = true;
  } else if (shape_rows_.used(0)) {
    return Error::corrupt("block: a raw row but no raw column");
  }
  for (uint32_t id = 1; id < common.size(); ++id) {
    if (!shape_rows_.used(id)) continue;
    TRY_ASSIGN(const LineBytes* known, line_bytes_of(id));
    common[id] = static_cast<uint32_t>(known->common);
    for (const uint32_t index : known->columns) adds[index] = true;
  }
  std::vector<uint32_t> bytes(row_count());
  for (uint32_t row = 0; row < bytes.size(); ++row) bytes[row] = common[shape_rows_.shape(row)];
  std::vector<uint32_t> sizes;
  for (uint32_t index = 0; index < adds.size(); ++index) {
    if (!adds[index]) continue;
    TRY_ASSIGN(const OpenColumn* c, column(index));
    TRY(c->reader->text_sizes(*c->ranks, &sizes));
    c->ranks->for_each([&](uint32_t cell, uint32_t row) { bytes[row] += sizes[cell]; });
  }
  return bytes;
}

Result<uint64_t> SealedView::line_bytes(uint32_t row) {
  CHECK(row < row_count(), "row {} of {}", row, row_count());
  if (!line_bytes_of_row_.empty()) return line_bytes_of_row_[row];
  constexpr uint32_t kFewOf = 16;
  if (++line_bytes_asked_ == 1 + row_count() / kFewOf) {
    // Where something is damaged, rows beside it are told one by one.
    if (auto all = all_line_bytes(); all.ok()) line_bytes_of_row_ = *std::move(all);
  }
  if (!shape_rows_.loaded()) TRY(load_shape_rows());
  const uint32_t id = shape_rows_.shape(row);
  if (id == 0) {
    TRY_ASSIGN(const std::string_view text, line(row, &cell_scratch_));
    return uint64_t{text.size()};
  }
  TRY_ASSIGN(const LineBytes* known, line_bytes_of(id));
  uint64_t bytes = known->common;
  for (const uint32_t index : known->columns) {
    TRY_ASSIGN(const uint64_t cell_bytes, row_text_bytes(index, row));
    bytes += cell_bytes;
  }
  return bytes;
}

Result<bool> SealedView::append_around(uint32_t row, uint32_t column, size_t before, size_t behind, std::string* out) {
  CHECK(row < row_count(), "row {} of {}", row, row_count());
  if (!shape_rows_.loaded()) TRY(load_shape_rows());
  const uint32_t id = shape_rows_.shape(row);
  if (id == 0) return false;
  const Shape& shape = shapes_.of_id(id);
  const auto slot =
      std::find_if(shape.slots.begin(), shape.slots.end(), [column](const ShapeSlot& s) { return s.column == column; });
  if (slot == shape.slots.end()) return Error::corrupt("block: a row lacks a cell");
  const auto index = static_cast<size_t>(slot - shape.slots.begin());
  const std::string_view left = shape.constants[index], right = shape.constants[index + 1];
  // Nothing is cut where the line begins or ends, and between two bytes of ASCII no rune.
  const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  const bool begins = index == 0, ends = index + 1 == shape.slots.size();
  if (!begins && (left.size() < before || left.empty() || !is_ascii(left.front()))) return false;
  if (!ends && (right.size() < behind || right.empty() || !is_ascii(right.back()))) return false;
  out->append(left);
  TRY_ASSIGN(const std::string_view text, cell_text(column, row, &cell_scratch_, false));
  out->append(text);
  out->append(right);
  return true;
}

Result<void> SealedView::metadata(uint32_t row, std::vector<MetadataPair>* out) {
  CHECK(row < row_count(), "row {} of {}", row, row_count());
  TRY(load_metadata_shapes());
  const MetadataShape& shape = metadata_shapes_[metadata_rows_.shape(row)];
  for (const uint32_t c : shape.columns) {
    TRY_ASSIGN(const std::string_view text, cell_text(c, row, nullptr, true));
    if (shape.packed) {
      TRY(read_packed_metadata(text, out));
    } else {
      out->push_back({directory_.columns[c].path[0], text});
    }
  }
  return {};
}

Result<std::optional<std::string_view>> SealedView::metadata_value(uint32_t row, std::string_view name) {
  CHECK(row < row_count(), "row {} of {}", row, row_count());
  const auto found = metadata_columns_.find(name);
  if (found != metadata_columns_.end()) {
    TRY_ASSIGN(OpenColumn * c, column(found->second));
    if (c->ranks->has(row)) {
      TRY_ASSIGN(const std::string_view text, c->reader->lasting_text(c->ranks->rank(row), row));
      return std::optional<std::string_view>(text);
    }
  }
  if (packed_column_ == UINT32_MAX) return std::optional<std::string_view>();
  TRY_ASSIGN(OpenColumn * packed, column(packed_column_));
  if (!packed->ranks->has(row)) return std::optional<std::string_view>();
  std::vector<MetadataPair> pairs;
  TRY(metadata(row, &pairs));
  for (const MetadataPair& pair : pairs)
    if (pair.name == name) return std::optional<std::string_view>(pair.value);
  return std::optional<std::string_view>();
}

Result<uint32_t> SealedView::derived_metadata_count(uint32_t row) {
  CHECK(row < row_count(), "row {} of {}", row, row_count());
  TRY(load_metadata_shapes());
  const MetadataShape& shape = metadata_shapes_[metadata_rows_.shape(row)];
  if (!shape.packed) return shape.derived_count;
  TRY_ASSIGN(const std::string_view text, cell_text(shape.columns[0], row, nullptr, true));
  std::vector<MetadataPair> pairs;
  return read_packed_metadata(text, &pairs);
}

Result<const Shape*> SealedView::shape(uint32_t row) {
  CHECK(row < row_count(), "row {} of {}", row, row_count());
  if (!shape_rows_.loaded()) TRY(load_shape_rows());
  const uint32_t id = shape_rows_.shape(row);
  const Shape* shape = id == 0 ? nullptr : &shapes_.of_id(id);
  return shape;
}

Result<std::string_view> SealedView::cell(uint32_t row, const ShapeSlot& slot, std::string* scratch) {
  CHECK(row < row_count() && slot.column < columns_.size(), "row {}, column {}", row, slot.column);
  return cell_text(slot.column, row, scratch, false);
}

Result<std::optional<int64_t>> SealedView::integer_cell(uint32_t row, const ShapeSlot& slot) {
  CHECK(row < row_count() && slot.column < columns_.size(), "row {}, column {}", row, slot.column);
  if (directory_.columns[slot.column].type != ColumnType::integer) return std::optional<int64_t>();
  TRY_ASSIGN(OpenColumn * c, column(slot.column));
  if (!c->ranks->has(row)) return std::optional<int64_t>();
  return c->reader->integer(c->ranks->rank(row));
}

}  // namespace

Result<std::unique_ptr<SealedBlockView>> open_view(std::shared_ptr<const SealedBlock> block, ReadStats* stats) {
  TRY_ASSIGN(const EntryParts parts, decode_entry(block->entry));
  TRY_ASSIGN(const std::string raw, unpack_part(parts.directory));
  TRY_ASSIGN(BlockDirectory directory, decode_directory(raw, parts.summary));
  auto view = std::make_unique<SealedView>(std::move(block), std::move(directory), stats);
  TRY(view->prepare());
  return std::unique_ptr<SealedBlockView>(std::move(view));
}

}  // namespace cordwood
