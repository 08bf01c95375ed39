// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/result.h"
#include "storage/model/row_batch.h"
#include "storage/model/time_range.h"
#include "storage/row_bits.h"
#include "storage/text_probe.h"

namespace cordwood {

enum class CountValues : uint8_t;
struct CountColumns;
struct FieldProbe;
class BlockColumns;
class IdReads;

/// What reading cost: of a query, or of one of its threads; every block that is opened adds to it.
struct ReadStats {
  uint64_t blocks_opened = 0;  ///< blocks of which any data frame was read
  uint64_t narrow_frames = 0;  ///< frames of packed or dictionary pieces
  uint64_t heap_frames = 0;    ///< frames of byte heaps
  uint64_t bytes_read = 0;     ///< from file or object, packed
  uint64_t bytes_unpacked = 0;
  uint64_t lines_rendered = 0;
  uint64_t head_rows = 0;      ///< rows looked at that were not in a block yet
  uint64_t index_reads = 0;    ///< buckets of id tables, slices and pages of filters
  uint64_t index_bytes = 0;    ///< of these
  uint64_t index_damages = 0;  ///< of these, those that were damaged and so ruled nothing out
};

/// In which form a line is kept (design §4).
enum class LineForm : uint8_t { raw = 0, json = 1, logfmt = 2, text = 3 };

/// Rows [row_begin, row_end) of one stream, in order of (time, arrival).
struct StreamRun {
  uint32_t stream = 0;  ///< index for BlockView::stream()
  uint32_t row_begin = 0;
  uint32_t row_end = 0;
  int64_t time_min_ns = 0;
  int64_t time_max_ns = 0;
};

/// One place in a shape that differs from line to line.
struct ShapeSlot {
  enum class Kind : uint8_t {
    quoted,  ///< the text between the quotes, escapes as they stand in the line
    bare,    ///< a number, true, false or null, as it stands in the line
    array,   ///< a whole array, as it stands in the line
    text,    ///< logfmt and text forms: the bytes as they stand
  };
  uint32_t column = 0;  ///< index of the block's column that holds the cells
  Kind kind = Kind::bare;
  std::span<const std::string> path;  ///< decoded keys from the outermost object; one element for logfmt
};

/// The constant parts of lines that look alike: constant[0] slot[0] constant[1] … slot[n-1] constant[n].
/// All of it views, as long as the block or the shredder that it comes from.
struct Shape {
  LineForm form = LineForm::raw;
  std::span<const std::string_view> constants;  ///< slots.size() + 1 of them
  std::span<const ShapeSlot> slots;             ///< in the order of the line
};

/// A text to search for.  Folded: ASCII letters match in either case; rows are found, too, that hold U+017F or U+212A,
/// which fold to s and k, so that whoever asks must look at the rows.
struct TextNeedle {
  std::string_view text;  ///< if folded, without capital letters
  bool folded = false;
  TextNeedle(std::string_view t, bool f = false) : text(t), folded(f) {}
  TextNeedle(const std::string& t) : text(t) {}
  TextNeedle(const char* t) : text(t) {}
};

/// What of a row is searched: its line, or the values of its structured metadata.
enum class TextPlace : uint8_t { line, metadata };

/// One block, sealed or still in memory, as a query reads it.  Rows lie by (stream, time, arrival); data is read
/// and unpacked when first asked for.  One thread at a time.  Views returned stay valid until the BlockView dies,
/// except where a scratch string is passed: then until that string changes.
/// Errors: corrupt (the block is to be counted and skipped), io, unavailable.
class BlockView {
 public:
  virtual ~BlockView() = default;
  virtual uint32_t row_count() const = 0;
  virtual std::span<const StreamRun> runs() const = 0;
  virtual const StreamPtr& stream(uint32_t index) const = 0;

  /// Time of every row.
  virtual Result<std::span<const int64_t>> times() = 0;
  /// Bytes of the line as it was pushed.
  virtual Result<std::string_view> line(uint32_t row, std::string* scratch) = 0;
  /// How many bytes it has.  Sealed blocks mostly tell without making it.
  virtual Result<uint64_t> line_bytes(uint32_t row) {
    std::string scratch;
    TRY_ASSIGN(const std::string_view text, line(row, &scratch));
    return uint64_t{text.size()};
  }
  /// Structured metadata of a row: sent pairs sorted by name, then detected_level if there is one.  Appends.
  virtual Result<void> metadata(uint32_t row, std::vector<MetadataPair>* out) = 0;
  /// Value of one metadata name for a row; nothing when the row has it not.  Reads only that column.
  virtual Result<std::optional<std::string_view>> metadata_value(uint32_t row, std::string_view name) = 0;
  /// How many of the row's metadata pairs, at the end, the server derived (see BatchRow::derived_count).
  virtual Result<uint32_t> derived_metadata_count(uint32_t row) = 0;

