// SPDX-License-Identifier: Apache-2.0
#include "storage/column_writer.h"

#include <algorithm>

#include "storage/base/coding.h"
#include "storage/base/same_text.h"
#include "storage/column_bits.h"
#include "storage/column_text.h"
#include "storage/model/time_range.h"

namespace cordwood {

namespace {

/// Cells with no more text than this all together go to the shared column.
constexpr uint64_t kSharedBytes = 96;
constexpr size_t kMaxConstantBytes = 256;
constexpr size_t kSampleCells = 16;
/// A dictionary of so many bytes is sorted.
constexpr uint64_t kSortedBytes = 16u << 10;
/// Texts of less than this on average are not worth the reading of other columns.
constexpr uint64_t kLeastRenderedBytes = 48;
constexpr size_t kLeastRenderedCells = 64;
/// Templates and ids packed to such a part of the texts need not be compared with packed texts.
constexpr uint64_t kSurelySmall = 64;
/// Addresses of one network have less than four.
constexpr uint64_t kIpv4Bytes = 3;
constexpr uint32_t kMinHexDigits = 8;
constexpr uint32_t kMaxHexDigits = 256;
/// One cell in so many may be an exception to the column's type.
constexpr size_t kCellsPerException = 16;
constexpr size_t kMaxExceptions = 4096;
constexpr uint64_t kMaxExceptionBytes = 64u << 10;

uint64_t bytes_of(std::span<const std::string_view> cells) {
  uint64_t sum = 0;
  for (const std::string_view c : cells) sum += c.size();
  return sum;
}

bool all_equal(std::span<const std::string_view> cells) {
  for (const std::string_view c : cells)
    if (!same_text(c, cells[0])) return false;
  return true;
}

bool is_hex_candidate(std::string_view text) {
  if (text.size() < kMinHexDigits || text.size() > kMaxHexDigits) return false;
  char unused[kMaxHexDigits / 2 + 1];
  return parse_hex(text, hex_case(text).value_or(false), unused);
}

void widen(std::optional<ColumnMeta::Range>* range, double v) {
  if (!*range) *range = ColumnMeta::Range{v, v};
  (*range)->min = std::min((*range)->min, v);
  (*range)->max = std::max((*range)->max, v);
}

/// Range over texts; nothing as soon as one is no number.
std::optional<ColumnMeta::Range> range_of(std::span<const std::string_view> texts) {
  std::optional<ColumnMeta::Range> range;
  for (const std::string_view t : texts) {
    const std::optional<double> v = parse_plain_float(t);
    if (!v) return std::nullopt;
    widen(&range, *v);
  }
  return range;
}

}  // namespace

/// What a few cells, spread over the column, look like.
struct ColumnWriter::Sample {
  enum Kind : uint8_t { integer, decimal, timestamp, uuid, ipv4, hex, kinds };
  uint32_t hits[kinds] = {};
  uint32_t cells = 0;
  uint8_t digits_max = 0;
  bool digits_differ = false;
  std::string_view example[kinds];

  explicit Sample(std::span<const std::string_view> column) {
    const size_t n = std::min(kSampleCells, column.size());
    for (size_t i = 0; i < n; ++i) look(column[i * column.size() / n]);
  }
  /// Whether nearly all cells are of this kind, or of `also`.
  bool mostly(Kind kind) const { return hits[kind] > 0 && hits[kind] * 8 >= cells * 7; }

