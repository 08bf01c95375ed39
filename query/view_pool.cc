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
/// Slim views have five eighths of the room before they go for others.
constexpr uint64_t kSlimShare = 8;
constexpr uint64_t kSlimShares = 5;

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
  const bool slim = left_bytes_ >= pool_->max_bytes_ / kWholeShare;
  const std::optional<uint64_t> bytes = view->settle(slim);
  if (!bytes || *bytes > pool_->max_bytes_ / kViewShare) return;
  left_bytes_ += *bytes;
  Entries entry;
  entry.push_front({how.source, how.source.get(), std::move(view), how.kept, slim, *bytes, {}});
  pool_->put(std::move(entry));
}

void ViewPool::move(Entries::iterator entry, Entries* to) {
  const auto [first, last] = places_.equal_range(entry->key);
  places_.erase(std::find_if(first, last, [entry](const auto& place) { return place.second == entry; }));
  bytes_ -= entry->bytes;
  if (entry->slim) slim_bytes_ -= entry->bytes;
  to->splice(to->end(), list_of(entry->slim), entry);
}

void ViewPool::move_expired(Entries* to) {
  for (Entries* const list : {&whole_, &slim_}) {
    for (auto at = list->begin(); at != list->end();) {
      const auto next = std::next(at);
      if (at->source.expired()) move(at, to);
      at = next;
    }
  }
}

ViewPool::Entries ViewPool::take(const BlockSource* source) {
  Entries taken;
  const MutexLock lock(mu_);
  const auto place = places_.find(source);
  if (place != places_.end()) move(place->second, &taken);
  return taken;
}

void ViewPool::put(Entries entries) {
  Entries gone;
  while (!entries.empty()) {
    Entries to_slim;
    add_first(&entries, &to_slim, &gone);
    for (Entry& entry : to_slim) {
      entry.memory = {};
      entry.bytes = entry.view->settle(/*slim=*/true).value_or(0);
      entry.slim = true;
    }
    entries.splice(entries.end(), to_slim);
  }
}

void ViewPool::add_first(Entries* entries, Entries* to_slim, Entries* gone) {
  const uint64_t bytes = entries->front().bytes;
  const MutexLock lock(mu_);
  if (++puts_ >= places_.size()) {
    puts_ = 0;
    move_expired(gone);
  }
  while (bytes_ + bytes > max_bytes_ && !places_.empty()) {
    const bool few_slim = slim_.empty() || slim_bytes_ <= max_bytes_ / kSlimShare * kSlimShares;
    if (few_slim && !whole_.empty()) {
      move(std::prev(whole_.end()), to_slim);
    } else {
      move(std::prev(slim_.end()), gone);
    }
  }
  auto reservation = memory_.reserve(MemoryShare::cache, bytes);
  if (!reservation.ok()) return gone->splice(gone->end(), *entries, entries->begin());  // others need the share
  Entries& list = list_of(entries->front().slim);
  list.splice(list.begin(), *entries, entries->begin());
  list.front().memory = *std::move(reservation);
  bytes_ += bytes;
  if (list.front().slim) slim_bytes_ += bytes;
  places_.emplace(list.front().key, list.begin());
}

}  // namespace cordwood::query
