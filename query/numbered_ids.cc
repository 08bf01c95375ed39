// SPDX-License-Identifier: Apache-2.0
#include "query/numbered_ids.h"

#include <algorithm>
#include <cstring>

#include "storage/base/checksum.h"

namespace cordwood::query {

namespace {

constexpr size_t kFirstSlots = 64;

}  // namespace

/// Of the text, or of the free slot that it would take.
size_t NumberedIds::place_of(uint32_t pattern, int64_t number) const {
  char key[sizeof number + sizeof pattern];
  std::memcpy(key, &number, sizeof number);
  std::memcpy(key + sizeof number, &pattern, sizeof pattern);
  const size_t mask = slots_.size() - 1;
  size_t at = xxh3_64({key, sizeof key}, reinterpret_cast<uintptr_t>(this)) & mask;
  while (slots_[at].id != 0 && (slots_[at].number != number || slots_[at].pattern != pattern)) at = (at + 1) & mask;
  return at;
}

uint32_t& NumberedIds::id(uint32_t pattern, int64_t number) {
  if (used_ * 2 >= slots_.size()) grow();
  Slot& slot = slots_[place_of(pattern, number)];
  if (slot.id == 0) {
    slot.number = number;
    slot.pattern = pattern;
    ++used_;
  }
  return slot.id;
}

void NumberedIds::clear() {
  patterns_.clear();
  std::fill(slots_.begin(), slots_.end(), Slot{});
  used_ = 0;
}

void NumberedIds::grow() {
  std::vector<Slot> old(std::max(kFirstSlots, slots_.size() * 2));
  old.swap(slots_);
  for (const Slot& slot : old) {
    if (slot.id != 0) slots_[place_of(slot.pattern, slot.number)] = slot;
  }
}

}  // namespace cordwood::query
