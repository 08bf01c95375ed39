// SPDX-License-Identifier: Apache-2.0
#include "storage/block_builder.h"

#include <algorithm>
#include <functional>

#include "storage/base/checksum.h"
#include "storage/base/coding.h"
#include "storage/base/same_text.h"
#include "storage/block_count_table.h"
#include "storage/block_entry.h"
#include "storage/block_index.h"
#include "storage/column_writer.h"
#include "storage/line_shredder.h"
#include "storage/metadata_shapes.h"
#include "storage/piece_writer.h"
#include "storage/row_cells.h"
#include "storage/text_tokens.h"

namespace cordwood {

namespace {

/// What the index takes as columns of metadata: numbers that lines rarely have.
constexpr uint32_t kMetadataColumns = 960;

LineShredderLimits shredder_limits(const BlockBuilderOptions& o) {
  LineShredderLimits limits;
  limits.max_shapes = o.max_shapes;
  limits.max_columns = o.max_columns;
  return limits;
}

/// Whether constants and cells in turn are the line.
bool renders_to(const Shape& shape, std::span<const std::string_view> cells, std::string_view line) {
  if (cells.size() != shape.slots.size()) return false;
  const auto take = [&line](std::string_view part) {
    // Cells are views into the line: those that lie here need no look.
    if (part.size() > line.size()) return false;
    if (part.data() != line.data() && !same_bytes(part.data(), line.data(), part.size())) return false;
    line.remove_prefix(part.size());
    return true;
  };
  for (size_t i = 0; i < cells.size(); ++i)
    if (!take(shape.constants[i]) || !take(cells[i])) return false;
  return line == shape.constants.back();
}

/// Whether every cell of the shape begins and ends where a token, an UUID and an escape do: then the index can take
/// constants and cells one by one.
bool has_clear_edges(const Shape& shape) {
  for (size_t i = 0; i < shape.slots.size(); ++i) {
    const std::string_view before = shape.constants[i];
    const std::string_view after = shape.constants[i + 1];
    if (before.empty() ? i > 0 : is_token_char(before.back()) || before.back() == '-' || before.back() == '\\')
      return false;
    if (after.empty() ? i + 1 < shape.slots.size()
                      : is_token_char(after.front()) || after.front() == '-' || after.front() == '\\')
      return false;
  }
  return true;
}

ColumnSource source_of(ColumnKey::Source source) {
  switch (source) {
    case ColumnKey::Source::metadata: return ColumnSource::metadata;
    case ColumnKey::Source::json: return ColumnSource::json;
    case ColumnKey::Source::logfmt: return ColumnSource::logfmt;
    case ColumnKey::Source::text: return ColumnSource::text;
  }
  return ColumnSource::raw;
}

}  // namespace

struct BlockBuilder::Impl {
  explicit Impl(BlockBuilderOptions o)
      : options(o), shredder(shredder_limits(o)), metadata(o.max_shapes, o.max_columns), pieces(o), columns(&pieces) {}

  /// Marks, by id, the shapes that have the column at hand; called only when the rows of its cells must be known.
  using MarkShapes = std::function<void(std::vector<bool>*)>;

  void shred_rows();
  void take_line(std::string_view line);
  void index_line(std::string_view line, uint32_t shape);
  uint32_t stored_shape(uint32_t shape);
  BlockInfo make_info(BlockSummary* summary);
  void write_fixed_pieces();
  void write_columns();
  /// A column and where its cells come from.
  struct ColumnInput {
    std::span<const std::string_view> cells;
    ColumnSource source = ColumnSource::raw;
    std::vector<std::string> path;
    uint32_t occurrence = 0;
    std::span<const int64_t> shape_ids;  ///< by row
    MarkShapes mark;
    ForEachRow others;
  };
  void write_column(ColumnInput column);
  void write_metadata_columns();
  void for_each_row_with(uint32_t column, const TakeRow& take);
  void encode_shapes(std::vector<std::string>* out) const;
  void encode_metadata_shapes(std::vector<std::string>* out) const;
  EncodedBlock build(const BlockInput& block);

  const BlockBuilderOptions options;
  LineShredder shredder;
  MetadataShapes metadata;
  PieceWriter pieces;
  ColumnWriter columns;
  BlockIndexBuilder index;