 private:
  void hit(Kind kind, std::string_view text) {
    if (hits[kind]++ == 0) example[kind] = text;
  }
  void look(std::string_view text) {
    ++cells;
    int64_t unused;
    if (parse_integer(text, &unused)) {
      hit(integer, text);
      digits_differ = true;
    } else if (const auto digits = decimal_digits(text)) {
      if (hits[decimal] > 0 && *digits != digits_max) digits_differ = true;
      digits_max = std::max(digits_max, *digits);
      hit(decimal, text);
    } else if (detect_timestamp(text)) {
      hit(timestamp, text);
    } else if (parse_ipv4(text, &unused)) {
      hit(ipv4, text);
    }
    if (char raw[16]; parse_uuid(text, hex_case(text).value_or(false), raw)) hit(uuid, text);
    if (is_hex_candidate(text)) hit(hex, text);
  }
};

void ColumnWriter::reset() {
  shared_.clear();
  templates_.reset();
}

void ColumnWriter::write_bytes(std::span<const std::string_view> cells, ColumnMeta* meta, std::vector<PieceMeta>* out) {
  meta->type = ColumnType::bytes;
  meta->cells = static_cast<uint32_t>(cells.size());
  meta->pieces = 1;
  out->push_back(pieces_->texts(cells, true));
}

void ColumnWriter::write(std::span<const std::string_view> cells, const Rows& rows, ColumnMeta* meta,
                         std::vector<PieceMeta>* out) {
  meta->cells = static_cast<uint32_t>(cells.size());
  dictionary_tried_ = false;
  const size_t pieces_before = out->size();
  if (cells[0].size() <= kMaxConstantBytes && all_equal(cells)) {
    meta->type = ColumnType::constant;
    meta->constant = cells[0];
    meta->range = range_of(cells.first(1));
    return;
  }
  const uint64_t cell_bytes = bytes_of(cells);
  if (cell_bytes <= kSharedBytes) {
    meta->type = ColumnType::shared;
    meta->shared_first = static_cast<uint32_t>(shared_.size());
    meta->range = range_of(cells);
    shared_.insert(shared_.end(), cells.begin(), cells.end());
    return;
  }
  if (!write_typed(cells, rows, meta, out) && !write_dictionary(cells, cell_bytes, meta, out) &&
      !write_rendered(cells, cell_bytes, rows.others, meta, out) && !write_pattern(cells, meta, out) &&
      !write_long_dictionary(cells, meta, out)) {
    write_bytes(cells, meta, out);
    meta->range = range_of(cells);
  }
  meta->pieces = static_cast<uint32_t>(out->size() - pieces_before);
}

bool ColumnWriter::write_typed(std::span<const std::string_view> cells, const Rows& rows, ColumnMeta* meta,
                               std::vector<PieceMeta>* out) {
  const Sample sample(cells);
  if (sample.mostly(Sample::integer) &&
      parse_all(cells, [](std::string_view t, int64_t* v) { return parse_integer(t, v); })) {
    meta->type = ColumnType::integer;
    note_integer_range(
        meta, [](int64_t v) { return static_cast<double>(v); }, cells);
    out->push_back(pieces_->ints(values_));
    finish_typed(cells, meta, out);
    return true;
  }
  if (sample.hits[Sample::decimal] > 0) {
    const bool with_integers = (sample.hits[Sample::decimal] + sample.hits[Sample::integer]) * 8 >= sample.cells * 7;
    if (!sample.digits_differ && write_decimal(cells, false, sample.digits_max, meta, out)) return true;
    if (with_integers && write_decimal(cells, true, std::min<uint8_t>(17, sample.digits_max + 3), meta, out))
      return true;
  }
  if (sample.mostly(Sample::timestamp) && write_timestamp(cells, sample.example[Sample::timestamp], rows, meta, out)) {
    return true;
  }
  if (sample.mostly(Sample::uuid) && write_binary(cells, sample.example[Sample::uuid], meta, out)) return true;
  if (sample.mostly(Sample::hex) && write_binary(cells, sample.example[Sample::hex], meta, out)) return true;
  if (sample.mostly(Sample::ipv4) && !fits_dictionary(cells, kIpv4Bytes) &&
      parse_all(cells, [](std::string_view t, int64_t* v) { return parse_ipv4(t, v); })) {
    meta->type = ColumnType::ipv4;
    out->push_back(pieces_->ints(values_));
    finish_typed(cells, meta, out);
    return true;
  }
  return false;
}

template <typename Parse>
bool ColumnWriter::parse_all(std::span<const std::string_view> cells, Parse parse) {
  const size_t most = std::min(kMaxExceptions, cells.size() / kCellsPerException);
  values_.resize(cells.size());
  exceptions_.clear();
  uint64_t exception_bytes = 0;
  int64_t last = 0;
  for (size_t i = 0; i < cells.size(); ++i) {
    if (parse(cells[i], &values_[i])) {
      last = values_[i];
      continue;
    }
    exception_bytes += cells[i].size();
    if (exceptions_.size() == most || exception_bytes > kMaxExceptionBytes) return false;
    exceptions_.push_back(static_cast<uint32_t>(i));
    values_[i] = last;
  }
  return true;
}

void ColumnWriter::note_integer_range(ColumnMeta* meta, const std::function<double(int64_t)>& value_of,
                                      std::span<const std::string_view> cells) {
  const auto [lo, hi] = std::minmax_element(values_.begin(), values_.end());
  std::optional<ColumnMeta::Range> range;
  widen(&range, value_of(*lo));
  widen(&range, value_of(*hi));
  for (const uint32_t i : exceptions_) {
    const std::optional<double> v = parse_plain_float(cells[i]);
    if (!v) return;
    widen(&range, *v);
  }
  meta->range = range;
}

bool ColumnWriter::write_decimal(std::span<const std::string_view> cells, bool trimmed, uint8_t scale, ColumnMeta* meta,
                                 std::vector<PieceMeta>* out) {
  const DecimalLayout layout{scale, trimmed};
  if (scale == 0 || scale > 17) return false;
  if (!parse_all(cells, [layout](std::string_view t, int64_t* v) { return parse_decimal(t, layout, v); })) return false;
  meta->type = ColumnType::decimal;
  meta->digits = scale;
  meta->flags = trimmed ? kTrimmedZeros : 0;
  note_integer_range(
      meta,
      [layout](int64_t v) {
        std::string text;
        append_decimal(v, layout, &text);
        return parse_plain_float(text).value_or(0);
      },
      cells);
  out->push_back(pieces_->ints(values_));
  finish_typed(cells, meta, out);
  return true;
}

bool ColumnWriter::write_timestamp(std::span<const std::string_view> cells, std::string_view sample, const Rows& rows,
                                   ColumnMeta* meta, std::vector<PieceMeta>* out) {
  const std::optional<TimestampLayout> layout = detect_timestamp(sample);
  if (!layout) return false;
  TimestampParser parser(*layout);
  if (!parse_all(cells, [&parser](std::string_view t, int64_t* v) { return parser.parse(t, v); })) return false;
  meta->type = ColumnType::timestamp;
  meta->digits = layout->digits;
  meta->constant = layout->suffix;
  meta->flags =
      static_cast<uint8_t>((layout->separator == ' ' ? kSpaceForT : 0) | (layout->point == ',' ? kCommaFraction : 0));
  const std::span<const int64_t> times = rows.times();
  // Unsigned: far times wrap here and back again when read.
  const auto difference = [&](size_t i) {
    return static_cast<int64_t>(static_cast<uint64_t>(values_[i]) -
                                static_cast<uint64_t>(floor_div(times[i], layout->unit_ns)));
  };
  const auto [lo, hi] = std::minmax_element(values_.begin(), values_.end());
  int64_t near = difference(0);
  int64_t far = near;
  for (size_t i = 1; i < values_.size(); ++i) {
    near = std::min(near, difference(i));
    far = std::max(far, difference(i));
  }
  if (bit_width_of(static_cast<uint64_t>(far) - static_cast<uint64_t>(near)) + 1 <
      bit_width_of(static_cast<uint64_t>(*hi) - static_cast<uint64_t>(*lo))) {
    meta->flags |= kRelative;
    for (size_t i = 0; i < values_.size(); ++i) values_[i] = difference(i);
  }
  out->push_back(pieces_->ints(values_));
  finish_typed(cells, meta, out);
  return true;
}

bool ColumnWriter::parse_binary(std::span<const std::string_view> cells, uint32_t width, bool uuid, ColumnMeta* meta) {
  const bool upper = (meta->flags & kUpperCase) != 0;
  binary_.assign(cells.size() * width, '\0');
  size_t i = 0;
  return parse_all(cells, [&](std::string_view t, int64_t* v) {
    char* out = binary_.data() + width * i++;
    *v = 0;
    return uuid ? parse_uuid(t, upper, out) : t.size() == meta->digits && parse_hex(t, upper, out);
  });
}

bool ColumnWriter::write_binary(std::span<const std::string_view> cells, std::string_view sample, ColumnMeta* meta,
                                std::vector<PieceMeta>* out) {
  const bool uuid = sample.size() == kUuidBytes && sample[8] == '-';
  if (!uuid && sample.size() > UINT8_MAX) return false;
  // Without a letter in the sample the case is that of the first cell that has one.
  std::optional<bool> upper = hex_case(sample);
  for (size_t i = 0; !upper && i < cells.size(); ++i) upper = hex_case(cells[i]);
  meta->type = uuid ? ColumnType::uuid : ColumnType::hex;
  meta->digits = uuid ? 0 : static_cast<uint8_t>(sample.size());
  meta->flags = upper.value_or(false) ? kUpperCase : 0;
  const uint32_t width = uuid ? 16 : static_cast<uint32_t>(sample.size() + 1) / 2;
  if (fits_dictionary(cells, width) || !parse_binary(cells, width, uuid, meta)) {
    meta->flags = 0;
    meta->digits = 0;
    return false;
  }
  out->push_back(pieces_->binary(binary_, width));
  finish_typed(cells, meta, out);
  return true;
}

bool ColumnWriter::collect_dictionary(std::span<const std::string_view> cells) {
  if (!dictionary_tried_) dictionary_.collect(cells);
  dictionary_tried_ = true;
  return dictionary_.complete();
}

bool ColumnWriter::fits_dictionary(std::span<const std::string_view> cells, uint64_t cell_bytes) {
  if (!collect_dictionary(cells)) return false;
  const uint64_t ids = packed_bytes(cells.size(), bit_width_of(dictionary_.values().size()));
  return dictionary_.values().size() * (cell_bytes + 2) + ids < cells.size() * cell_bytes;
}

bool ColumnWriter::write_dictionary(std::span<const std::string_view> cells, uint64_t cell_bytes, ColumnMeta* meta,
                                    std::vector<PieceMeta>* out) {
  if (!collect_dictionary(cells)) return false;
  const size_t distinct = dictionary_.values().size();
  const uint64_t ids = packed_bytes(cells.size(), bit_width_of(distinct - 1));
  // A heap of such texts takes about a quarter of its bytes, the dictionary's texts, being all different, a half.
  if (dictionary_.value_bytes() / 2 + ids > cell_bytes / 4 + cells.size() / 4) return false;
  if (dictionary_.value_bytes() >= kSortedBytes) dictionary_.sort();
  put_dictionary(meta, out);
  return true;
}

bool ColumnWriter::write_long_dictionary(std::span<const std::string_view> cells, ColumnMeta* meta,
                                         std::vector<PieceMeta>* out) {
  if (!collect_dictionary(cells) || dictionary_.value_bytes() < kSortedBytes) return false;
  dictionary_.sort();
  const uint64_t ids = packed_bytes(cells.size(), bit_width_of(dictionary_.values().size() - 1));
  if (pieces_->estimate_texts(dictionary_.values()) + ids >= pieces_->estimate_texts(cells) / 8 * 7) return false;
  put_dictionary(meta, out);
  return true;
}

void ColumnWriter::put_dictionary(ColumnMeta* meta, std::vector<PieceMeta>* out) {
  meta->type = ColumnType::dictionary;
  meta->distinct = static_cast<uint32_t>(dictionary_.values().size());
  meta->range = range_of(dictionary_.values());
  out->push_back(pieces_->texts(dictionary_.values(), false));
  out->push_back(pieces_->ints(dictionary_.ids()));
}

bool ColumnWriter::write_rendered(std::span<const std::string_view> cells, uint64_t cell_bytes,
                                  const ForEachRow& others, ColumnMeta* meta, std::vector<PieceMeta>* out) {
  const bool worth_it = cells.size() >= kLeastRenderedCells && cell_bytes >= cells.size() * kLeastRenderedBytes;
  if (!others || !worth_it || !templates_.collect(cells, others)) return false;
  const size_t pieces_before = out->size();
  const size_t narrow_before = pieces_->narrow.size();
  const std::vector<std::string_view> texts(templates_.templates().begin(), templates_.templates().end());
  out->push_back(pieces_->texts(texts, false));
  out->push_back(pieces_->ints(templates_.ids()));
  const uint64_t packed = pieces_->narrow.size() - narrow_before;
  meta->type = ColumnType::rendered;
  meta->distinct = static_cast<uint32_t>(texts.size());
  if (packed * kSurelySmall < cell_bytes || packed < pieces_->estimate_texts(cells) / 4 * 3) return true;
  meta->distinct = 0;
  pieces_->narrow.resize(narrow_before);
  out->resize(pieces_before);
  return false;
}

bool ColumnWriter::write_pattern(std::span<const std::string_view> cells, ColumnMeta* meta,
                                 std::vector<PieceMeta>* out) {
  if (!patterns_.collect(cells)) return false;
  meta->type = ColumnType::pattern;
  meta->distinct = static_cast<uint32_t>(patterns_.patterns().size());
  meta->range = range_of(cells);
  const std::vector<std::string_view> texts(patterns_.patterns().begin(), patterns_.patterns().end());
  out->push_back(pieces_->texts(texts, false));
  out->push_back(pieces_->ints(patterns_.ids()));
  out->push_back(pieces_->pattern_numbers(patterns_));
  return true;
}

void ColumnWriter::finish_typed(std::span<const std::string_view> cells, ColumnMeta* meta,
                                std::vector<PieceMeta>* out) {
  if (exceptions_.empty()) return;
  meta->flags |= kExceptions;
  std::string raw;
  ByteWriter w(&raw);
  uint32_t last = 0;
  for (const uint32_t i : exceptions_) {
    w.varint(i - last);
    last = i;
  }
  for (const uint32_t i : exceptions_) w.string(cells[i]);
  out->push_back(pieces_->blob(raw, static_cast<uint32_t>(exceptions_.size())));
}

}  // namespace cordwood
