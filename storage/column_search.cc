// SPDX-License-Identifier: Apache-2.0
#include "storage/column_search.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "storage/base/ascii.h"
#include "storage/base/find_bytes.h"
#include "storage/base/fold_text.h"
#include "storage/column_reader.h"

namespace cordwood {

namespace {

/// Cells whose text is made and searched at a time.
constexpr uint32_t kCellsAtATime = 4096;
constexpr size_t kMaxIntegerText = 20;
constexpr size_t kMaxDecimalText = 21;
constexpr size_t kMaxIpv4Text = 15;

/// Whether texts in which 'd' of `mask` stands for a digit, 'x' and 'X' for hex digits, and all else for itself can
/// match.
bool mask_allows(std::string_view mask, const CellTest& test) {
  const std::string_view text = test.text;
  if (text.size() > mask.size() || (test.kind == CellTest::Kind::equals && text.size() != mask.size())) return false;
  const auto fits = [&](size_t at) {
    for (size_t i = 0; i < text.size(); ++i) {
      const char m = mask[at + i];
      const char c = text[i];
      const bool small = m == 'x' || (m == 'X' && test.folded);
      const bool letter = (small && c >= 'a' && c <= 'f') || (m == 'X' && c >= 'A' && c <= 'F');
      const bool wild = m == 'd' || m == 'x' || m == 'X';
      if (wild ? !is_digit(c) && !letter : c != (test.folded ? fold_byte(m) : m)) return false;
    }
    return true;
  };
  const size_t last = mask.size() - text.size();
  if (test.kind == CellTest::Kind::ends) return fits(last);
  if (test.kind == CellTest::Kind::begins) return fits(0);
  for (size_t at = 0; at <= last; ++at)
    if (fits(at)) return true;
  return false;
}

/// Whether numbers with an optional sign, at most `points` points and `longest` bytes can match.
bool number_allows(const CellTest& test, uint32_t points, size_t longest) {
  if (test.text.size() > longest) return false;
  uint32_t seen = 0;
  for (size_t i = 0; i < test.text.size(); ++i) {
    const char c = test.text[i];
    if (c == '.' ? ++seen > points : c == '-' ? i != 0 : !is_digit(c)) return false;
  }
  return true;
}

std::string timestamp_mask(const TimestampLayout& layout) {
  std::string mask = "dddd-dd-dd";
  mask += layout.separator;
  mask += "dd:dd:dd";
  if (layout.digits > 0) {
    mask += layout.point;
    mask.append(layout.digits, 'd');
  }
  return mask;
}

/// The longest text of an integer within the range.
size_t longest_integer(const std::optional<ColumnMeta::Range>& range) {
  constexpr double kExact = 1e15;
  if (!range || std::abs(range->min) > kExact || std::abs(range->max) > kExact) return kMaxIntegerText;
  std::string low, high;
  append_integer(static_cast<int64_t>(range->min), &low);
  append_integer(static_cast<int64_t>(range->max), &high);
  return std::max(low.size(), high.size());
}

std::string_view longest_run_without_digits(std::string_view text) {
  std::string_view best;
  for (size_t i = 0; i < text.size();) {
    size_t end = i;
    while (end < text.size() && !is_digit(text[end])) ++end;
    if (end - i > best.size()) best = text.substr(i, end - i);
    i = end + 1;
  }
  return best;
}

bool same_folded(std::string_view text, std::string_view folded) {
  for (size_t i = 0; i < folded.size(); ++i)
    if (fold_byte(text[i]) != folded[i]) return false;
  return true;
}

bool matches_folded(const CellTest& test, std::string_view cell) {
  const size_t size = test.text.size();
  if (size > cell.size()) return false;
  switch (test.kind) {
    case CellTest::Kind::equals: return size == cell.size() && same_folded(cell, test.text);
    case CellTest::Kind::begins: return same_folded(cell, test.text);
    case CellTest::Kind::ends: return same_folded(cell.substr(cell.size() - size), test.text);
    case CellTest::Kind::contains: break;
  }
  for (size_t at = 0; at + size <= cell.size(); ++at)
    if (same_folded(cell.substr(at), test.text)) return true;
  return false;
}

/// Sets the cells in which `rune` stands.
void mark_cells_with(std::string_view rune, std::string_view text, std::span<const uint32_t> ends, uint32_t first_cell,
                     RowBits* cells) {
  for (size_t at = text.find(rune); at != std::string_view::npos; at = text.find(rune, at + 1)) {
    const auto end = std::upper_bound(ends.begin(), ends.end(), at);
    if (at + rune.size() <= *end) cells->set(first_cell + static_cast<uint32_t>(end - ends.begin()));
  }
}

}  // namespace

bool CellTest::matches(std::string_view cell) const {
  if (folded) return matches_folded(*this, cell) || holds_odd_fold(cell);
  switch (kind) {
    case Kind::contains: return contains_bytes(cell, text);
    case Kind::equals: return cell == text;
    case Kind::begins: return cell.starts_with(text);
    case Kind::ends: return cell.ends_with(text);
  }
  return false;
}

void search_cells(std::string_view text, std::span<const uint32_t> ends, const CellTest& test, uint32_t first_cell,
                  RowBits* cells) {
  if (test.folded && test.kind == CellTest::Kind::contains && !test.text.empty()) {
    std::string folded;
    fold_text(text, &folded);
    for (const std::string_view rune : kOddFolds) mark_cells_with(rune, text, ends, first_cell, cells);
    return search_cells(folded, ends, {test.kind, test.text, false}, first_cell, cells);
  }
  if (test.kind != CellTest::Kind::contains || test.text.empty()) {
    for (size_t i = 0; i < ends.size(); ++i) {
      const uint32_t begin = i == 0 ? 0 : ends[i - 1];
      if (test.matches(text.substr(begin, ends[i] - begin))) cells->set(first_cell + static_cast<uint32_t>(i));
    }
    return;
  }
  auto floor = ends.begin();
  for (size_t at = 0; at + test.text.size() <= text.size();) {
    const char* hit = find_bytes(text.substr(at), test.text);
    if (hit == nullptr) return;
    const size_t found = static_cast<size_t>(hit - text.data());
    floor = std::upper_bound(floor, ends.end(), found);
    // A hit that crosses the cell's end is none, and no other that begins in this cell can be one.
    if (found + test.text.size() <= *floor) cells->set(first_cell + static_cast<uint32_t>(floor - ends.begin()));
    at = *floor;
  }
}

Result<void> TextPiece::find(const CellTest& test, RowBits* found) {
  const PieceMeta& piece = frames_->piece(piece_);
  for (uint32_t i = 0; i < piece.frames.size(); ++i) {
    TRY_ASSIGN(const Frame* f, frame(i));
    search_cells(f->text, f->ends, test, piece.frames[i].first_row, found);
  }
  return {};
}

Result<void> PatternReader::find(const CellTest& test, RowBits* cells) {
  TRY(load_patterns());
  // Slots hold digits only, one at least: a run of anything else lies within one constant part.
  const std::string_view run = longest_run_without_digits(test.text);
  const CellTest holds_run{CellTest::Kind::contains, run, test.folded};
  const bool digits = run.size() < test.text.size();
  using enum Verdict;
  std::vector<Verdict> verdicts(patterns_.size(), none);
  bool any = false;
  for (size_t id = 0; id < patterns_.size(); ++id) {
    const Pattern& p = patterns_[id];
    if (p.digits.empty()) {
      verdicts[id] = test.matches(p.constants[0]) ? all : none;
    } else if (digits || test.text.empty()) {
      const bool holds =
          std::any_of(p.constants.begin(), p.constants.end(), [&](std::string_view c) { return holds_run.matches(c); });
      verdicts[id] = holds ? open : none;
    } else if (test.kind == CellTest::Kind::contains) {
      const bool holds =
          std::any_of(p.constants.begin(), p.constants.end(), [&](std::string_view c) { return test.matches(c); });
      verdicts[id] = holds ? all : none;
    } else if (test.kind != CellTest::Kind::equals) {
      const bool begins = test.kind == CellTest::Kind::begins;
      verdicts[id] = test.matches(begins ? p.constants.front() : p.constants.back()) ? all : none;
    }
    any = any || verdicts[id] != none;
  }
  if (!any) return {};
  const uint32_t frames = static_cast<uint32_t>(frames_->piece(first_piece_ + 1).frames.size());
  for (uint32_t index = 0; index < frames; ++index) TRY(find_in_frame(index, verdicts, test, cells));
  return {};
}

Result<void> PatternReader::find_in_frame(uint32_t index, std::span<const Verdict> verdicts, const CellTest& test,
                                          RowBits* cells) {
  const FrameMeta& meta = frames_->piece(first_piece_ + 1).frames[index];
  std::vector<uint32_t> ids(meta.rows);
  TRY(ids_.decode_ids(index, static_cast<uint32_t>(patterns_.size()), ids.data()));
  std::vector<uint32_t> counts(patterns_.size(), 0);
  for (const uint32_t id : ids) ++counts[id];
  std::vector<std::vector<IntFrame>> slots;
  TRY(load_numbers(
      index, counts, [&](size_t id) { return verdicts[id] == Verdict::open; }, &slots));
  std::vector<uint32_t> seen(patterns_.size(), 0);
  std::string text;
  for (uint32_t i = 0; i < ids.size(); ++i) {
    const uint32_t id = ids[i];
    if (verdicts[id] == Verdict::none) continue;
    if (verdicts[id] == Verdict::open) {
      text.clear();
      append(patterns_[id], slots[id], seen[id]++, &text);
      if (!test.matches(text)) continue;
    }
    cells->set(meta.first_row + i);
  }
  return {};
}

Result<bool> ColumnReader::may_match(const CellTest& test) {
  if ((meta_.flags & kExceptions) != 0) {
    TRY(load_exceptions());
    for (const std::string_view text : exception_texts_)
      if (test.matches(text)) return true;
  }
  if (meta_.type == ColumnType::constant) return test.matches(meta_.constant);
  return typed_may_match(test);
}

bool ColumnReader::typed_may_match(const CellTest& test) const {
  const bool upper = (meta_.flags & kUpperCase) != 0;
  switch (meta_.type) {
    case ColumnType::integer: return number_allows(test, 0, longest_integer(meta_.range));
    case ColumnType::decimal: return number_allows(test, 1, kMaxDecimalText);
    case ColumnType::ipv4: return number_allows(test, 3, kMaxIpv4Text);
    case ColumnType::hex: return mask_allows(std::string(meta_.digits, upper ? 'X' : 'x'), test);
    case ColumnType::uuid:
      return mask_allows(upper ? "XXXXXXXX-XXXX-XXXX-XXXX-XXXXXXXXXXXX" : "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", test);
    case ColumnType::timestamp: return mask_allows(timestamp_mask(layout_) + layout_.suffix, test);
    default: return true;
  }
}

Result<void> ColumnReader::find(const CellTest& test, const RowRanks* ranks, RowBits* cells) {
  switch (meta_.type) {
    case ColumnType::constant:
      if (test.matches(meta_.constant)) cells->set_all();
      return {};
    case ColumnType::shared:
      for (uint32_t cell = 0; cell < meta_.cells; ++cell) {
        TRY_ASSIGN(const std::string_view text, shared_->get(meta_.shared_first + cell));
        if (test.matches(text)) cells->set(cell);
      }
      return {};
    case ColumnType::bytes: return texts_.find(test, cells);
    case ColumnType::dictionary: return find_in_dictionary(test, cells);
    case ColumnType::pattern: return pattern_->find(test, cells);
    default: break;
  }
  if (typed_may_match(test)) {
    const std::optional<int64_t> value = value_of(test);
    const std::optional<std::string> binary = binary_of(test);
    if (value) {
      TRY(find_value(*value, cells));
    } else if (binary) {
      TRY((meta_.flags & kListed) != 0 ? find_listed(*binary, cells) : find_binary(*binary, cells));
    } else {
      TRY(find_typed(test, ranks, cells));
    }
  }
  if ((meta_.flags & kExceptions) == 0) return {};
  TRY(load_exceptions());
  for (size_t i = 0; i < exception_cells_.size(); ++i) {
    cells->clear(exception_cells_[i]);
    if (test.matches(exception_texts_[i])) cells->set(exception_cells_[i]);
  }
  return {};
}

Result<void> ColumnReader::find_in_dictionary(const CellTest& test, RowBits* cells) {
  RowBits entries(meta_.distinct);
  TRY(texts_.find(test, &entries));
  if (entries.none()) return {};
  std::vector<uint8_t> wanted(meta_.distinct);
  for (uint32_t id = 0; id < meta_.distinct; ++id) wanted[id] = entries.test(id) ? 1 : 0;
  return find_ids(wanted, cells);
}

std::optional<int64_t> ColumnReader::value_of(const CellTest& test) const {
  int64_t value = 0;
  if (test.kind != CellTest::Kind::equals) return std::nullopt;
  switch (meta_.type) {
    case ColumnType::integer: return parse_integer(test.text, &value) ? std::optional(value) : std::nullopt;
    case ColumnType::ipv4: return parse_ipv4(test.text, &value) ? std::optional(value) : std::nullopt;
    default: return std::nullopt;
  }
}

Result<void> ColumnReader::find_value(int64_t value, RowBits* cells) {
  return find_numbers(value, value, false, cells);
}

/// A text as long as the cells passes any test by being the cell.
std::optional<std::string> ColumnReader::binary_of(const CellTest& test) const {
  const bool upper = (meta_.flags & kUpperCase) != 0 && !test.folded;
  std::string binary(is_binary(meta_) ? binary_width(meta_) : 0, '\0');
  const bool fits = meta_.type == ColumnType::uuid ? parse_uuid(test.text, upper, binary.data())
                    : meta_.type == ColumnType::hex
                        ? test.text.size() == meta_.digits && parse_hex(test.text, upper, binary.data())
                        : false;
  return fits ? std::optional(std::move(binary)) : std::nullopt;
}

Result<void> ColumnReader::find_binary(std::string_view value, RowBits* cells) {
  const PieceMeta& piece = frames_->piece(meta_.first_piece);
  for (uint32_t i = 0; i < piece.frames.size(); ++i) {
    const FrameMeta& f = piece.frames[i];
    TRY_ASSIGN(const std::string_view raw, frames_->frame(meta_.first_piece, i));
    if (raw.size() != value.size() * f.rows) return Error::corrupt("block: a binary frame has the wrong size");
    for (uint32_t row = 0; row < f.rows; ++row)
      if (std::memcmp(raw.data() + row * value.size(), value.data(), value.size()) == 0) cells->set(f.first_row + row);
  }
  return {};
}

Result<void> ColumnReader::find_listed(std::string_view value, RowBits* cells) {
  TRY_ASSIGN(const std::optional<uint32_t> number, ids_->find(id_list_, value));
  return number ? find_value(*number, cells) : Result<void>();
}

Result<void> ColumnReader::find_typed(const CellTest& test, const RowRanks* ranks, RowBits* cells) {
  const bool binary = is_binary(meta_);
  std::string text;
  std::vector<uint32_t> ends;
  uint32_t row = 0;
  for (uint32_t first = 0; first < meta_.cells; first += kCellsAtATime) {
    text.clear();
    ends.clear();
    for (uint32_t cell = first; cell < std::min(meta_.cells, first + kCellsAtATime); ++cell) {
      if (ranks != nullptr) {
        while (!ranks->has(row)) ++row;
      }
      if (binary) {
        TRY(binary_text(cell, &text));
      } else {
        TRY(number_text(cell, row++, &text));
      }
      ends.push_back(static_cast<uint32_t>(text.size()));
    }
    search_cells(text, ends, test, first, cells);
  }
  return {};
}

}  // namespace cordwood
