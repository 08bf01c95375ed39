// SPDX-License-Identifier: Apache-2.0
#include "storage/column_reader.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "storage/base/coding.h"

namespace cordwood {

namespace {

/// A dictionary of more is not read whole for one cell.
constexpr uint32_t kManyTexts = 1024;

Error malformed(const ColumnMeta& meta) {
  return Error::corrupt(fmt::format("block: pieces of a {} column do not fit", to_string(meta.type)));
}

}  // namespace

Result<std::unique_ptr<ColumnReader>> ColumnReader::open(const ColumnMeta& meta, const Block& block) {
  auto reader = std::unique_ptr<ColumnReader>(new ColumnReader(meta, block));
  TRY(reader->bind());
  return reader;
}

Result<void> ColumnReader::bind() {
  const bool exceptions = (meta_.flags & kExceptions) != 0;
  const uint32_t first = meta_.first_piece;
  const auto rows = [&](uint32_t piece) { return frames_->piece(first + piece).rows(); };
  switch (meta_.type) {
    case ColumnType::constant: return meta_.pieces == 0 ? Result<void>() : malformed(meta_);
    case ColumnType::shared:
      if (meta_.pieces != 0 || uint64_t{meta_.shared_first} + meta_.cells > shared_->rows()) return malformed(meta_);
      return {};
    case ColumnType::dictionary:
      if (meta_.pieces != 2 || rows(0) != meta_.distinct || meta_.distinct == 0 || rows(1) != meta_.cells) {
        return malformed(meta_);
      }
      texts_ = TextPiece(frames_, first);
      numbers_ = IntPiece(frames_, first + 1);
      return {};
    case ColumnType::bytes:
      if (meta_.pieces != 1 || rows(0) != meta_.cells) return malformed(meta_);
      texts_ = TextPiece(frames_, first);
      return {};
    case ColumnType::pattern:
      if (meta_.pieces != 3 || rows(0) != meta_.distinct || meta_.distinct == 0 || rows(1) != meta_.cells ||
          rows(2) != meta_.cells) {
        return malformed(meta_);
      }
      pattern_ = std::make_unique<PatternReader>(frames_, first);
      return {};
    case ColumnType::rendered:
      if (meta_.distinct > kMaxTemplates || meta_.pieces != 2 || rows(0) != meta_.distinct || meta_.distinct == 0 ||
          rows(1) != meta_.cells) {
        return malformed(meta_);
      }
      if (row_texts_ != nullptr) rendered_ = std::make_unique<RenderedReader>(frames_, first, row_texts_);
      return {};
    default: break;
  }
  if (meta_.pieces != (exceptions ? 2u : 1u) || rows(0) != meta_.cells) return malformed(meta_);
  if (meta_.type == ColumnType::timestamp) {
    const auto layout =
        make_timestamp_layout((meta_.flags & kSpaceForT) != 0 ? ' ' : 'T',
                              (meta_.flags & kCommaFraction) != 0 ? ',' : '.', meta_.digits, meta_.constant);
    if (!layout) return malformed(meta_);
    layout_ = *layout;
  }
  if ((meta_.flags & kListed) != 0) {
    const std::optional<uint32_t> list =
        ids_ != nullptr && is_binary(meta_) ? ids_->lists().list_of(binary_width(meta_)) : std::nullopt;
    if (!list) return malformed(meta_);
    id_list_ = *list;
  }
  numbers_ = IntPiece(frames_, first);
  return {};
}

Result<void> ColumnReader::load_dictionary() {
  if (dictionary_loaded_) return {};
  dictionary_.clear();
  dictionary_.reserve(meta_.distinct);
  for (uint32_t i = 0; i < meta_.distinct; ++i) {
    TRY_ASSIGN(const std::string_view text, texts_.get(i));
    dictionary_.push_back(text);
  }
  dictionary_loaded_ = true;
  return {};
}

Result<const std::vector<std::string_view>*> ColumnReader::dictionary() {
  if (meta_.type == ColumnType::dictionary) TRY(load_dictionary());
  return &dictionary_;
}

Result<std::optional<uint32_t>> ColumnReader::dictionary_id(uint32_t cell) {
  if (meta_.type != ColumnType::dictionary) return std::optional<uint32_t>();
  TRY_ASSIGN(const int64_t id, numbers_.get(cell));
  if (id < 0 || id >= static_cast<int64_t>(meta_.distinct)) return Error::corrupt("block: dictionary id out of range");
  return std::optional<uint32_t>(static_cast<uint32_t>(id));
}

Result<void> ColumnReader::load_exceptions() {
  if (exceptions_loaded_ || (meta_.flags & kExceptions) == 0) return {};
  const uint32_t piece = meta_.first_piece + meta_.pieces - 1;
  TRY_ASSIGN(const std::string_view raw, frames_->frame(piece, 0));
  const uint32_t count = frames_->piece(piece).rows();
  if (count > raw.size()) return malformed(meta_);
  ByteReader in(raw);
  std::vector<uint32_t> cells;
  cells.reserve(count);
  uint64_t cell = 0;
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t distance = in.varint();
    cell += distance;
    if (cell >= meta_.cells || (i > 0 && distance == 0)) return malformed(meta_);
    cells.push_back(static_cast<uint32_t>(cell));
  }
  exception_texts_.clear();
  for (uint32_t i = 0; i < count; ++i) exception_texts_.push_back(in.string());
  TRY(in.finish("exceptions of a column"));
  exception_cells_ = std::move(cells);
  exceptions_loaded_ = true;
  return {};
}

