// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>

#include "storage/base/checksum.h"
#include "storage/base/same_text.h"
#include "storage/column_writer.h"

namespace cordwood {

namespace {

constexpr size_t kMaxValues = 16384;
constexpr uint64_t kMaxValueBytes = 4u << 20;
/// A column of which nearly every cell, or after more of them most, is another one is given up.
constexpr size_t kFewCells = 1024;
constexpr size_t kManyCells = 8192;
/// More steps than this in the table mean crafted texts: the dictionary is given up.
constexpr uint32_t kMaxSteps = 128;
constexpr size_t kFirstSlots = 1024;

}  // namespace

void DictionaryCollector::grow() {
  const size_t size = slots_.size() * 2;
  slots_.assign(size, 0);
  for (uint32_t id = 0; id < hashes_.size(); ++id) {
    size_t at = hashes_[id] & (size - 1);
    while (slots_[at] != 0) at = (at + 1) & (size - 1);
    slots_[at] = id + 1;
  }
}

int64_t DictionaryCollector::add(std::string_view text) {
  const uint64_t hash = xxh3_64(text, 0x9d1c);
  const size_t mask = slots_.size() - 1;
  size_t at = hash & mask;
  for (uint32_t step = 0; slots_[at] != 0; ++step) {
    const uint32_t id = slots_[at] - 1;
    if (hashes_[id] == hash && same_text(values_[id], text)) return id;
    if (step == kMaxSteps) return -1;
    at = (at + 1) & mask;
  }
  if (values_.size() == kMaxValues || value_bytes_ + text.size() > kMaxValueBytes) return -1;
  slots_[at] = static_cast<uint32_t>(values_.size() + 1);
  values_.push_back(text);
  hashes_.push_back(hash);
  value_bytes_ += text.size();
  if (values_.size() * 2 > slots_.size()) grow();
  return static_cast<int64_t>(values_.size() - 1);
}

void DictionaryCollector::collect(std::span<const std::string_view> cells) {
  complete_ = false;
  slots_.assign(kFirstSlots, 0);
  values_.clear();
  hashes_.clear();
  ids_.clear();
  value_bytes_ = 0;
  ids_.reserve(cells.size());
  for (size_t i = 0; i < cells.size(); ++i) {
    if (i == kFewCells && values_.size() > kFewCells / 16 * 15) return;
    if (i == kManyCells && values_.size() > kManyCells / 4 * 3) return;
    if (i > 0 && same_text(cells[i], cells[i - 1])) {
      ids_.push_back(ids_.back());
      continue;
    }
    const int64_t id = add(cells[i]);
    if (id < 0) return;
    ids_.push_back(id);
  }
  complete_ = true;
}

void DictionaryCollector::sort() {
  std::vector<uint32_t> order(values_.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [this](uint32_t a, uint32_t b) { return values_[a] < values_[b]; });
  std::vector<int64_t> place(order.size());
  std::vector<std::string_view> sorted;
  sorted.reserve(order.size());
  for (const uint32_t id : order) {
    place[id] = static_cast<int64_t>(sorted.size());
    sorted.push_back(values_[id]);
  }
  values_ = std::move(sorted);
  for (int64_t& id : ids_) id = place[static_cast<size_t>(id)];
}

}  // namespace cordwood
