// SPDX-License-Identifier: Apache-2.0
#include "storage/id_collector.h"

#include <algorithm>
#include <numeric>

#include "storage/base/check.h"
#include "storage/base/checksum.h"
#include "storage/base/niceness.h"
#include "storage/base/same_text.h"

namespace cordwood {

namespace {

constexpr size_t kSlotsAtFirst = 1024;
constexpr size_t kMaxProbes = 256;
constexpr uint32_t kSpell = 1024;  ///< ids that are looked at before others may run
/// Bits of a slot that tell the place; the others are of the hash.
constexpr uint32_t kPlaceBits = 24;
constexpr uint32_t kPlaceMask = (1u << kPlaceBits) - 1;

uint32_t tag_of(uint64_t hash) {
  return static_cast<uint32_t>(hash >> 32) & ~kPlaceMask;
}

}  // namespace

/// Slots first, then the ids they name.
void IdCollector::expect(std::span<const std::string_view> ids, Place* places) const {
  const size_t mask = slots_.size() - 1;
  for (size_t i = 0; i < ids.size(); ++i) {
    places[i].hash = xxh3_64(ids[i]);
    places[i].slot = places[i].hash & mask;
    __builtin_prefetch(&slots_[places[i].slot]);
  }
  for (size_t i = 0; i < ids.size(); ++i) {
    const uint32_t slot = slots_[places[i].slot];
    if (slot != 0) __builtin_prefetch(bytes_.data() + uint64_t{(slot & kPlaceMask) - 1} * width_);
  }
}

std::optional<size_t> IdCollector::slot_of(std::string_view id, const Place& place) const {
  const size_t mask = slots_.size() - 1;
  const uint32_t tag = tag_of(place.hash);
  size_t at = place.slot;
  for (size_t probes = 0; probes < kMaxProbes; ++probes, at = (at + 1) & mask) {
    const uint32_t slot = slots_[at];
    if (slot == 0) return at;
    if ((slot & ~kPlaceMask) == tag && same_text(text((slot & kPlaceMask) - 1), id)) return at;
  }
  return std::nullopt;
}

bool IdCollector::grow() {
  slots_.assign(std::max(kSlotsAtFirst, slots_.size() * 2), 0);
  for (uint32_t i = 0; i < size(); ++i) {
    if (i % kSpell == 0) give_way();
    const uint64_t hash = xxh3_64(text(i));
    const std::optional<size_t> slot = slot_of(text(i), {hash, hash & (slots_.size() - 1)});
    if (!slot) return false;
    slots_[*slot] = (i + 1) | tag_of(hash);
  }
  return true;
}

bool IdCollector::add(std::span<const std::string_view> ids, std::span<const int64_t> times_ns) {
  CHECK(size() + ids.size() < kPlaceMask, "{} ids and {} more", size(), ids.size());
  Place places[kTogether];
  for (size_t begin = 0; begin < ids.size(); begin += kTogether) {
    if (begin % kSpell == 0) give_way();
    const auto some = ids.subspan(begin, std::min(kTogether, ids.size() - begin));
    if ((size() + some.size()) * 2 >= slots_.size() && !grow()) return false;
    expect(some, places);
    for (size_t i = 0; i < some.size(); ++i) {
      const std::optional<size_t> slot = slot_of(some[i], places[i]);
      if (!slot) return false;
      const int64_t time_ns = times_ns[begin + i];
      if (slots_[*slot] != 0) {
        int64_t& earliest_ns = times_ns_[(slots_[*slot] & kPlaceMask) - 1];
        earliest_ns = std::min(earliest_ns, time_ns);
        continue;
      }
      bytes_.append(some[i]);
      times_ns_.push_back(time_ns);
      slots_[*slot] = size() | tag_of(places[i].hash);
    }
  }
  return true;
}

void IdCollector::number() {
  order_.resize(size());
  std::iota(order_.begin(), order_.end(), 0);
  std::sort(order_.begin(), order_.end(), [this, compared = uint32_t{0}](uint32_t a, uint32_t b) mutable {
    if (++compared % (8 * kSpell) == 0) give_way();
    return times_ns_[a] != times_ns_[b] ? times_ns_[a] < times_ns_[b] : a < b;
  });
  numbers_.resize(size());
  for (uint32_t n = 0; n < size(); ++n) numbers_[order_[n]] = n;
}

void IdCollector::find(std::span<const std::string_view> ids, std::vector<int64_t>* numbers) const {
  Place places[kTogether];
  for (size_t begin = 0; begin < ids.size(); begin += kTogether) {
    if (begin % kSpell == 0) give_way();
    const auto some = ids.subspan(begin, std::min(kTogether, ids.size() - begin));
    expect(some, places);
    for (size_t i = 0; i < some.size(); ++i) {
      const std::optional<size_t> slot = slot_of(some[i], places[i]);
      CHECK(slot && slots_[*slot] != 0, "an id was not added");
      numbers->push_back(numbers_[(slots_[*slot] & kPlaceMask) - 1]);
    }
  }
}

}  // namespace cordwood
