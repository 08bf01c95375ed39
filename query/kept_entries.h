// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "storage/base/memory_accountant.h"

namespace cordwood::query {

/// Values by key, in a room of so many bytes of the share for caches: those asked for longest ago go first.  Not
/// thread-safe.
template <typename T>
class KeptEntries {
 public:
  KeptEntries(uint64_t max_bytes, MemoryAccountant& memory) : max_bytes_(max_bytes), memory_(memory) {}

  /// Null when there is none.
  std::shared_ptr<T> find(const std::string& key) {
    const auto known = by_key_.find(key);
    if (known == by_key_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, known->second);
    return known->second->value;
  }
  /// In place of what was there; `value_bytes` is what the value takes by now.  Not kept where it finds no room.
  void put(const std::string& key, std::shared_ptr<T> value, uint64_t value_bytes) {
    drop(key);
    const uint64_t bytes = value_bytes + 2 * key.size();
    if (bytes > max_bytes_) return;
    while (bytes_ + bytes > max_bytes_) drop(entries_.back().key);
    auto reservation = memory_.reserve(MemoryShare::cache, bytes);
    if (!reservation.ok()) return;  // others need the share
    entries_.push_front({key, std::move(value), *std::move(reservation)});
    by_key_[entries_.front().key] = entries_.begin();
    bytes_ += bytes;
  }
  void drop(const std::string& key) {
    const auto known = by_key_.find(key);
    if (known == by_key_.end()) return;
    const auto entry = known->second;
    bytes_ -= entry->bytes.bytes();
    by_key_.erase(known);
    entries_.erase(entry);
  }

 private:
  struct Entry {
    std::string key;
    std::shared_ptr<T> value;
    MemoryReservation bytes;
  };
  const uint64_t max_bytes_;
  MemoryAccountant& memory_;
  std::list<Entry> entries_;  ///< the latest asked for first
  std::unordered_map<std::string_view, typename std::list<Entry>::iterator> by_key_;
  uint64_t bytes_ = 0;
};

}  // namespace cordwood::query
