// SPDX-License-Identifier: Apache-2.0
#include "storage/base/checksum.h"
#include "storage/base/same_text.h"
#include "storage/column_writer.h"

namespace cordwood {

namespace {

constexpr size_t kMaxValues = 16384;
constexpr uint64_t kMaxValueBytes = 512u << 10;
constexpr size_t kProbedCells = 1024;
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

bool DictionaryCollector::collect(std::span<const std::string_view> cells) {
  slots_.assign(kFirstSlots, 0);
  values_.clear();
  hashes_.clear();
  ids_.clear();
  value_bytes_ = 0;
  ids_.reserve(cells.size());
  for (size_t i = 0; i < cells.size(); ++i) {
    if (i > 0 && same_text(cells[i], cells[i - 1])) {
      ids_.push_back(ids_.back());
      continue;
    }
    const int64_t id = add(cells[i]);
    if (id < 0) return false;
    ids_.push_back(id);
    if (i == kProbedCells && values_.size() > kProbedCells * 3 / 4) return false;
  }
  return true;
}

}  // namespace cordwood