std::optional<std::string_view> ColumnReader::exception(uint32_t cell) const {
  if (exception_cells_.empty()) return std::nullopt;
  const auto at = std::lower_bound(exception_cells_.begin(), exception_cells_.end(), cell);
  if (at == exception_cells_.end() || *at != cell) return std::nullopt;
  return exception_texts_[static_cast<size_t>(at - exception_cells_.begin())];
}

Result<std::string_view> ColumnReader::text(uint32_t cell, uint32_t row, std::string* scratch) {
  if (cell >= meta_.cells) return Error::corrupt("block: a column has too few cells");
  switch (meta_.type) {
    case ColumnType::constant: return std::string_view(meta_.constant);
    case ColumnType::shared: return shared_->get(meta_.shared_first + cell);
    case ColumnType::bytes: return texts_.get(cell);
    case ColumnType::dictionary: {
      TRY_ASSIGN(const std::optional<uint32_t> id, dictionary_id(cell));
      if (!dictionary_loaded_ && meta_.distinct > kManyTexts) return texts_.get(*id);
      TRY(load_dictionary());
      return dictionary_[*id];
    }
    case ColumnType::pattern:
      scratch->clear();
      TRY(pattern_->append(cell, scratch));
      return std::string_view(*scratch);
    case ColumnType::rendered:
      scratch->clear();
      TRY(rendered_->append(cell, row, scratch));
      return std::string_view(*scratch);
    default: break;
  }
  if ((meta_.flags & kExceptions) != 0) TRY(load_exceptions());
  if (const auto text = exception(cell)) return *text;
  scratch->clear();
  if (is_binary(meta_)) return binary_text(cell, scratch);
  return number_text(cell, row, scratch);
}

std::optional<uint64_t> ColumnReader::fixed_text_bytes() const {
  if (meta_.type == ColumnType::constant) return meta_.constant.size();
  if (meta_.type == ColumnType::timestamp) return timestamp_bytes(layout_);
  if (meta_.type == ColumnType::uuid) return kUuidBytes;
  return meta_.type == ColumnType::hex ? std::optional<uint64_t>(meta_.digits) : std::nullopt;
}

std::optional<uint64_t> ColumnReader::same_text_bytes() const {
  return (meta_.flags & kExceptions) == 0 ? fixed_text_bytes() : std::nullopt;
}

