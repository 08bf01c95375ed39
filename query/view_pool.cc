// SPDX-License-Identifier: Apache-2.0
#include "query/view_pool.h"

#include <algorithm>

namespace cordwood::query {

namespace {

/// No view takes more than this share of the room.
constexpr uint64_t kViewShare = 4;
/// Once a query has left this share of the room, its further views become slim: it is one that reads much, and gains
/// most when all of its blocks stay open.
constexpr uint64_t kWholeShare = 8;

}  // namespace

ViewPool::ViewPool(uint64_t max_bytes, MemoryAccountant& memory, Metrics& metrics)
    : max_bytes_(max_bytes),
      memory_(memory),
      reused_(metrics.counter("cordwood_query_open_blocks_reused_total",
                              "Blocks that a query found open, as another had left them.")) {}

Result<ViewPool::View> ViewPool::Read::open(const BlockSourcePtr& source, ReadStats* stats, const RowBits** kept) {
  Read* const self = takes_part() ? this : nullptr;
  if (self != nullptr) {
    Entries known = pool_->take(source.get());
    // Another block may lie where one that is gone was.
    if (!known.empty() && known.front().source.lock() == source) {
      pool_->reused_.add(1);
      known.front().view->begin_again(stats);
      *kept = known.front().kept;
      return View(known.front().view.release(), {self, source, *kept});
    }
  }
  TRY_ASSIGN(std::unique_ptr<BlockView> view, source->open_with_gaps(stats, kept));
  return View(view.release(), {self, source, *kept});
}

void ViewPool::Read::Return::operator()(BlockView* view) const {
  std::unique_ptr<BlockView> owned(view);
  if (read != nullptr && read->takes_part()) read->give_back(std::move(owned), *this);
}

void ViewPool::Read::give_back(std::unique_ptr<BlockView> view, const Return& how) {
  const std::optional<uint64_t> bytes = view->settle(left_bytes_ >= pool_->max_bytes_ / kWholeShare);
  if (!bytes || *bytes > pool_->max_bytes_ / kViewShare) return;
  left_bytes_ += *bytes;
  Entries entry;
  entry.push_front({how.source, how.source.get(), std::move(view), how.kept, {}});
  pool_->put(std::move(entry), *bytes);
}

void ViewPool::move(Entries::iterator entry, Entries* to) {
  const auto [first, last] = places_.equal_range(entry->key);
  places_.erase(std::find_if(first, last, [entry](const auto& place) { return place.second == entry; }));
  bytes_ -= entry->bytes.bytes();
  to->splice(to->end(), entries_, entry);
}

void ViewPool::move_expired(Entries* to) {
  for (auto at = entries_.begin(); at != entries_.end();) {
    const auto next = std::next(at);
    if (at->source.expired()) move(at, to);
    at = next;
  }
}

ViewPool::Entries ViewPool::take(const BlockSource* source) {
  Entries taken;
  const MutexLock lock(mu_);
  const auto place = places_.find(source);
  if (place != places_.end()) move(place->second, &taken);
  return taken;
}

void ViewPool::put(Entries entry, uint64_t bytes) {
  Entries gone;  // dies after the lock is given back
  const MutexLock lock(mu_);
  if (++puts_ >= entries_.size()) {
    puts_ = 0;
    move_expired(&gone);
  }
  while (!entries_.empty() && bytes_ + bytes > max_bytes_) move(std::prev(entries_.end()), &gone);
  auto reservation = memory_.reserve(MemoryShare::cache, bytes);
  if (!reservation.ok()) return;  // others need the share
  entry.front().bytes = *std::move(reservation);
  bytes_ += bytes;
  entries_.splice(entries_.begin(), entry);
  places_.emplace(entries_.front().key, entries_.begin());
}

}  // namespace cordwood::query
