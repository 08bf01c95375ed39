// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/coding.h"
#include "storage/base/compression.h"
#include "storage/base/result.h"
#include "storage/block_view.h"

namespace cordwood {

/// Limits that every reader holds a block to; the writer stays well within.
inline constexpr uint32_t kMaxBlockRows = 1u << 24;
inline constexpr uint64_t kMaxFrameRawBytes = 256u << 20;
inline constexpr uint32_t kMaxFrameRows = 1u << 16;

/// Where a cell comes from.  Numbers are on disk.
enum class ColumnSource : uint8_t { metadata = 0, json = 1, logfmt = 2, text = 3, raw = 4, packed_metadata = 5 };
inline constexpr uint8_t kColumnSources = 6;
std::string_view to_string(ColumnSource source);

/// How the cells of a column are stored.  Numbers are on disk; storage/FORMAT.md has the bytes of each.
enum class ColumnType : uint8_t {
  constant = 0,    ///< one text for all cells, in the entry
  dictionary = 1,  ///< texts once, an id per cell
  integer = 2,     ///< int64 in its shortest decimal form
  decimal = 3,     ///< mantissa and a scale for the whole column
  hex = 4,         ///< hex digits of one length and case, as binary
  uuid = 5,        ///< 8-4-4-4-12 hex digits of one case, as binary
  timestamp = 6,   ///< ISO 8601 of one layout, absolute or relative to the row's time
  ipv4 = 7,        ///< dotted quad
  pattern = 8,     ///< texts that differ in decimal numbers: a pattern per cell and its numbers
  bytes = 9,       ///< texts in heap frames
  shared = 10,     ///< few cells: they lie in the block's shared column
  rendered = 11,   ///< texts made of other cells of their rows: a template per cell
};
inline constexpr uint8_t kColumnTypes = 12;
std::string_view to_string(ColumnType type);

/// One frame of a piece.  Offsets are relative to the block's narrow or heap part.
struct FrameMeta {
  uint64_t offset = 0;
  uint32_t packed_bytes = 0;
  uint32_t raw_bytes = 0;
  uint32_t first_row = 0;  ///< row or cell within the piece
  uint32_t rows = 0;
  uint32_t checksum = 0;  ///< low half of XXH3 of the packed bytes, seeded with the codec
  Codec codec = Codec::none;
};

/// A run of frames that belong together.
struct PieceMeta {
  bool heap = false;
  std::vector<FrameMeta> frames;
  uint32_t rows() const { return frames.empty() ? 0 : frames.back().first_row + frames.back().rows; }
  uint64_t packed_bytes() const;
  uint64_t raw_bytes() const;
};

/// A column as the block's entry knows it.
struct ColumnMeta {
  ColumnSource source = ColumnSource::raw;
  std::vector<std::string> path;
  uint32_t occurrence = 0;
  ColumnType type = ColumnType::bytes;
  uint32_t cells = 0;
  std::string constant;       ///< constant: its text; timestamp: the suffix
  uint8_t digits = 0;         ///< decimal: scale; hex: digits; timestamp: digits of the fraction
  uint8_t flags = 0;          ///< by type, see ColumnFlag
  uint32_t shared_first = 0;  ///< shared: first cell in the shared column
  uint32_t distinct = 0;      ///< dictionary, pattern, rendered: number of entries
  uint32_t pieces = 0;        ///< how many pieces of BlockDirectory::pieces are its own
  uint32_t first_piece = 0;   ///< index of the first of them (not stored)
  struct Range {
    double min = 0;
    double max = 0;
  };
  std::optional<Range> range;  ///< only if every cell parses as Go's ParseFloat would
};

/// Whether cells are binary, and how many bytes each has.
bool is_binary(const ColumnMeta& meta);
uint32_t binary_width(const ColumnMeta& meta);

/// Bits of ColumnMeta::flags.
enum ColumnFlag : uint8_t {
  kUpperCase = 1,       ///< hex, uuid
  kExceptions = 2,      ///< the last piece lists cells that the type does not fit
  kRelative = 4,        ///< timestamp: stored as difference to the row's time
  kSpaceForT = 8,       ///< timestamp: a space stands between date and time
  kCommaFraction = 16,  ///< timestamp: the fraction follows a comma
  kTrimmedZeros = 32,   ///< decimal: trailing zeros of the fraction are not written
  kListed = 64,         ///< hex, uuid: instead of each cell's binary its number in the segment's id list
};

/// First part of an entry: small, always in memory.
struct BlockSummary {
  uint32_t rows = 0;
  uint64_t raw_bytes = 0;
  uint64_t arrival_min = 0;
  uint64_t arrival_max = 0;
  uint64_t narrow_bytes = 0;
  uint64_t heap_bytes = 0;
  uint64_t narrow_checksum = 0;  ///< XXH3 of the whole part: for copying; reading checks frames
  uint64_t heap_checksum = 0;
  std::vector<int64_t> count_widths_ns;  ///< of the count tables, the finest first
  struct Run {
    uint32_t rows = 0;
    uint64_t line_bytes = 0;
    int64_t time_min_ns = 0;
    int64_t time_max_ns = 0;
  };
  std::vector<Run> runs;
};

/// Second part: where everything lies.  Unpacked when the block is opened.
struct BlockDirectory {
  uint64_t form_rows[4] = {};
  uint32_t shape_count = 0;  ///< line shapes; id 0 is raw and not among them
  uint32_t metadata_shape_count = 0;
  std::vector<ColumnMeta> columns;
  /// Fixed pieces (FixedPiece), those of the columns in order, last the cells of the shared columns.
  std::vector<PieceMeta> pieces;
};

/// Indexes of the pieces that every block has.  A piece without frames is absent.
enum FixedPiece : uint32_t {
  kTimesPiece = 0,
  kShapesPiece = 1,
  kShapeIdsPiece = 2,
  kMetadataShapesPiece = 3,
  kMetadataShapeIdsPiece = 4,
  kFixedPieces = 5,
};

/// Of entries written today.
inline constexpr uint8_t kEntryVersion = 2;

/// The parts of an entry, still encoded and perhaps packed.
struct EntryParts {
  uint8_t version = 0;
  BlockSummary summary;
  struct Part {
    Codec codec = Codec::none;
    uint64_t raw_bytes = 0;
    std::string_view packed;
  };
  Part directory;
  std::vector<Part> counts;  ///< in step with BlockSummary::count_widths_ns
};

/// Appends an entry: summary, directory, count tables (each packed when it pays), XXH3.
void encode_entry(const BlockSummary& summary, const BlockDirectory& directory, const std::vector<std::string>& counts,
                  int zstd_level, std::string* out);
/// corrupt when checksum or grammar do not hold.  Views point into `entry`.
Result<EntryParts> decode_entry(std::string_view entry);
Result<std::string> unpack_part(const EntryParts::Part& part);
/// corrupt unless every offset, count and size is consistent with the summary.
Result<BlockDirectory> decode_directory(std::string_view raw, const BlockSummary& summary);

/// Bytes in the two parts of a block.
struct PartPositions {
  uint64_t narrow = 0;
  uint64_t heap = 0;
};
/// A piece with its frames.  Reading it, `positions` is where it begins and then where it ends; corrupt when that
/// lies beyond `ends`.
void encode_piece(const PieceMeta& piece, std::string* out);
Result<PieceMeta> decode_piece(ByteReader* in, const PartPositions& ends, PartPositions* positions);

inline constexpr size_t kMaxCountTables = 4;
/// A count table.  Levels of the result point into `raw`.  `version` is that of the entry.
void encode_counts(const std::vector<BlockCount>& counts, std::string* out);
Result<void> decode_counts(std::string_view raw, uint8_t version, size_t streams, CountValues values,
                           CountColumns* out);

/// What a frame's checksum covers.
uint32_t frame_checksum(std::string_view packed, Codec codec);

}  // namespace cordwood