Result<uint64_t> ColumnReader::text_bytes(uint32_t cell, uint32_t row) {
  if (cell >= meta_.cells) return Error::corrupt("block: a column has too few cells");
  if (meta_.type == ColumnType::pattern) return pattern_->text_bytes(cell);
  if (meta_.type == ColumnType::rendered) return rendered_->text_bytes(cell, row);
  if (meta_.type == ColumnType::integer && (meta_.flags & kExceptions) == 0) {
    TRY_ASSIGN(const int64_t value, numbers_.get(cell));
    return integer_bytes(value);
  }
  TRY_ASSIGN(const std::string_view text, this->text(cell, row, &scratch_));
  return uint64_t{text.size()};
}

Result<std::string_view> ColumnReader::binary_text(uint32_t cell, std::string* scratch) {
  char listed[IdLists::kMaxWidth];
  const char* binary = listed;
  if ((meta_.flags & kListed) != 0) {
    TRY_ASSIGN(const int64_t number, numbers_.get(cell));
    TRY(ids_->copy(id_list_, number, listed));
  } else {
    const PieceMeta& piece = frames_->piece(meta_.first_piece);
    const uint32_t index = frame_of_row(piece, cell);
    TRY_ASSIGN(const std::string_view raw, frames_->frame(meta_.first_piece, index));
    const uint64_t width = binary_width(meta_);
    if (raw.size() != width * piece.frames[index].rows) return malformed(meta_);
    binary = raw.data() + width * (cell - piece.frames[index].first_row);
  }
  const bool upper = (meta_.flags & kUpperCase) != 0;
  if (meta_.type == ColumnType::uuid) {
    append_uuid(binary, upper, scratch);
  } else {
    append_hex(binary, meta_.digits, upper, scratch);
  }
  return std::string_view(*scratch);
}

Result<std::string_view> ColumnReader::number_text(uint32_t cell, uint32_t row, std::string* scratch) {
  TRY_ASSIGN(const int64_t value, numbers_.get(cell));
  switch (meta_.type) {
    case ColumnType::integer: append_integer(value, scratch); break;
    case ColumnType::decimal: append_decimal(value, {meta_.digits, (meta_.flags & kTrimmedZeros) != 0}, scratch); break;
    case ColumnType::ipv4: append_ipv4(value, scratch); break;
    case ColumnType::timestamp: {
      uint64_t units = static_cast<uint64_t>(value);
      if ((meta_.flags & kRelative) != 0) {
        TRY_ASSIGN(const int64_t time, times_->get(row));
        units += static_cast<uint64_t>(floor_div(time, layout_.unit_ns));
      }
      append_timestamp(static_cast<int64_t>(units), layout_, scratch);
      break;
    }
    default: return malformed(meta_);
  }
  return std::string_view(*scratch);
}

Result<std::string_view> ColumnReader::lasting_text(uint32_t cell, uint32_t row) {
  if (cell < lasting_.size() && lasting_[cell] != nullptr) return std::string_view(*lasting_[cell]);
  std::string scratch;
  TRY_ASSIGN(const std::string_view text, this->text(cell, row, &scratch));
  if (scratch.empty() || text.data() != scratch.data()) return text;
  if (lasting_.empty()) lasting_.resize(meta_.cells);
  lasting_[cell] = std::make_unique<std::string>(text);
  return std::string_view(*lasting_[cell]);
}

Result<const ColumnCells*> ColumnReader::cells() {
  if (cells_) return &*cells_;
  ColumnCells cells;
  cells.count = meta_.cells;
  switch (meta_.type) {
    case ColumnType::constant:
      cells.kind = ColumnCells::Kind::constant;
      constant_text_ = meta_.constant;
      cells.values = {&constant_text_, 1};
      break;
    case ColumnType::dictionary:
      cells.kind = ColumnCells::Kind::dictionary;
      TRY(load_dictionary());
      cells.values = dictionary_;
      break;
    case ColumnType::integer:
    case ColumnType::decimal:
      cells.kind = ColumnCells::Kind::numbers;
      cells.scale = meta_.type == ColumnType::decimal ? std::min(meta_.digits, kMaxDecimalScale) : 0;
      cells.most = std::numeric_limits<double>::infinity();
      if (meta_.range) {
        const double most = std::max(std::abs(meta_.range->min), std::abs(meta_.range->max));
        cells.most = most * std::pow(10, cells.scale);
      }
      break;
    default: break;
  }
  cells.typed = meta_.type >= ColumnType::integer && meta_.type <= ColumnType::ipv4;
  if (cells.typed) TRY(load_exceptions());
  cells.exceptions = exception_cells_;
  cells_ = cells;
  return &*cells_;
}

