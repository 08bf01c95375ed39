// SPDX-License-Identifier: Apache-2.0
#include "query/read_gate.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace cordwood::query {

namespace {

/// Each has its share of memory, however many processors there are.
constexpr uint32_t kMostByDefault = 8;
/// Reads let in for each that may run, while others wait for a store.
constexpr size_t kMostPerPlace = 2;
/// A read waits for cheaper ones that came later by so many times what it is expected to take, but no longer than this.
constexpr int64_t kPatience = 10;
constexpr int64_t kMostPatienceNs = 1'000'000'000;

ReadGateOptions filled(ReadGateOptions options) {
  if (options.processors == 0) options.processors = std::max(std::thread::hardware_concurrency(), 1u);
  if (options.running == 0) options.running = std::min(2 * options.processors, kMostByDefault);
  return options;
}

}  // namespace

ReadGate::ReadGate(ReadGateOptions options, Clock& clock, Metrics* metrics)
    : options_(filled(options)), clock_(clock), idle_processors_(options_.processors) {
  if (metrics == nullptr) return;
  pauses_ = &metrics->counter("cordwood_query_pauses_total", "Times a long read gave way to others.");
}

ReadGate::Visit::Visit(ReadGate* gate, TenantId tenant, std::function<bool()> stop, uint64_t kind)
    : gate_(gate), tenant_(std::move(tenant)), stop_(std::move(stop)), kind_(kind) {
  if (gate_ == nullptr) return;
  const MutexLock lock(gate_->mu_);
  gate_->wait(this);
  begun_cpu_ns_ = gate_->clock_.thread_cpu_ns();
}

ReadGate::Visit::~Visit() {
  if (gate_ == nullptr) return;
  const int64_t cpu_ns = gate_->clock_.thread_cpu_ns() - begun_cpu_ns_;
  const MutexLock lock(gate_->mu_);
  if (running_) gate_->costs_.took(kind_, cpu_ns);  // who was never let in did not read either
  gate_->leave(this);
  gate_->admit();
}

void ReadGate::Visit::on_wait(bool begins) {
  if (gate_ == nullptr) return;
  const MutexLock lock(gate_->mu_);
  begins ? ++waits_ : --waits_;
  gate_->admit();
}

bool ReadGate::Visit::pass(int64_t monotonic_ns) {
  ReadGate& gate = *gate_;
  const MutexLock lock(gate.mu_);
  const bool turn_is_over = monotonic_ns >= turn_ends_ns_;
  if (turn_is_over && !is_long_) {
    is_long_ = true;
    turn_ends_ns_ = monotonic_ns + gate.options_.turn_ns;
  }
  const bool others_first = gate.long_working() > 1 && gate.working() > gate.options_.processors;
  const bool next_ones_turn = turn_is_over && !gate.waiting_.empty();
  if (!running_ || (!others_first && !next_ones_turn)) {
    if (turn_is_over) turn_ends_ns_ = monotonic_ns + gate.options_.turn_ns;
    gate.admit();
    return false;
  }
  if (gate.pauses_ != nullptr) gate.pauses_->add();
  gate.leave(this);
  gate.wait(this);
  return true;
}

void ReadGate::wait(Visit* visit) {
  visit->due_ns_ = clock_.monotonic_ns() + std::min(kPatience * costs_.expected_ns(visit->kind_), kMostPatienceNs);
  waiting_.push_back(visit);
  admit();
  while (!visit->running_ && !visit->stop_()) {
    visit->let_in_.wait_for(mu_, std::chrono::nanoseconds(options_.poll_ns));
  }
  if (!visit->running_) waiting_.remove(visit);
  visit->turn_ends_ns_ = clock_.monotonic_ns() + (visit->is_long_ ? options_.turn_ns : options_.long_after_ns);
}

void ReadGate::leave(Visit* visit) {
  if (!visit->running_) return;
  visit->running_ = false;
  running_.remove(visit);
}

size_t ReadGate::working() const {
  return static_cast<size_t>(
      std::count_if(running_.begin(), running_.end(), [](const Visit* one) { return one->waits_ == 0; }));
}

size_t ReadGate::long_working() const {
  return static_cast<size_t>(std::count_if(running_.begin(), running_.end(),
                                           [](const Visit* one) { return one->is_long_ && one->waits_ == 0; }));
}

bool ReadGate::may_run(const Visit& visit) const {
  if (working() >= options_.running || running_.size() >= kMostPerPlace * options_.running) return false;
  return !visit.is_long_ || long_working() == 0 || working() < options_.processors;
}

std::tuple<bool, size_t, int64_t> ReadGate::rank(const Visit& visit) const {
  const auto of_tenant =
      std::count_if(running_.begin(), running_.end(), [&](const Visit* one) { return one->tenant_ == visit.tenant_; });
  return {visit.is_long_ && long_working() > 0, static_cast<size_t>(of_tenant), visit.due_ns_};
}

void ReadGate::admit() {
  for (;;) {
    auto next = waiting_.end();
    for (auto it = waiting_.begin(); it != waiting_.end(); ++it) {
      if (may_run(**it) && (next == waiting_.end() || rank(**it) < rank(**next))) next = it;
    }
    if (next == waiting_.end()) break;
    Visit* visit = *next;
    waiting_.erase(next);
    running_.push_back(visit);
    visit->running_ = true;
    visit->let_in_.notify_all();
  }
  crowded_ = long_working() > 1 && working() > options_.processors;
  const auto running = static_cast<uint32_t>(working());
  idle_processors_ = (options_.processors - std::min(options_.processors, running)) / std::max(running, 1u);
}

}  // namespace cordwood::query
