// SPDX-License-Identifier: Apache-2.0
#include "storage/id_collector.h"

#include <algorithm>
#include <numeric>

#include "storage/base/checksum.h"

namespace cordwood {

namespace {

constexpr size_t kSlotsAtFirst = 1024;
constexpr size_t kMaxProbes = 256;

}  // namespace

std::optional<size_t> IdCollector::slot_of(std::string_view id) const {
  const size_t mask = slots_.size() - 1;
  size_t at = xxh3_64(id) & mask;
  for (size_t probes = 0; probes < kMaxProbes; ++probes, at = (at + 1) & mask)
    if (slots_[at] == 0 || text(slots_[at] - 1) == id) return at;
  return std::nullopt;
}

bool IdCollector::grow() {
  slots_.assign(std::max(kSlotsAtFirst, slots_.size() * 2), 0);
  for (uint32_t i = 0; i < size(); ++i) {
    const std::optional<size_t> slot = slot_of(text(i));
    if (!slot) return false;
    slots_[*slot] = i + 1;
  }
  return true;
}

bool IdCollector::add(std::string_view id, int64_t time_ns) {
  if (size_t{size()} * 2 >= slots_.size() && !grow()) return false;
  const std::optional<size_t> slot = slot_of(id);
  if (!slot) return false;
  if (slots_[*slot] != 0) {
    int64_t& earliest_ns = times_ns_[slots_[*slot] - 1];
    earliest_ns = std::min(earliest_ns, time_ns);
    return true;
  }
  bytes_.append(id);
  times_ns_.push_back(time_ns);
  slots_[*slot] = size();
  return true;
}

void IdCollector::number() {
  order_.resize(size());
  std::iota(order_.begin(), order_.end(), 0);
  std::sort(order_.begin(), order_.end(), [this](uint32_t a, uint32_t b) {
    return times_ns_[a] != times_ns_[b] ? times_ns_[a] < times_ns_[b] : a < b;
  });
  numbers_.resize(size());
  for (uint32_t n = 0; n < size(); ++n) numbers_[order_[n]] = n;
}

std::optional<uint32_t> IdCollector::number_of(std::string_view id) const {
  if (slots_.empty()) return std::nullopt;
  const std::optional<size_t> slot = slot_of(id);
  if (!slot || slots_[*slot] == 0) return std::nullopt;
  return numbers_[slots_[*slot] - 1];
}

}  // namespace cordwood
