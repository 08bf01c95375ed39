// SPDX-License-Identifier: Apache-2.0
#include "storage/column_pattern.h"

#include <algorithm>
#include <charconv>

#include "storage/base/ascii.h"
#include "storage/base/checksum.h"
#include "storage/base/coding.h"
#include "storage/column_bits.h"
#include "storage/column_text.h"

namespace cordwood {

namespace {

constexpr size_t kMaxPatterns = 512;
constexpr size_t kMaxPatternBytes = 1024;
constexpr size_t kMaxDigits = 18;
constexpr uint32_t kMaxSlots = 16;
/// After so many cells there must be at least kProbeCellsPerPattern of them to a pattern.
constexpr size_t kProbeCells = 256;
constexpr size_t kProbeCellsPerPattern = 6;

}  // namespace

bool PatternCollector::add(std::string_view cell) {
  key_.clear();
  first_number_.push_back(static_cast<uint32_t>(numbers_.size()));
  uint32_t slots = 0;
  for (size_t i = 0; i < cell.size();) {
    if (!is_digit(cell[i])) {
      if (cell[i] == '\0') return false;
      key_.push_back(cell[i++]);
      continue;
    }
    size_t end = i;
    int64_t value = 0;
    while (end < cell.size() && is_digit(cell[end])) {
      if (end - i < kMaxDigits) value = value * 10 + (cell[end] - '0');
      ++end;
    }
    const size_t size = end - i;
    if (size > kMaxDigits || slots == kMaxSlots) {
      key_.append(cell.substr(i, size));
    } else {
      key_.push_back('\0');
      key_.push_back(cell[i] == '0' && size > 1 ? static_cast<char>(size) : '\0');
      numbers_.push_back(value);
      digits_ += size;
      ++slots;
    }
    i = end;
  }
  if (key_.size() > kMaxPatternBytes) return false;
  const uint64_t hash = xxh3_64(key_, 0x9a77);
  const auto [at, fresh] = by_hash_.try_emplace(hash, static_cast<uint32_t>(patterns_.size()));
  if (fresh) {
    if (patterns_.size() == kMaxPatterns) return false;
    patterns_.push_back(key_);
    slot_counts_.push_back(slots);
  } else if (patterns_[at->second] != key_) {
    return false;
  }
  ids_.push_back(at->second);
  return true;
}

bool PatternCollector::pays(uint64_t cell_bytes) const {
  struct Extent {
    int64_t min = INT64_MAX;
    int64_t max = INT64_MIN;
    uint64_t count = 0;
  };
  std::vector<Extent> extents(patterns_.size() * kMaxSlots);
  for (size_t i = 0; i < ids_.size(); ++i) {
    const size_t id = static_cast<size_t>(ids_[i]);
    for (uint32_t s = 0; s < slot_counts_[id]; ++s) {
      Extent& e = extents[id * kMaxSlots + s];
      const int64_t v = numbers_[first_number_[i] + s];
      e.min = std::min(e.min, v);
      e.max = std::max(e.max, v);
      ++e.count;
    }
  }
  constexpr uint64_t kHeaderBits = 6 * 8;
  uint64_t bits = ids_.size() * bit_width_of(patterns_.size() - 1);
  for (const Extent& e : extents) {
    if (e.count == 0) continue;
    const uint64_t frames = std::min<uint64_t>(e.count, 1 + ids_.size() / 4096);
    bits += e.count * bit_width_of(static_cast<uint64_t>(e.max) - static_cast<uint64_t>(e.min)) + frames * kHeaderBits;
  }
  for (const std::string& p : patterns_) bits += p.size() * 5;
  // A compressed heap spends about 3.4 bits on a digit and one on another character.
  return bits < digits_ * 34 / 10 + (cell_bytes - digits_) + ids_.size() * 2;
}

bool PatternCollector::collect(std::span<const std::string_view> cells) {
  patterns_.clear();
  slot_counts_.clear();
  by_hash_.clear();
  ids_.clear();
  numbers_.clear();
  first_number_.clear();
  digits_ = 0;
  uint64_t cell_bytes = 0;
  // A look at cells from all over first: a column of random words is given up soon.
  const size_t stride = std::max<size_t>(1, cells.size() / kProbeCells);
  if (stride > 1) {
    for (size_t i = 0; i < cells.size(); i += stride)
      if (!add(cells[i])) return false;
    if (numbers_.empty() || patterns_.size() * kProbeCellsPerPattern > ids_.size()) return false;
    ids_.clear();
    numbers_.clear();
    first_number_.clear();
    digits_ = 0;
  }
  for (const std::string_view c : cells) {
    if (!add(c)) return false;
    cell_bytes += c.size();
  }
  return !numbers_.empty() && pays(cell_bytes);
}

void encode_pattern_numbers(const PatternCollector& collected, size_t begin, size_t end, IntEncoderBuffers* buffers,
                            std::string* out) {
  std::vector<std::vector<uint32_t>> cells(collected.patterns().size());
  for (size_t i = begin; i < end; ++i)
    cells[static_cast<size_t>(collected.ids()[i])].push_back(static_cast<uint32_t>(i));
  ByteWriter w(out);
  std::vector<int64_t> values;
  std::string frame;
  for (size_t id = 0; id < cells.size(); ++id) {
    if (cells[id].empty()) continue;
    for (uint32_t s = 0; s < collected.slot_counts()[id]; ++s) {
      values.clear();
      for (const uint32_t cell : cells[id]) values.push_back(collected.numbers()[collected.first_number()[cell] + s]);
      frame.clear();
      encode_ints(values, buffers, &frame);
      w.string(frame);
    }
  }
}

Result<void> PatternReader::load_patterns() {
  if (!patterns_.empty()) return {};
  std::vector<Pattern> patterns;
  patterns.reserve(texts_.rows());
  for (uint32_t i = 0; i < texts_.rows(); ++i) {
    TRY_ASSIGN(const std::string_view text, texts_.get(i));
    Pattern& p = patterns.emplace_back();
    size_t begin = 0;
    for (size_t at = text.find('\0'); at != std::string_view::npos; at = text.find('\0', begin)) {
      if (at + 1 == text.size() || static_cast<uint8_t>(text[at + 1]) > kMaxDigits || p.digits.size() == kMaxSlots) {
        return Error::corrupt("block: a pattern is malformed");
      }
      p.constants.push_back(text.substr(begin, at - begin));
      p.digits.push_back(static_cast<uint8_t>(text[at + 1]));
      begin = at + 2;
    }
    p.constants.push_back(text.substr(begin));
    for (const std::string_view constant : p.constants) p.constant_bytes += constant.size();
  }
  patterns_ = std::move(patterns);
  return {};
}

Result<void> PatternReader::load_numbers(uint32_t index, std::span<const uint32_t> counts,
                                         const std::function<bool(size_t)>& wanted,
                                         std::vector<std::vector<IntFrame>>* out) {
  const PieceMeta& ids = frames_->piece(first_piece_ + 1);
  const PieceMeta& numbers = frames_->piece(first_piece_ + 2);
  if (index >= numbers.frames.size() || numbers.frames[index].rows != ids.frames[index].rows) {
    return Error::corrupt("block: ids and numbers of a pattern column differ");
  }
  out->resize(patterns_.size());
  TRY_ASSIGN(const std::string_view raw, frames_->frame(first_piece_ + 2, index));
  ByteReader in(raw);
  for (size_t id = 0; id < patterns_.size(); ++id) {
    if (counts[id] == 0) continue;
    const bool parse = wanted(id);
    for (size_t s = 0; s < patterns_[id].digits.size(); ++s) {
      const std::string_view bytes = in.string();
      TRY(in.status("numbers of a pattern"));
      if (!parse) continue;
      TRY_ASSIGN(IntFrame f, IntFrame::parse(bytes, counts[id]));
      (*out)[id].push_back(std::move(f));
    }
  }
  return in.finish("numbers of a pattern");
}

Result<const PatternReader::Frame*> PatternReader::frame(uint32_t index) {
  TRY(load_patterns());
  const PieceMeta& ids = frames_->piece(first_piece_ + 1);
  if (parsed_.empty()) parsed_.resize(ids.frames.size());
  if (parsed_[index] != nullptr) return parsed_[index].get();
  auto f = std::make_unique<Frame>();
  std::vector<uint32_t> counts(patterns_.size(), 0);
  f->ids.resize(ids.frames[index].rows);
  f->ranks.resize(ids.frames[index].rows);
  TRY(ids_.decode_ids(index, static_cast<uint32_t>(patterns_.size()), f->ids.data()));
  for (size_t i = 0; i < f->ids.size(); ++i) f->ranks[i] = counts[f->ids[i]]++;
  TRY(load_numbers(
      index, counts, [](size_t) { return true; }, &f->slots));
  parsed_[index] = std::move(f);
  return parsed_[index].get();
}

namespace {

/// The most hex digits and dashes in a row, counted on through the parts of a text.
class HexRun {
 public:
  void add(std::string_view text) {
    for (const char c : text) {
      run_ = is_hex_digit(c) || c == '-' ? run_ + 1 : 0;
      longest_ = std::max(longest_, run_);
    }
  }
  void add_digits(size_t count) { longest_ = std::max(longest_, run_ += count); }
  size_t longest() const { return longest_; }

