// SPDX-License-Identifier: Apache-2.0
#include "query/text_numbers.h"

#include <algorithm>

#include "storage/base/checksum.h"

namespace cordwood::query {

uint32_t TextNumbers::number(std::string_view text, bool* is_new) {
  if (texts_.size() * 2 >= slots_.size()) grow();
  const auto hash = static_cast<uint32_t>(xxh3_64(text, reinterpret_cast<uintptr_t>(this)));
  const size_t mask = slots_.size() - 1;
  size_t at = hash & mask;
  for (; slots_[at].number != 0; at = (at + 1) & mask) {
    if (slots_[at].hash != hash || this->text(slots_[at].number - 1) != text) continue;
    *is_new = false;
    return slots_[at].number - 1;
  }
  Text kept{static_cast<uint32_t>(text.size()), {}};
  if (text.size() <= Text::kShort) {
    std::copy(text.begin(), text.end(), kept.within);
  } else {
    const char* data = arena_.copy(text).data();
    std::memcpy(kept.within, &data, sizeof data);
  }
  texts_.push_back(kept);
  slots_[at] = {hash, static_cast<uint32_t>(texts_.size())};
  *is_new = true;
  return slots_[at].number - 1;
}

void TextNumbers::clear() {
  texts_.clear();
  std::fill(slots_.begin(), slots_.end(), Slot{});
  arena_ = Arena(kChunkBytes);
}

void TextNumbers::grow() {
  constexpr size_t kFirst = 16;
  std::vector<Slot> old(std::max(kFirst, slots_.size() * 2));
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