Result<std::span<const uint32_t>> ColumnReader::cell_ids() {
  CHECK(meta_.type == ColumnType::dictionary, "a {} column has no ids", to_string(meta_.type));
  if (cell_ids_.empty() && meta_.cells > 0) {
    std::vector<uint32_t> ids(meta_.cells);
    TRY(numbers_.decode_ids(meta_.distinct, ids.data()));
    cell_ids_ = std::move(ids);
  }
  return std::span<const uint32_t>(cell_ids_);
}

Result<std::span<const int64_t>> ColumnReader::cell_numbers() {
  if (cell_numbers_.empty() && meta_.cells > 0) {
    std::vector<int64_t> numbers;
    TRY(numbers_.decode_all(&numbers));
    cell_numbers_ = std::move(numbers);
  }
  return std::span<const int64_t>(cell_numbers_);
}

Result<void> ColumnReader::find_ids(std::span<const uint8_t> wanted, RowBits* cells) {
  CHECK(meta_.type == ColumnType::dictionary && wanted.size() == meta_.distinct, "{} flags for a {} column of {} texts",
        wanted.size(), to_string(meta_.type), meta_.distinct);
  std::span<const uint32_t> ids = cell_ids_;
  std::vector<uint32_t> decoded;
  if (ids.empty()) {
    decoded.resize(meta_.cells);
    TRY(numbers_.decode_ids(meta_.distinct, decoded.data()));
    ids = decoded;
  }
  FlagAppender found(cells, 0);
  for (const uint32_t id : ids) found.append(wanted[id]);
  return {};
}

Result<void> ColumnReader::find_numbers(int64_t least, int64_t most, bool outside, RowBits* cells) {
  const uint64_t reach = static_cast<uint64_t>(most) - static_cast<uint64_t>(least);
  return numbers_.find(
      [=](int64_t number) {
        return (static_cast<uint64_t>(number) - static_cast<uint64_t>(least) <= reach) != outside;
      },
      cells);
}

uint64_t ColumnReader::settle(bool slim) {
  lasting_.clear();
  if (slim) {
    std::vector<uint32_t>().swap(cell_ids_);
    std::vector<int64_t>().swap(cell_numbers_);
    if (pattern_ != nullptr) pattern_ = std::make_unique<PatternReader>(frames_, meta_.first_piece);
    if (rendered_ != nullptr) {
      rendered_ = std::make_unique<RenderedReader>(frames_, meta_.first_piece, row_texts_);
    }
  }
  return sizeof(*this) + numbers_.memory_bytes() + texts_.memory_bytes() + cell_numbers_.capacity() * sizeof(int64_t) +
         cell_ids_.capacity() * sizeof(uint32_t) +
         (dictionary_.capacity() + exception_texts_.capacity()) * sizeof(std::string_view) +
         exception_cells_.capacity() * sizeof(uint32_t) + (pattern_ != nullptr ? pattern_->memory_bytes() : 0) +
         (rendered_ != nullptr ? rendered_->memory_bytes() : 0);
}

Result<std::optional<int64_t>> ColumnReader::integer(uint32_t cell) {
  if (meta_.type != ColumnType::integer) return std::optional<int64_t>();
  if ((meta_.flags & kExceptions) != 0) {
    TRY(load_exceptions());
    if (exception(cell)) return std::optional<int64_t>();
  }
  TRY_ASSIGN(const int64_t value, numbers_.get(cell));
  return std::optional<int64_t>(value);
}

}  // namespace cordwood
