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
  for (; slots_[at] != 0; at = (at + 1) & mask) {
    const uint32_t number = slots_[at] - 1;
    if (texts_[number].hash != hash || this->text(number) != text) continue;
    *is_new = false;
    return number;
  }
  const std::string_view kept = arena_.copy(text);
  texts_.push_back({kept.data(), static_cast<uint32_t>(kept.size()), hash});
  slots_[at] = static_cast<uint32_t>(texts_.size());
  *is_new = true;
  return slots_[at] - 1;
}

void TextNumbers::clear() {
  texts_.clear();
  std::fill(slots_.begin(), slots_.end(), 0);
  arena_ = Arena(kChunkBytes);
}

void TextNumbers::grow() {
  constexpr size_t kFirst = 16;
  slots_.assign(std::max(kFirst, slots_.size() * 2), 0);
  arena_.set_chunk_bytes(std::clamp(arena_.reserved_bytes() / 4, kChunkBytes, size_t{256} << 10));
  const size_t mask = slots_.size() - 1;
  for (uint32_t number = 0; number < texts_.size(); ++number) {
    size_t at = texts_[number].hash & mask;
    while (slots_[at] != 0) at = (at + 1) & mask;
    slots_[at] = number + 1;
  }
}

}  // namespace cordwood::query