  const BlockInput* input = nullptr;
  BlockDirectory directory;
  std::vector<std::string_view> line_cells;          ///< of the line at hand
  std::vector<std::vector<std::string_view>> cells;  ///< by the shredder's columns
  std::vector<std::string_view> raw_cells;
  std::vector<int64_t> shape_ids;           ///< by row; 0 is raw
  std::vector<int64_t> metadata_shape_ids;  ///< by row
  std::vector<uint32_t> shape_map;          ///< shredder's shape -> stored id, 0 when not used yet
  std::vector<bool> clear_shapes;           ///< stored id - 1 -> has_clear_edges()
  std::vector<uint32_t> used_shapes;        ///< stored id - 1 -> shredder's shape
  std::vector<uint32_t> column_map;         ///< shredder's column -> stored column
  std::vector<bool> rendered;               ///< stored column -> it is made of others
  std::vector<bool> rendered_from;          ///< stored column -> others are made of it
  RowCells places;
  bool places_known = false;  ///< `places` are those of the block at hand
  std::vector<RowCell> row_cells;
  std::vector<uint32_t> run_begins;
  std::vector<uint32_t> run_of_stream;
  std::vector<int64_t> scratch_times;
};

uint32_t BlockBuilder::Impl::stored_shape(uint32_t shape) {
  if (shape_map.size() <= shape) shape_map.resize(shape + 1, 0);
  if (shape_map[shape] == 0) {
    used_shapes.push_back(shape);
    shape_map[shape] = static_cast<uint32_t>(used_shapes.size());
  }
  return shape_map[shape];
}

/// Constants once for each shape, cells each time.
void BlockBuilder::Impl::index_line(std::string_view line, uint32_t shape) {
  const Shape& s = shredder.shapes()[used_shapes[shape - 1]];
  if (clear_shapes.size() < used_shapes.size()) {
    clear_shapes.push_back(has_clear_edges(s));
    // Their place in this line: the index keeps views, and the line stays where it is.
    size_t at = 0;
    for (size_t i = 0; i < s.constants.size() && clear_shapes.back(); ++i) {
      index.add_text(line.substr(at, s.constants[i].size()));
      at += s.constants[i].size() + (i < line_cells.size() ? line_cells[i].size() : 0);
    }
  }
  if (!clear_shapes[shape - 1]) return index.add_text(line);
  for (size_t i = 0; i < line_cells.size(); ++i) index.add_cell(s.slots[i].column, line_cells[i]);
}

void BlockBuilder::Impl::take_line(std::string_view line) {
  line_cells.clear();
  const uint32_t id = shredder.shred(line, &line_cells);
  if (id == LineShredder::kRawShape || !renders_to(shredder.shapes()[id], line_cells, line)) {
    raw_cells.push_back(line);
    index.add_text(line);
    shape_ids.push_back(0);
    ++directory.form_rows[static_cast<size_t>(LineForm::raw)];
    return;
  }
  const Shape& shape = shredder.shapes()[id];
  if (cells.size() < shredder.columns().size()) cells.resize(shredder.columns().size());
  for (size_t i = 0; i < line_cells.size(); ++i) cells[shape.slots[i].column].push_back(line_cells[i]);
  shape_ids.push_back(stored_shape(id));
  index_line(line, stored_shape(id));
  ++directory.form_rows[static_cast<size_t>(shape.form)];
}

void BlockBuilder::Impl::shred_rows() {
  for (const BlockInputRow& row : input->rows) {
    take_line(row.line);
    metadata_shape_ids.push_back(metadata.add(row.metadata, row.derived_count));
    uint32_t pair = kMetadataColumns;
    for (const MetadataPair& m : row.metadata) index.add_cell(pair++, m.value);
  }
}

BlockInfo BlockBuilder::Impl::make_info(BlockSummary* summary) {
  BlockInfo info;
  info.tenant = input->tenant;
  info.rows = static_cast<uint32_t>(input->rows.size());
  info.arrival_min = input->arrival_min;
  info.arrival_max = input->arrival_max;
  run_of_stream.assign(input->streams.size(), 0);
  for (uint32_t i = 0; i < info.rows; ++i) {
    const BlockInputRow& row = input->rows[i];
    if (i == 0 || input->rows[i - 1].stream != row.stream) {
      run_of_stream[row.stream] = static_cast<uint32_t>(info.streams.size());
      run_begins.push_back(i);
      info.streams.push_back({input->streams[row.stream], 0, row.time_ns, row.time_ns, 0});
    }
    BlockStream& s = info.streams.back();
    CHECK(row.time_ns >= s.time_max_ns, "rows of a stream must come in order of time");
    s.time_max_ns = row.time_ns;
    ++s.rows;
    s.line_bytes += row.line.size();
    info.raw_bytes += row.line.size();
    const size_t sent = row.metadata.size() - std::min<size_t>(row.derived_count, row.metadata.size());
    for (const MetadataPair& pair : row.metadata.first(sent)) info.raw_bytes += pair.name.size() + pair.value.size();
  }
  for (const BlockStream& s : info.streams) {
    info.time_min_ns = &s == &info.streams[0] ? s.time_min_ns : std::min(info.time_min_ns, s.time_min_ns);
    info.time_max_ns = &s == &info.streams[0] ? s.time_max_ns : std::max(info.time_max_ns, s.time_max_ns);
    summary->runs.push_back({s.rows, s.line_bytes, s.time_min_ns, s.time_max_ns});
  }
  summary->rows = info.rows;
  summary->raw_bytes = info.raw_bytes;
  summary->arrival_min = info.arrival_min;
  summary->arrival_max = info.arrival_max;
  return info;
}

void BlockBuilder::Impl::encode_shapes(std::vector<std::string>* out) const {
  for (const uint32_t id : used_shapes) {
    const Shape& shape = shredder.shapes()[id];
    std::string& text = out->emplace_back();
    ByteWriter w(&text);
    w.u8(static_cast<uint8_t>(shape.form));
    w.varint(shape.slots.size());
    for (const ShapeSlot& slot : shape.slots) {
      w.varint(column_map[slot.column]);
      w.u8(static_cast<uint8_t>(slot.kind));
    }
    for (const std::string_view constant : shape.constants) w.string(constant);
  }
}

void BlockBuilder::Impl::encode_metadata_shapes(std::vector<std::string>* out) const {
  for (const MetadataShapes::Shape& shape : metadata.shapes()) {
    std::string& text = out->emplace_back();
    ByteWriter w(&text);
    w.varint(shape.derived_count);
    w.varint(shape.columns.size());
    for (const uint32_t c : shape.columns) w.varint(c);
  }
}

void BlockBuilder::Impl::write_fixed_pieces() {
  scratch_times.clear();
  for (const BlockInputRow& row : input->rows) scratch_times.push_back(row.time_ns);
  directory.pieces.push_back(pieces.times(scratch_times, run_begins));

  // Metadata columns come first, then those of the lines that have cells.
  uint32_t next = static_cast<uint32_t>(metadata.columns().size());
  column_map.assign(shredder.columns().size(), 0);
  for (size_t c = 0; c < column_map.size() && c < cells.size(); ++c)
    if (!cells[c].empty()) column_map[c] = next++;

  std::vector<std::string> texts;
  std::vector<std::string_view> views;
  const auto write_texts = [&] {
    views.assign(texts.begin(), texts.end());
    directory.pieces.push_back(pieces.texts(views, false));
    texts.clear();
  };
  encode_shapes(&texts);
  write_texts();
  const auto write_ids = [&](const std::vector<int64_t>& ids) {
    const bool all_zero = std::all_of(ids.begin(), ids.end(), [](int64_t id) { return id == 0; });
    directory.pieces.push_back(all_zero ? PieceMeta() : pieces.ints(ids));
  };
  write_ids(shape_ids);
  encode_metadata_shapes(&texts);
  write_texts();
  write_ids(metadata_shape_ids);
  directory.shape_count = static_cast<uint32_t>(used_shapes.size());
  directory.metadata_shape_count = static_cast<uint32_t>(metadata.shapes().size());
}

void BlockBuilder::Impl::write_column(ColumnInput column) {
  ColumnMeta meta;
  meta.source = column.source;
  meta.path = std::move(column.path);
  meta.occurrence = column.occurrence;
  ColumnWriter::Rows rows;
  rows.times = [&]() -> std::span<const int64_t> {
    std::vector<bool> has(1 + std::max(used_shapes.size(), metadata.shapes().size()), false);
    column.mark(&has);
    scratch_times.clear();
    for (size_t row = 0; row < column.shape_ids.size(); ++row)
      if (has[static_cast<size_t>(column.shape_ids[row])]) scratch_times.push_back(input->rows[row].time_ns);
    return scratch_times;
  };
  rows.others = std::move(column.others);
  columns.write(column.cells, rows, &meta, &directory.pieces);
  directory.columns.push_back(std::move(meta));
}

/// Of the other columns, those that are not rendered themselves.
void BlockBuilder::Impl::for_each_row_with(uint32_t column, const TakeRow& take) {
  if (!places_known) {
    std::vector<const Shape*> shapes;
    for (const uint32_t shape : used_shapes) shapes.push_back(&shredder.shapes()[shape]);
    places.build(shape_ids, std::move(shapes), cells.size());
    places_known = true;
  }
  places.for_each_row_with(column, [&](const Shape& shape, std::span<const uint32_t> ordinals) {
    row_cells.clear();
    for (size_t i = 0; i < ordinals.size(); ++i) {
      const uint32_t other = shape.slots[i].column;
      if (other == column || rendered[column_map[other]]) continue;
      row_cells.push_back({column_map[other], cells[other][ordinals[i]]});
    }
    return take(row_cells);
  });
}

void BlockBuilder::Impl::write_metadata_columns() {
  for (uint32_t c = 0; c < metadata.columns().size(); ++c) {
    const MetadataShapes::Column& column = metadata.columns()[c];
    ColumnInput in;
    in.cells = column.cells;
    in.source = column.packed ? ColumnSource::packed_metadata : ColumnSource::metadata;
    if (!column.packed) in.path.push_back(column.name);
    in.occurrence = column.occurrence;
    in.shape_ids = metadata_shape_ids;
    in.mark = [&](std::vector<bool>* has) {
      for (size_t s = 0; s < metadata.shapes().size(); ++s) {
        const std::vector<uint32_t>& names = metadata.shapes()[s].columns;
        (*has)[s] = std::find(names.begin(), names.end(), c) != names.end();
      }
    };
    write_column(std::move(in));
  }
}

void BlockBuilder::Impl::write_columns() {
  write_metadata_columns();
  rendered.assign(metadata.columns().size() + cells.size() + 1, false);
  rendered_from.assign(rendered.size(), false);
  for (uint32_t c = 0; c < cells.size() && c < shredder.columns().size(); ++c) {
    if (cells[c].empty()) continue;
    const ColumnKey& key = shredder.columns()[c];
    ColumnInput in;
    in.cells = cells[c];
    in.source = source_of(key.source);
    in.path = key.path;
    in.occurrence = key.occurrence;
    in.shape_ids = shape_ids;
    in.mark = [&](std::vector<bool>* has) {
      for (size_t s = 0; s < used_shapes.size(); ++s)
        for (const ShapeSlot& slot : shredder.shapes()[used_shapes[s]].slots)
          if (slot.column == c) (*has)[s + 1] = true;
    };
    const bool of_fields = key.source == ColumnKey::Source::json || key.source == ColumnKey::Source::logfmt;
    if (of_fields && !rendered_from[column_map[c]]) {
      in.others = [this, c](const TakeRow& take) { for_each_row_with(c, take); };
    }
    write_column(std::move(in));
    if (directory.columns.back().type != ColumnType::rendered) continue;
    rendered[column_map[c]] = true;
    for (const uint32_t from : columns.rendered_from()) rendered_from[from] = true;
  }
  if (!raw_cells.empty()) {
    ColumnInput in;
    in.cells = raw_cells;
    in.shape_ids = shape_ids;
    in.mark = [](std::vector<bool>* has) { (*has)[0] = true; };
    write_column(std::move(in));
  }
  directory.pieces.push_back(pieces.texts(columns.shared_cells(), true));
}

EncodedBlock BlockBuilder::Impl::build(const BlockInput& block) {
  CHECK(block.rows.size() <= kMaxBlockRows, "{} rows, at most {}", block.rows.size(), kMaxBlockRows);
  input = &block;
  shredder.reset();
  metadata.reset();
  pieces.reset();
  columns.reset();
  places_known = false;
  directory = BlockDirectory();
  for (auto& c : cells) c.clear();
  raw_cells.clear();
  shape_ids.clear();
  metadata_shape_ids.clear();
  shape_map.clear();
  used_shapes.clear();
  clear_shapes.clear();
  run_begins.clear();

  EncodedBlock out;
  BlockSummary summary;
  out.info = make_info(&summary);
  index.reset(out.info.raw_bytes);
  shred_rows();
  index.finish(&out.index);
  write_fixed_pieces();
  write_columns();
  std::vector<std::string> counts;
  for (BlockCountTable& table : make_count_tables(block.rows, run_of_stream, out.info.raw_bytes, options.zstd_level)) {
    summary.count_widths_ns.push_back(table.width_ns);
    counts.push_back(std::move(table.encoded));
  }
  summary.narrow_bytes = pieces.narrow.size();
  summary.heap_bytes = pieces.heap.size();
  summary.narrow_checksum = xxh3_64(pieces.narrow);
  summary.heap_checksum = xxh3_64(pieces.heap);
  encode_entry(summary, directory, counts, options.zstd_level, &out.entry);
  out.narrow = pieces.narrow;
  out.heap = pieces.heap;
  out.info.stored_bytes = out.narrow.size() + out.heap.size() + out.entry.size();
  std::copy(std::begin(directory.form_rows), std::end(directory.form_rows), out.forms.rows);
  input = nullptr;
  return out;
}

BlockBuilder::BlockBuilder(BlockBuilderOptions options) : impl_(std::make_unique<Impl>(options)) {}
BlockBuilder::~BlockBuilder() = default;
BlockBuilder::BlockBuilder(BlockBuilder&&) noexcept = default;
EncodedBlock BlockBuilder::build(const BlockInput& input) {
  return impl_->build(input);
}

}  // namespace cordwood
