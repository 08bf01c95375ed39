// SPDX-License-Identifier: Apache-2.0
#include "storage/block_entry.h"

#include <algorithm>

#include "storage/base/checksum.h"
#include "storage/base/coding.h"

namespace cordwood {

namespace {

constexpr uint64_t kMaxPartBytes = 256u << 20;
/// No real data shrinks further: what claims to is not unpacked.
constexpr uint64_t kMaxShrink = 1u << 15;

bool can_unpack_to(uint64_t packed_bytes, uint64_t raw_bytes) {
  return raw_bytes / kMaxShrink <= packed_bytes;
}
constexpr uint32_t kFullFrameRows = 4096;

void write_summary(const BlockSummary& s, ByteWriter* w) {
  w->varint(s.rows);
  w->varint(s.raw_bytes);
  w->varint(s.arrival_min);
  w->varint(s.arrival_max - s.arrival_min);
  w->varint(s.narrow_bytes);
  w->varint(s.heap_bytes);
  w->u64(s.narrow_checksum);
  w->u64(s.heap_checksum);
  w->varint(s.count_widths_ns.size());
  for (const int64_t width_ns : s.count_widths_ns) w->varint(static_cast<uint64_t>(width_ns));
  w->varint(s.runs.size());
  int64_t last = 0;
  for (const BlockSummary::Run& r : s.runs) {
    w->varint(r.rows);
    w->varint(r.line_bytes);
    w->zigzag(static_cast<int64_t>(static_cast<uint64_t>(r.time_min_ns) - static_cast<uint64_t>(last)));
    w->varint(static_cast<uint64_t>(r.time_max_ns) - static_cast<uint64_t>(r.time_min_ns));
    last = r.time_min_ns;
  }
}

Result<std::vector<int64_t>> read_count_widths(ByteReader* in, uint8_t version) {
  std::vector<int64_t> widths_ns;
  if (version == 1) {
    const uint64_t width = in->varint();
    if (width > static_cast<uint64_t>(INT64_MAX)) return Error::corrupt("block entry: summary out of range");
    if (width != 0) widths_ns.push_back(static_cast<int64_t>(width));
    return widths_ns;
  }
  const uint64_t tables = in->varint();
  if (tables > kMaxCountTables) return Error::corrupt("block entry: too many count tables");
  for (uint64_t i = 0; i < tables; ++i) {
    const uint64_t width = in->varint();
    if (width == 0 || width > static_cast<uint64_t>(INT64_MAX))
      return Error::corrupt("block entry: a count width of 0");
    widths_ns.push_back(static_cast<int64_t>(width));
  }
  return widths_ns;
}

Result<BlockSummary> read_summary(ByteReader* in, uint8_t version) {
  BlockSummary s;
  const uint64_t rows = in->varint();
  s.raw_bytes = in->varint();
  s.arrival_min = in->varint();
  s.arrival_max = s.arrival_min + in->varint();
  s.narrow_bytes = in->varint();
  s.heap_bytes = in->varint();
  s.narrow_checksum = in->u64();
  s.heap_checksum = in->u64();
  TRY_ASSIGN(s.count_widths_ns, read_count_widths(in, version));
  const uint64_t runs = in->count(4);
  if (rows > kMaxBlockRows || s.arrival_max < s.arrival_min) {
    return Error::corrupt("block entry: summary out of range");
  }
  s.rows = static_cast<uint32_t>(rows);
  s.runs.reserve(runs);
  uint64_t sum = 0;
  uint64_t last = 0;
  for (uint64_t i = 0; i < runs; ++i) {
    BlockSummary::Run r;
    const uint64_t n = in->varint();
    r.line_bytes = in->varint();
    last += static_cast<uint64_t>(in->zigzag());
    r.time_min_ns = static_cast<int64_t>(last);
    r.time_max_ns = static_cast<int64_t>(last + in->varint());
    sum += n;
    if (n == 0 || n > rows || sum > rows || r.time_max_ns < r.time_min_ns) {
      return Error::corrupt("block entry: run table out of range");
    }
    r.rows = static_cast<uint32_t>(n);
    s.runs.push_back(r);
  }
  TRY(in->status("block entry"));
  if (sum != rows) return Error::corrupt("block entry: runs do not add up to the rows");
  return s;
}

void write_part(std::string_view raw, int zstd_level, std::string* out) {
  std::string packed;
  Codec codec = Codec::none;
  if (raw.size() > 64) {
    compress(Codec::zstd, raw, &packed, zstd_level);
    if (packed.size() < raw.size()) codec = Codec::zstd;
  }
  ByteWriter w(out);
  w.u8(static_cast<uint8_t>(codec));
  w.varint(raw.size());
  w.string(codec == Codec::none ? raw : std::string_view(packed));
}

EntryParts::Part read_part(ByteReader* in) {
  EntryParts::Part part;
  part.codec = static_cast<Codec>(in->u8());
  part.raw_bytes = in->varint();
  part.packed = in->string();
  return part;
}

void write_frames(const PieceMeta& piece, ByteWriter* w) {
  for (size_t i = 0; i < piece.frames.size(); ++i) {
    const FrameMeta& f = piece.frames[i];
    const bool full = f.rows == kFullFrameRows;
    w->u8(static_cast<uint8_t>(static_cast<uint8_t>(f.codec) | (full ? 0x80 : 0)));
    w->varint(f.packed_bytes);
    if (f.codec != Codec::none) w->varint(f.raw_bytes);
    if (!full) w->varint(f.rows);
    w->u32(f.checksum);
  }
}

void write_column(const ColumnMeta& c, ByteWriter* w) {
  w->u8(static_cast<uint8_t>(static_cast<uint8_t>(c.source) | (c.range ? 0x80 : 0)));
  w->u8(static_cast<uint8_t>(c.type));
  w->varint(c.path.size());
  for (const std::string& key : c.path) w->string(key);
  w->varint(c.occurrence);
  w->varint(c.cells);
  w->varint(c.pieces);
  switch (c.type) {
    case ColumnType::constant: w->string(c.constant); break;
    case ColumnType::dictionary:
    case ColumnType::rendered: w->varint(c.distinct); break;
    case ColumnType::shared: w->varint(c.shared_first); break;
    case ColumnType::bytes: break;
    case ColumnType::pattern: w->varint(c.distinct); [[fallthrough]];
    default:
      w->u8(c.flags);
      w->u8(c.digits);
      if (c.type == ColumnType::timestamp) w->string(c.constant);
  }
  if (c.range) {
    w->u64(std::bit_cast<uint64_t>(c.range->min));
    w->u64(std::bit_cast<uint64_t>(c.range->max));
  }
}

Result<ColumnMeta> read_column(ByteReader* in) {
  ColumnMeta c;
  const uint8_t source = in->u8();
  const uint8_t type = in->u8();
  if ((source & 0x7f) >= kColumnSources || type >= kColumnTypes)
    return Error::corrupt("block directory: unknown column type");
  c.source = static_cast<ColumnSource>(source & 0x7f);
  c.type = static_cast<ColumnType>(type);
  const uint64_t keys = in->count(1);
  c.path.reserve(keys);
  for (uint64_t i = 0; i < keys; ++i) c.path.emplace_back(in->string());
  const uint64_t occurrence = in->varint();
  const uint64_t cells = in->varint();
  const uint64_t pieces = in->varint();
  uint64_t distinct = 0;
  uint64_t shared_first = 0;
  switch (c.type) {
    case ColumnType::constant: c.constant = in->string(); break;
    case ColumnType::dictionary:
    case ColumnType::rendered: distinct = in->varint(); break;
    case ColumnType::shared: shared_first = in->varint(); break;
    case ColumnType::bytes: break;
    case ColumnType::pattern: distinct = in->varint(); [[fallthrough]];
    default:
      c.flags = in->u8();
      c.digits = in->u8();
      if (c.type == ColumnType::timestamp) c.constant = in->string();
  }
  if ((source & 0x80) != 0) {
    ColumnMeta::Range r;
    r.min = std::bit_cast<double>(in->u64());
    r.max = std::bit_cast<double>(in->u64());
    c.range = r;
  }
  TRY(in->status("block directory"));
  if (occurrence > UINT32_MAX || cells > kMaxBlockRows || pieces > 8 || distinct > kMaxBlockRows ||
      shared_first > UINT32_MAX) {
    return Error::corrupt("block directory: column out of range");
  }
  c.occurrence = static_cast<uint32_t>(occurrence);
  c.cells = static_cast<uint32_t>(cells);
  c.pieces = static_cast<uint32_t>(pieces);
  c.distinct = static_cast<uint32_t>(distinct);
  c.shared_first = static_cast<uint32_t>(shared_first);
  return c;
}

void write_directory(const BlockDirectory& d, std::string* out) {
  ByteWriter w(out);
  for (const uint64_t n : d.form_rows) w.varint(n);
  w.varint(d.shape_count);
  w.varint(d.metadata_shape_count);
  w.varint(d.columns.size());
  for (const ColumnMeta& c : d.columns) write_column(c, &w);
  w.varint(d.pieces.size());
  for (const PieceMeta& p : d.pieces) encode_piece(p, out);
}

}  // namespace

std::string_view to_string(ColumnSource source) {
  constexpr std::string_view kNames[kColumnSources] = {"metadata", "json", "logfmt", "text", "raw", "packed_metadata"};
  return kNames[static_cast<size_t>(source)];
}

std::string_view to_string(ColumnType type) {
  constexpr std::string_view kNames[kColumnTypes] = {"constant", "dictionary", "integer",   "decimal",
                                                     "hex",      "uuid",       "timestamp", "ipv4",
                                                     "pattern",  "bytes",      "shared",    "rendered"};
  return kNames[static_cast<size_t>(type)];
}

bool is_binary(const ColumnMeta& meta) {
  return meta.type == ColumnType::hex || meta.type == ColumnType::uuid;
}

uint32_t binary_width(const ColumnMeta& meta) {
  return meta.type == ColumnType::uuid ? 16 : (meta.digits + 1u) / 2;
}

uint64_t PieceMeta::packed_bytes() const {
  uint64_t sum = 0;
  for (const FrameMeta& f : frames) sum += f.packed_bytes;
  return sum;
}

uint64_t PieceMeta::raw_bytes() const {
  uint64_t sum = 0;
  for (const FrameMeta& f : frames) sum += f.raw_bytes;
  return sum;
}

uint32_t frame_checksum(std::string_view packed, Codec codec) {
  return static_cast<uint32_t>(xxh3_64(packed, static_cast<uint64_t>(codec)));
}

Result<PieceMeta> decode_piece(ByteReader* in, const PartPositions& ends, PartPositions* positions) {
  PieceMeta piece;
  const uint64_t head = in->varint();
  piece.heap = (head & 1) != 0;
  const uint64_t count = head >> 1;
  if (count > in->remaining() / 6) return Error::corrupt("block directory: too many frames");
  piece.frames.reserve(count);
  uint64_t& position = piece.heap ? positions->heap : positions->narrow;
  const uint64_t end = piece.heap ? ends.heap : ends.narrow;
  uint64_t row = 0;
  for (uint64_t i = 0; i < count; ++i) {
    FrameMeta f;
    const uint8_t codec = in->u8();
    f.codec = static_cast<Codec>(codec & 0x7f);
    const uint64_t packed = in->varint();
    const uint64_t raw = f.codec == Codec::none ? packed : in->varint();
    const uint64_t rows = (codec & 0x80) != 0 ? kFullFrameRows : in->varint();
    f.checksum = in->u32();
    if (packed > end - position || raw > kMaxFrameRawBytes || !can_unpack_to(packed, raw) || rows > kMaxFrameRows ||
        row + rows > kMaxBlockRows) {
      return Error::corrupt("block directory: frame out of range");
    }
    f.offset = position;
    f.packed_bytes = static_cast<uint32_t>(packed);
    f.raw_bytes = static_cast<uint32_t>(raw);
    f.first_row = static_cast<uint32_t>(row);
    f.rows = static_cast<uint32_t>(rows);
    position += packed;
    row += rows;
    piece.frames.push_back(f);
  }
  return piece;
}

void encode_piece(const PieceMeta& piece, std::string* out) {
  ByteWriter w(out);
  w.varint(piece.frames.size() << 1 | (piece.heap ? 1 : 0));
  write_frames(piece, &w);
}

void encode_entry(const BlockSummary& summary, const BlockDirectory& directory, const std::vector<std::string>& counts,
                  int zstd_level, std::string* out) {
  const size_t begin = out->size();
  ByteWriter w(out);
  w.u8(kEntryVersion);
  write_summary(summary, &w);
  std::string raw;
  write_directory(directory, &raw);
  write_part(raw, zstd_level, out);
  CHECK(counts.size() == summary.count_widths_ns.size(), "{} count tables, {} widths", counts.size(),
        summary.count_widths_ns.size());
  for (const std::string& table : counts) write_part(table, zstd_level, out);
  w.u64(xxh3_64(std::string_view(*out).substr(begin)));
}

Result<EntryParts> decode_entry(std::string_view entry) {
  if (entry.size() < 9) return Error::corrupt("block entry: too short");
  const std::string_view body = entry.substr(0, entry.size() - 8);
  if (checksum_differs(ByteReader(entry.substr(body.size())).u64(), xxh3_64(body)))
    return Error::corrupt("block entry: checksum differs");
  ByteReader in(body);
  EntryParts parts;
  parts.version = in.u8();
  if (parts.version == 0 || parts.version > kEntryVersion) {
    return Error::corrupt(fmt::format("block entry: version {}, expected up to {}", parts.version, kEntryVersion));
  }
  TRY_ASSIGN(parts.summary, read_summary(&in, parts.version));
  parts.directory = read_part(&in);
  const size_t tables = parts.version == 1 ? 1 : parts.summary.count_widths_ns.size();
  for (size_t i = 0; i < tables; ++i) parts.counts.push_back(read_part(&in));
  TRY(in.finish("block entry"));
  return parts;
}

Result<std::string> unpack_part(const EntryParts::Part& part) {
  if (part.raw_bytes > kMaxPartBytes || !can_unpack_to(part.packed.size(), part.raw_bytes))
    return Error::corrupt("block entry: part too large");
  std::string raw;
  TRY(decompress(part.codec, part.packed, part.raw_bytes, &raw));
  return raw;
}

Result<BlockDirectory> decode_directory(std::string_view raw, const BlockSummary& summary) {
  BlockDirectory d;
  ByteReader in(raw);
  for (uint64_t& n : d.form_rows) n = in.varint();
  const uint64_t shapes = in.varint();
  const uint64_t metadata_shapes = in.varint();
  if (shapes > kMaxBlockRows || metadata_shapes > kMaxBlockRows)
    return Error::corrupt("block directory: too many shapes");
  d.shape_count = static_cast<uint32_t>(shapes);
  d.metadata_shape_count = static_cast<uint32_t>(metadata_shapes);
  const uint64_t columns = in.count(6);
  d.columns.reserve(columns);
  uint64_t next_piece = kFixedPieces;
  for (uint64_t i = 0; i < columns; ++i) {
    TRY_ASSIGN(ColumnMeta c, read_column(&in));
    c.first_piece = static_cast<uint32_t>(next_piece);
    next_piece += c.pieces;
    d.columns.push_back(std::move(c));
  }
  const uint64_t pieces = in.count(1);
  if (pieces != next_piece + 1) return Error::corrupt("block directory: number of pieces differs from the columns'");
  d.pieces.reserve(pieces);
  PartPositions positions;
  for (uint64_t i = 0; i < pieces; ++i) {
    TRY_ASSIGN(PieceMeta p, decode_piece(&in, {summary.narrow_bytes, summary.heap_bytes}, &positions));
    d.pieces.push_back(std::move(p));
  }
  TRY(in.finish("block directory"));
  if (positions.narrow != summary.narrow_bytes || positions.heap != summary.heap_bytes) {
    return Error::corrupt("block directory: pieces do not fill the block");
  }
  return d;
}

}  // namespace cordwood
