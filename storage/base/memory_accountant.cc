// SPDX-License-Identifier: Apache-2.0
#include "storage/base/memory_accountant.h"

#include <numeric>

namespace cordwood {

std::string_view to_string(MemoryShare share) {
  switch (share) {
    case MemoryShare::requests: return "requests";
    case MemoryShare::head: return "head";
    case MemoryShare::sealing: return "sealing";
    case MemoryShare::catalog: return "catalog";
    case MemoryShare::cache: return "cache";
    case MemoryShare::query: return "query";
  }
  return "unknown";
}

MemoryReservation& MemoryReservation::operator=(MemoryReservation&& other) noexcept {
  if (this != &other) {
    reset();
    owner_ = std::exchange(other.owner_, nullptr);
    share_ = other.share_;
    bytes_ = std::exchange(other.bytes_, 0);
  }
  return *this;
}

Result<void> MemoryReservation::grow(uint64_t more) {
  CHECK(owner_ != nullptr, "grow() of an empty reservation");
  if (!owner_->try_take(share_, more)) {
    return Error::exhausted(fmt::format("memory share '{}' is used up: {} of {} bytes in use, {} more asked",
                                        to_string(share_), owner_->used(share_), owner_->limit(share_), more));
  }
  bytes_ += more;
  return {};
}

void MemoryReservation::charge(uint64_t more) {
  CHECK(owner_ != nullptr, "charge() of an empty reservation");
  owner_->take(share_, more);
  bytes_ += more;
}

void MemoryReservation::shrink(uint64_t less) {
  CHECK(less <= bytes_, "shrink by {} of {} bytes", less, bytes_);
  if (less > 0) owner_->give_back(share_, less);
  bytes_ -= less;
}

void MemoryReservation::reset() {
  if (owner_ != nullptr && bytes_ > 0) owner_->give_back(share_, bytes_);
  bytes_ = 0;
}

Result<MemoryReservation> MemoryAccountant::reserve(MemoryShare share, uint64_t bytes) {
  MemoryReservation reservation(this, share, 0);
  TRY(reservation.grow(bytes));
  return reservation;
}

MemoryReservation MemoryAccountant::charge(MemoryShare share, uint64_t bytes) {
  take(share, bytes);
  return {this, share, bytes};
}

uint64_t MemoryAccountant::sum_of_limits() const {
  return std::accumulate(limits_.bytes.begin(), limits_.bytes.end(), uint64_t{0});
}

bool MemoryAccountant::try_take(MemoryShare share, uint64_t bytes) {
  auto& used = slot(share).used;
  uint64_t before = used.load(std::memory_order_relaxed);
  do {
    if (bytes > limit(share) || before > limit(share) - bytes) return false;
  } while (!used.compare_exchange_weak(before, before + bytes, std::memory_order_relaxed));
  auto& peak = slot(share).peak;
  uint64_t seen = peak.load(std::memory_order_relaxed);
  while (seen < before + bytes && !peak.compare_exchange_weak(seen, before + bytes, std::memory_order_relaxed)) {
  }
  return true;
}

void MemoryAccountant::take(MemoryShare share, uint64_t bytes) {
  const uint64_t now = slot(share).used.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  auto& peak = slot(share).peak;
  uint64_t seen = peak.load(std::memory_order_relaxed);
  while (seen < now && !peak.compare_exchange_weak(seen, now, std::memory_order_relaxed)) {
  }
}

void MemoryAccountant::give_back(MemoryShare share, uint64_t bytes) {
  const uint64_t before = slot(share).used.fetch_sub(bytes, std::memory_order_relaxed);
  CHECK(before >= bytes, "share '{}' gives back {} of {} bytes", to_string(share), bytes, before);
}

}  // namespace cordwood