  /// The shape of a row's line, or null when the line is kept raw, or not sealed and not cut (head_shreds.h).
  virtual Result<const Shape*> shape(uint32_t row) = 0;
  /// Text of one slot of the row's shape, as it stands in the line.
  virtual Result<std::string_view> cell(uint32_t row, const ShapeSlot& slot, std::string* scratch) = 0;
  /// The slot's value when its column is of integer type, without making text.
  virtual Result<std::optional<int64_t>> integer_cell(uint32_t row, const ShapeSlot& slot) = 0;

  /// Exactly the rows whose line, or one of whose metadata values, holds the bytes of `needle` (but see TextNeedle).
  /// Sealed blocks find them in shapes, dictionaries and columns, and render only what those leave open.
  virtual Result<RowBits> rows_with_text(TextNeedle needle, TextPlace place) = 0;
  /// Whether rows_with_text() costs less than looking at the lines one by one.
  virtual bool searches_at_once() const = 0;
  /// The columns of a sealed block (storage/block_columns.h), null for others.
  virtual BlockColumns* columns() { return nullptr; }

  /// For those who keep views for later readers: forgets what the reader that is done asked for alone, and tells the
  /// bytes of memory of all that stays read and unpacked.  Nothing: not a view to be kept.  `slim`: forgets all that is
  /// read again more cheaply than kept, too.
  virtual std::optional<uint64_t> settle(bool slim) {
    (void)slim;
    return std::nullopt;
  }
  /// After settle(): whatever is read from now on counts there.
  virtual void begin_again(ReadStats* stats) { (void)stats; }
};

/// Rows and bytes of one stream, level and time bucket m = (m - 1, m] * width (design §4, Counts).
struct BlockCount {
  uint32_t stream = 0;     ///< index into BlockInfo::streams
  int64_t bucket = 0;      ///< m: the bucket ends at m * width_ns, inclusive
  std::string_view level;  ///< detected_level; empty for rows without one
  uint64_t rows = 0;
  uint64_t line_bytes = 0;
  uint64_t metadata_bytes = 0;  ///< names and values of structured metadata
};

/// One stream's part of a block, known without reading data.
struct BlockStream {
  StreamPtr stream;
  uint32_t rows = 0;
  int64_t time_min_ns = 0;
  int64_t time_max_ns = 0;
  uint64_t line_bytes = 0;
};

/// What is known of a block from its segment's index alone.
struct BlockInfo {
  TenantId tenant;
  uint32_t rows = 0;
  int64_t time_min_ns = 0;
  int64_t time_max_ns = 0;
  uint64_t raw_bytes = 0;  ///< lines and metadata as pushed
  uint64_t stored_bytes = 0;
  uint64_t arrival_min = 0;  ///< WAL sequences of its first and last row
  uint64_t arrival_max = 0;
  std::vector<BlockStream> streams;  ///< in run order
};

/// A block somewhere: in a segment, spilled, or in memory.  Immutable and thread-safe; open() as often as needed.
class BlockSource {
 public:
  virtual ~BlockSource() = default;
  virtual const BlockInfo& info() const = 0;
  /// Whether it is still in memory or spilled, not in a published segment.
  virtual bool in_head() const = 0;
  virtual Result<std::unique_ptr<BlockView>> open(ReadStats* stats) const = 0;
  /// The same without the work of leaving rows out: only those of `kept` may be seen of the view's (null: all).  It
  /// lives as long as the source.
  virtual Result<std::unique_ptr<BlockView>> open_with_gaps(ReadStats* stats, const RowBits** kept) const {
    *kept = nullptr;
    return open(stats);
  }
  /// Widths of the buckets of the block's count tables in ns, the finest first; none where there are none.
  virtual std::span<const int64_t> count_widths_ns() const = 0;
  /// False when no row has metadata of this name; reads no data.
  virtual bool may_have_metadata(std::string_view name) const {
    (void)name;
    return true;
  }
  /// False when certainly no row holds what the probe asks for; reads of its index alone.
  virtual Result<bool> may_hold(const TextProbe& probe, ReadStats* stats) const {
    (void)probe;
    (void)stats;
    return true;
  }
  /// The reads that may_hold() takes to locate ids: whoever asks many blocks has them made at once (id_reads.h).
  virtual void add_id_reads(const TextProbe& probe, IdReads* reads) const {
    (void)probe;
    (void)reads;
  }
  /// The same as may_hold() for a label that fields may become (storage/segment_terms.h).
  virtual bool may_hold_field(const FieldProbe& probe, ReadStats* stats) const {
    (void)probe;
    (void)stats;
    return true;
  }
  /// A count table, by its place among the widths, in order of (stream, bucket).  Level views live as long as the
  /// source.
  virtual Result<std::vector<BlockCount>> counts(size_t table) const = 0;
  /// The same by columns, for readers of many, with the values that are wanted at least (storage/count_columns.h).
  virtual Result<void> count_columns(size_t table, CountValues values, CountColumns* out) const;
};
using BlockSourcePtr = std::shared_ptr<const BlockSource>;

}  // namespace cordwood
