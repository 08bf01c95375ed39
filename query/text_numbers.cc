// SPDX-License-Identifier: Apache-2.0
#include "query/text_numbers.h"

#include <algorithm>

#include "storage/base/checksum.h"

namespace cordwood::query {

namespace {

constexpr size_t kFirstSlots = 16;

}  // namespace

uint32_t TextNumbers::hash_of(std::string_view text) const {
  return static_cast<uint32_t>(xxh3_64(text, reinterpret_cast<uintptr_t>(this)));
}

size_t TextNumbers::place_of(std::string_view text, uint32_t hash) const {
  const size_t mask = slots_.size() - 1;
  size_t at = hash & mask;
  while (slots_[at].number != 0 && (slots_[at].hash != hash || this->text(slots_[at].number - 1) != text)) {
    at = (at + 1) & mask;
  }
  return at;
}

std::optional<uint32_t> TextNumbers::find(std::string_view text) const {
  if (texts_.empty()) return std::nullopt;
  const uint32_t number = slots_[place_of(text, hash_of(text))].number;
  return number == 0 ? std::nullopt : std::optional(number - 1);
}

uint32_t TextNumbers::number(std::string_view text, bool* is_new) {
  if (texts_.size() * 2 >= slots_.size()) grow(slots_.size() * 2);
  const uint32_t hash = hash_of(text);
  const size_t at = place_of(text, hash);
  *is_new = slots_[at].number == 0;
  if (!*is_new) return slots_[at].number - 1;
  Text kept{static_cast<uint32_t>(text.size()), {}};
  if (text.size() <= Text::kShort) {
    std::copy(text.begin(), text.end(), kept.within);
  } else {
    const char* data = arena_.copy(text).data();
    std::memcpy(kept.within, &data, sizeof data);
  }
  texts_.push_back(kept);
  slots_[at] = {hash, static_cast<uint32_t>(texts_.size())};
  return slots_[at].number - 1;
}

void TextNumbers::clear() {
  texts_.clear();
  std::fill(slots_.begin(), slots_.end(), Slot{});
  arena_ = Arena(kChunkBytes);
}

void TextNumbers::reserve(size_t texts) {
  texts_.reserve(texts_.size() + texts);
  size_t slots = slots_.size();
  while (slots < 2 * (texts_.size() + texts)) slots = std::max(kFirstSlots, slots * 2);
  if (slots > slots_.size()) grow(slots);
}

void TextNumbers::grow(size_t slots) {
  std::vector<Slot> old(std::max(kFirstSlots, slots));
  old.swap(slots_);
  arena_.set_chunk_bytes(std::clamp(arena_.reserved_bytes() / 4, kChunkBytes, size_t{256} << 10));
  const size_t mask = slots_.size() - 1;
  for (const Slot& slot : old) {
    if (slot.number == 0) continue;
    size_t at = slot.hash & mask;
    while (slots_[at].number != 0) at = (at + 1) & mask;
    slots_[at] = slot;
  }
}

}  // namespace cordwood::query