 private:
  size_t run_ = 0;
  size_t longest_ = 0;
};

size_t digits_of(int64_t value) {
  char raw[24];
  return static_cast<size_t>(std::to_chars(raw, raw + sizeof raw, value).ptr - raw);
}

}  // namespace

Result<void> PatternReader::find_hex_runs(size_t length, RowBits* cells) {
  const PieceMeta& ids = frames_->piece(first_piece_ + 1);
  std::vector<int64_t> numbers;
  for (uint32_t index = 0; index < ids.frames.size(); ++index) {
    TRY_ASSIGN(const Frame* f, frame(index));
    std::vector<bool> may_have(patterns_.size(), false);
    bool any = false;
    for (size_t id = 0; id < patterns_.size(); ++id) {
      const Pattern& p = patterns_[id];
      HexRun run;
      for (size_t s = 0; s < f->slots[id].size(); ++s) {
        run.add(p.constants[s]);
        numbers.resize(f->slots[id][s].count());
        f->slots[id][s].decode(numbers.data());
        const auto [least, most] = std::minmax_element(numbers.begin(), numbers.end());
        run.add_digits(std::max({digits_of(*least), digits_of(*most), size_t{p.digits[s]}}));
      }
      run.add(p.constants.back());
      may_have[id] = run.longest() >= length;
      any = any || may_have[id];
    }
    for (uint32_t i = 0; any && i < f->ids.size(); ++i)
      if (may_have[f->ids[i]]) cells->set(ids.frames[index].first_row + i);
  }
  return {};
}

Result<const PatternReader::Frame*> PatternReader::frame_of(uint32_t cell, uint32_t* place) {
  const PieceMeta& ids = frames_->piece(first_piece_ + 1);
  const uint32_t index = frame_of_row(ids, cell);
  *place = cell - ids.frames[index].first_row;
  return frame(index);
}

Result<bool> PatternReader::has_one_number() {
  TRY(load_patterns());
  return std::all_of(patterns_.begin(), patterns_.end(), [](const Pattern& p) { return p.digits.size() <= 1; });
}

uint64_t PatternReader::memory_bytes() const {
  uint64_t bytes = texts_.memory_bytes() + ids_.memory_bytes() + parsed_.capacity() * sizeof(parsed_[0]);
  for (const auto& frame : parsed_) {
    if (frame == nullptr) continue;
    bytes += (frame->ids.capacity() + frame->ranks.capacity()) * sizeof(uint32_t);
    for (const auto& slots : frame->slots) {
      for (const IntFrame& slot : slots) bytes += sizeof(slot) + slot.memory_bytes();
    }
  }
  return bytes;
}

Result<PatternReader::Number> PatternReader::number_at(uint32_t cell) {
  uint32_t i = 0;
  TRY_ASSIGN(const Frame* f, frame_of(cell, &i));
  const uint32_t id = f->ids[i];
  if (f->slots[id].empty()) return Number{id, std::nullopt};
  return Number{id, f->slots[id][0].get(f->ranks[i])};
}

Result<void> PatternReader::append(uint32_t cell, std::string* out) {
  uint32_t i = 0;
  TRY_ASSIGN(const Frame* f, frame_of(cell, &i));
  append(patterns_[f->ids[i]], f->slots[f->ids[i]], f->ranks[i], out);
  return {};
}

Result<uint64_t> PatternReader::text_bytes(uint32_t cell) {
  uint32_t i = 0;
  TRY_ASSIGN(const Frame* f, frame_of(cell, &i));
  const Pattern& pattern = patterns_[f->ids[i]];
  const std::vector<IntFrame>& slots = f->slots[f->ids[i]];
  uint64_t bytes = pattern.constant_bytes;
  for (size_t s = 0; s < slots.size(); ++s) {
    bytes += std::max<uint64_t>(integer_bytes(slots[s].get(f->ranks[i])), pattern.digits[s]);
  }
  return bytes;
}

void PatternReader::append(const Pattern& pattern, std::span<const IntFrame> slots, uint32_t rank, std::string* out) {
  for (size_t s = 0; s < slots.size(); ++s) {
    out->append(pattern.constants[s]);
    char raw[24];
    const auto end = std::to_chars(raw, raw + sizeof raw, slots[s].get(rank)).ptr;
    const size_t size = static_cast<size_t>(end - raw);
    if (size < pattern.digits[s]) out->append(pattern.digits[s] - size, '0');
    out->append(raw, size);
  }
  out->append(pattern.constants.back());
}

}  // namespace cordwood
