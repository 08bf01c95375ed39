// SPDX-License-Identifier: Apache-2.0
#include "query/tail_hub.h"

#include <fmt/core.h>

#include <algorithm>

namespace cordwood::query {

namespace {

constexpr size_t kMaxFollowed = 16 << 10;
constexpr uint64_t kShareOfTails = 4;  // all of them may hold this part of the queries' memory

}  // namespace

TailInbox::TailInbox(TailHub& hub, TenantId tenant, std::vector<Matcher> matchers)
    : hub_(hub), tenant_(std::move(tenant)), matchers_(std::move(matchers)) {
  memory_ = MemoryReservation(hub.environment_.memory, MemoryShare::query, 0);
}

TailInbox::~TailInbox() {
  hub_.unsubscribe(this);
  hub_.held_bytes_ -= held_bytes_;
}

TailInbox::Taken TailInbox::take() {
  const MutexLock lock(mu_);
  woken_ = false;
  return std::exchange(waiting_, {});
}

void TailInbox::release(uint64_t bytes) {
  const MutexLock lock(mu_);
  held_bytes_ -= bytes;
  hub_.held_bytes_ -= bytes;
  memory_.shrink(bytes);
}

void TailInbox::set_wake(std::function<void()> wake) {
  const MutexLock lock(mu_);
  wake_ = std::move(wake);
  if (woken_ && wake_) wake_();
}

bool TailInbox::follows(const StreamPtr& stream) {
  const auto known = followed_.find(stream);
  if (known != followed_.end()) return known->second;
  const bool follows =
      stream->kind == StreamKind::log && matches_all(stream->labels, matchers_.data(), matchers_.size());
  if (followed_.size() >= kMaxFollowed) followed_.clear();
  followed_.emplace(stream, follows);
  return follows;
}

void TailInbox::drop(const RowBatch& batch, const BatchRow& row) {
  hub_.dropped_total_.add();
  if (waiting_.dropped.size() < kMaxDroppedNamed) waiting_.dropped.push_back({row.time_ns, batch.streams[row.stream]});
}

void TailInbox::offer(const RowBatch& batch, uint64_t sequence, std::span<const uint32_t> rows) {
  const MutexLock lock(mu_);
  matching_.clear();
  const uint64_t limit = hub_.options_.buffer_bytes;
  uint64_t bytes = 0;
  bool full = hub_.held_bytes_ > hub_.max_held_bytes_;
  for (const uint32_t i : rows) {
    const BatchRow& row = batch.rows[i];
    if (!follows(batch.streams[row.stream])) continue;
    const uint64_t more = TailRows::row_bytes(batch, row);
    // Once one row is dropped, those after it are too: what is left is in order without gaps in between.
    full = full || held_bytes_ + bytes + more > limit || !memory_.grow(more).ok();
    if (full) {
      drop(batch, row);
      continue;
    }
    bytes += more;
    matching_.push_back(i);
  }
  if (matching_.empty() && !full) return;
  if (!matching_.empty()) {
    held_bytes_ += bytes;
    hub_.held_bytes_ += bytes;
    waiting_.rows.push_back(
        std::make_shared<TailRows>(batch, sequence, matching_, hub_.environment_.clock->monotonic_ns()));
  }
  if (woken_) return;
  woken_ = true;
  if (wake_) wake_();
}

TailHub::TailHub(TailOptions options, Environment environment)
    : options_(options),
      environment_(environment),
      tails_total_(environment.metrics->counter("cordwood_tails_total", "Tails begun.")),
      refused_total_(environment.metrics->counter("cordwood_tails_refused_total",
                                                  "Tails refused because the tenant had too many.")),
      dropped_total_(environment.metrics->counter("cordwood_tail_rows_dropped_total",
                                                  "Rows that tails dropped because their clients were too slow.")),
      max_held_bytes_(environment.memory->limit(MemoryShare::query) / kShareOfTails),
      active_(std::make_shared<std::atomic<uint64_t>>(0)) {
  environment.metrics->gauge("cordwood_tails_active", "Tails that are open.", {},
                             [active = active_] { return static_cast<double>(active->load()); });
}

Result<std::unique_ptr<TailInbox>> TailHub::subscribe(const TenantId& tenant, std::vector<Matcher> matchers,
                                                      uint64_t max_tails) {
  auto inbox = std::unique_ptr<TailInbox>(new TailInbox(*this, tenant, std::move(matchers)));
  const MutexLock lock(mu_);
  auto& of_tenant = inboxes_[tenant];
  if (of_tenant.size() >= max_tails) {
    refused_total_.add();
    return Error::exhausted(
        fmt::format("rpc error: code = Code(400) desc = max concurrent tail requests limit exceeded, count > limit "
                    "({} > {})",
                    of_tenant.size() + 1, max_tails));
  }
  of_tenant.push_back(inbox.get());
  active_->fetch_add(1);
  tails_total_.add();
  return inbox;
}

void TailHub::unsubscribe(TailInbox* inbox) {
  const MutexLock lock(mu_);
  const auto of_tenant = inboxes_.find(inbox->tenant_);
  if (of_tenant == inboxes_.end()) return;
  active_->fetch_sub(std::erase(of_tenant->second, inbox));
  if (of_tenant->second.empty()) inboxes_.erase(of_tenant);
}

bool TailHub::wants(const TenantId& tenant) const {
  if (active_->load() == 0) return false;
  const MutexLock lock(mu_);
  return inboxes_.find(tenant) != inboxes_.end();
}

void TailHub::on_rows(const RowBatch& batch, uint64_t sequence, std::span<const uint32_t> rows) {
  const MutexLock lock(mu_);
  const auto of_tenant = inboxes_.find(batch.tenant);
  if (of_tenant == inboxes_.end()) return;
  for (TailInbox* inbox : of_tenant->second) inbox->offer(batch, sequence, rows);
}

}  // namespace cordwood::query
