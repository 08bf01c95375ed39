// SPDX-License-Identifier: Apache-2.0
#include "query/numbered_texts.h"

#include <algorithm>
#include <bit>
#include <charconv>

#include "storage/base/ascii.h"
#include "storage/base/checksum.h"

namespace cordwood::query {

namespace {

constexpr size_t kFirstTextSlots = 64;
/// A table by number has at most twice so many places for each text.
constexpr uint64_t kSparse = 8;

uint64_t odd_seed(const void* address) {
  const auto bits = reinterpret_cast<uintptr_t>(address);
  return xxh3_64({reinterpret_cast<const char*>(&bits), sizeof bits}, 0) | 1;
}

}  // namespace

/// The only run of digits of a text.
struct NumberedTexts::Run {
  size_t begin = 0, end = 0;
  uint64_t number = 0;
  static std::optional<Run> find(std::string_view text);
  void append_pattern(std::string_view text, std::string* out) const {
    out->append(text.substr(0, begin)).append(text[begin] == '0' ? digits() : 1, '0').append(text.substr(end));
  }
  size_t digits() const { return end - begin; }
};

std::optional<NumberedTexts::Run> NumberedTexts::Run::find(std::string_view text) {
  Run run;
  while (run.begin < text.size() && !is_digit(text[run.begin])) ++run.begin;
  for (run.end = run.begin; run.end < text.size() && is_digit(text[run.end]); ++run.end) {
    if (run.digits() == kMostDigits) return std::nullopt;
    run.number = run.number * 10 + static_cast<uint64_t>(text[run.end] - '0');
  }
  if (run.digits() == 0 || std::any_of(text.begin() + static_cast<std::ptrdiff_t>(run.end), text.end(), is_digit)) {
    return std::nullopt;
  }
  return run;
}

NumberedTexts::NumberedTexts() : multiplier_(odd_seed(this)) {}

std::optional<NumberedTexts::Split> NumberedTexts::split(std::string_view text) {
  const auto run = Run::find(text);
  if (!run) return std::nullopt;
  scratch_.clear();
  run->append_pattern(text, &scratch_);
  bool is_new = false;
  return Split{patterns_.number(scratch_, &is_new), run->number};
}

uint32_t NumberedTexts::number(std::string_view text, bool* is_new) {
  if (const auto known = split(text)) return number(*known, is_new);
  const uint32_t at = texts_.number(text, is_new);
  if (*is_new) {
    entry_of_text_.push_back(static_cast<uint32_t>(entries_.size()));
    entries_.push_back({at, kWhole, 0});
  }
  return entry_of_text_[at];
}

uint32_t NumberedTexts::number(Split split, bool* is_new) {
  if (split.pattern >= of_pattern_.size()) of_pattern_.resize(split.pattern + 1);
  OfPattern& pattern = of_pattern_[split.pattern];
  if (split.number >= pattern.entries.size() && split.number < kSparse * (pattern.count + 8))
    widen(&pattern, split.number);
  if (split.number < pattern.entries.size()) {
    uint32_t& entry = pattern.entries[split.number];
    *is_new = entry == 0;
    if (*is_new) entry = add(split) + 1;
    return entry - 1;
  }
  if (used_ * 2 >= slots_.size()) grow(std::max(kFirstTextSlots, slots_.size() * 2));
  Slot& slot = slots_[place_of(split)];
  *is_new = slot.entry == 0;
  if (*is_new) {
    slot = {split.number, split.pattern, add(split) + 1};
    ++used_;
  }
  return slot.entry - 1;
}

uint32_t NumberedTexts::add(Split split) {
  OfPattern& pattern = of_pattern_[split.pattern];
  entries_.push_back({split.number, split.pattern, pattern.newest});
  pattern.newest = static_cast<uint32_t>(entries_.size());
  ++pattern.count;
  return pattern.newest - 1;
}

/// So that the number, and all below, are found by their place.
void NumberedTexts::widen(OfPattern* pattern, uint64_t number) {
  pattern->entries.resize(std::bit_ceil(number + 1));
  for (uint32_t at = pattern->newest; at != 0; at = entries_[at - 1].before) {
    if (entries_[at - 1].number < pattern->entries.size()) pattern->entries[entries_[at - 1].number] = at;
  }
}

std::optional<uint32_t> NumberedTexts::find(std::string_view text) const {
  const auto run = Run::find(text);
  if (!run) {
    const auto at = texts_.find(text);
    return at ? std::optional(entry_of_text_[*at]) : std::nullopt;
  }
  std::string pattern;
  run->append_pattern(text, &pattern);
  const auto known = patterns_.find(pattern);
  if (!known || *known >= of_pattern_.size()) return std::nullopt;
  const std::vector<uint32_t>& by_number = of_pattern_[*known].entries;
  uint32_t entry = 0;
  if (run->number < by_number.size()) {
    entry = by_number[run->number];
  } else if (!slots_.empty()) {
    entry = slots_[place_of({*known, run->number})].entry;
  }
  return entry == 0 ? std::nullopt : std::optional(entry - 1);
}

void NumberedTexts::append(uint32_t number, std::string* out) const {
  const Entry& entry = entries_[number];
  if (entry.pattern == kWhole) {
    out->append(texts_.text(static_cast<uint32_t>(entry.number)));
    return;
  }
  const std::string_view pattern = patterns_.text(entry.pattern);
  const size_t begin = pattern.find('0'), end = pattern.rfind('0') + 1;
  char digits[kMostDigits + 2];
  const auto digits_end = std::to_chars(digits, digits + sizeof digits, entry.number).ptr;
  const auto count = static_cast<size_t>(digits_end - digits);
  out->append(pattern.substr(0, begin));
  if (count < end - begin) out->append(end - begin - count, '0');
  out->append(digits, count);
  out->append(pattern.substr(end));
}

uint64_t NumberedTexts::bytes_of(uint32_t number) const {
  const Entry& entry = entries_[number];
  constexpr uint64_t kSplitBytes = 2 * sizeof(Entry) + 4 * sizeof(Slot);  // vectors that just doubled
  if (entry.pattern != kWhole) return kSplitBytes;
  return 2 * (sizeof(Entry) + sizeof(uint32_t) + TextNumbers::kBytesPerText +
              texts_.text(static_cast<uint32_t>(entry.number)).size());
}

uint32_t NumberedTexts::Translation::number(uint32_t from, bool* is_new) {
  const Entry& entry = from_.entries_[from];
  if (entry.pattern == kWhole) return to_->number(from_.texts_.text(static_cast<uint32_t>(entry.number)), is_new);
  if (entry.pattern >= patterns_.size()) patterns_.resize(entry.pattern + 1);
  std::optional<uint32_t>& pattern = patterns_[entry.pattern];
  if (!pattern) pattern = to_->patterns_.number(from_.patterns_.text(entry.pattern), is_new);
  return to_->number(Split{*pattern, entry.number}, is_new);
}

/// Of the text, or of the free slot that it would take.
size_t NumberedTexts::place_of(Split split) const {
  // Multiplied by a random odd number, high bits taken (Dietzfelbinger et al., 1997).
  constexpr uint64_t kApart = 0x9E3779B97F4A7C15;
  const uint64_t key = split.number + split.pattern * kApart;
  size_t at = (key * multiplier_) >> shift_;
  while (slots_[at].entry != 0 && (slots_[at].number != split.number || slots_[at].pattern != split.pattern)) {
    at = (at + 1) & (slots_.size() - 1);
  }
  return at;
}

void NumberedTexts::reserve(size_t texts) {
  entries_.reserve(entries_.size() + texts);
  const size_t slots = std::bit_ceil(std::max(kFirstTextSlots, 2 * (used_ + texts)));
  if (slots > slots_.size()) grow(slots);
}

void NumberedTexts::clear() {
  texts_.clear();
  entry_of_text_.clear();
  patterns_.clear();
  of_pattern_.clear();
  entries_.clear();
  std::fill(slots_.begin(), slots_.end(), Slot{});
  used_ = 0;
}

void NumberedTexts::grow(size_t slots) {
  std::vector<Slot> old(slots);
  old.swap(slots_);
  shift_ = 64 - static_cast<uint32_t>(std::countr_zero(slots));
  for (const Slot& slot : old) {
    if (slot.entry != 0) slots_[place_of({slot.pattern, slot.number})] = slot;
  }
}

}  // namespace cordwood::query
