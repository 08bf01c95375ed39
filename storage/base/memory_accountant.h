// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>
#include <utility>

#include "storage/base/result.h"

namespace cordwood {

enum class MemoryShare : unsigned char { requests, head, sealing, catalog, cache, query };
inline constexpr size_t kMemoryShares = 6;
std::string_view to_string(MemoryShare share);

class MemoryAccountant;

/// Bytes taken from one share, given back when it dies.  Movable; not thread-safe itself.
class MemoryReservation {
 public:
  MemoryReservation() = default;
  MemoryReservation(MemoryAccountant* owner, MemoryShare share, uint64_t bytes)
      : owner_(owner), share_(share), bytes_(bytes) {}
  ~MemoryReservation() { reset(); }
  MemoryReservation(MemoryReservation&& other) noexcept { *this = std::move(other); }
  MemoryReservation& operator=(MemoryReservation&& other) noexcept;
  MemoryReservation(const MemoryReservation&) = delete;  // bytes are counted once
  MemoryReservation& operator=(const MemoryReservation&) = delete;

  /// Takes `more` bytes from the same share; exhausted when the share has not that much left.
  Result<void> grow(uint64_t more);
  /// Takes `more` bytes whatever the limit (see MemoryAccountant::charge).
  void charge(uint64_t more);
  void shrink(uint64_t less);
  void reset();
  uint64_t bytes() const { return bytes_; }

 private:
  MemoryAccountant* owner_ = nullptr;
  MemoryShare share_ = MemoryShare::requests;
  uint64_t bytes_ = 0;
};

/// The one account of memory, with a hard share for each purpose (design §7).  Thread-safe.
class MemoryAccountant {
 public:
  struct Limits {
    std::array<uint64_t, kMemoryShares> bytes{48u << 20, 96u << 20, 32u << 20, 32u << 20, 96u << 20, 128u << 20};
  };
  explicit MemoryAccountant(Limits limits) : limits_(limits) {}

  /// exhausted, naming the share, what was asked and the limit.
  Result<MemoryReservation> reserve(MemoryShare share, uint64_t bytes);
  /// Counts without refusing: for bytes that are already there and whose owner acts on used() itself (the head).
  MemoryReservation charge(MemoryShare share, uint64_t bytes);

  uint64_t used(MemoryShare share) const { return slot(share).used.load(std::memory_order_relaxed); }
  uint64_t peak(MemoryShare share) const { return slot(share).peak.load(std::memory_order_relaxed); }
  uint64_t limit(MemoryShare share) const { return limits_.bytes[static_cast<size_t>(share)]; }
  uint64_t sum_of_limits() const;

 private:
  friend class MemoryReservation;
  struct Slot {
    std::atomic<uint64_t> used{0};
    std::atomic<uint64_t> peak{0};
  };
  const Slot& slot(MemoryShare s) const { return slots_[static_cast<size_t>(s)]; }
  Slot& slot(MemoryShare s) { return slots_[static_cast<size_t>(s)]; }
  bool try_take(MemoryShare share, uint64_t bytes);
  void take(MemoryShare share, uint64_t bytes);
  void give_back(MemoryShare share, uint64_t bytes);

  Limits limits_;
  std::array<Slot, kMemoryShares> slots_{};
};

}  // namespace cordwood
