// SPDX-License-Identifier: Apache-2.0
#include "storage/engine_impl.h"

namespace cordwood {

namespace {

constexpr uint32_t kMaxSeals = 2;
constexpr uint32_t kMaxTasks = kMaxSeals + 1;  ///< and one that publishes
constexpr int64_t kFirstBackoffNs = 1'000'000'000;
constexpr int64_t kLastBackoffNs = 15'000'000'000;

}  // namespace

bool TaskGate::enter() {
  const MutexLock lock(mu_);
  if (!open_) return false;
  ++inside_;
  return true;
}

void TaskGate::leave() {
  const MutexLock lock(mu_);
  --inside_;
  left_.notify_all();
}

void TaskGate::close() {
  const MutexLock lock(mu_);
  open_ = false;
  while (inside_ > 0) left_.wait(mu_);
}

/// The oldest work there is, marked as taken.  `forced` does not wait out a back-off.
std::optional<EngineImpl::Work> EngineImpl::pick(bool forced, uint64_t up_to_generation) {
  const int64_t now_ns = env_.clock->monotonic_ns();
  for (const UnpublishedPtr& of : unpublished_) {
    if (of->generation->number() > up_to_generation) break;
    if (!forced && of->retry_at_ns > now_ns) continue;
    if (seals_running_ < kMaxSeals) {
      if (auto job = of->generation->take_seal_job()) {
        ++seals_running_;
        return Work{of, std::move(job)};
      }
    }
    if (!publishing_ && !of->publishing && of->generation->state().publishable) {
      of->publishing = true;
      publishing_ = true;
      return Work{of, nullptr};
    }
  }
  return std::nullopt;
}

bool EngineImpl::work_waits() const {
  const int64_t now_ns = env_.clock->monotonic_ns();
  for (const UnpublishedPtr& of : unpublished_) {
    if (of->retry_at_ns > now_ns) continue;
    const Generation::State state = of->generation->state();
    if (state.seal_waiting && seals_running_ < kMaxSeals) return true;
    if (state.publishable && !publishing_) return true;
  }
  return false;
}

/// Posts a task if there is work that no posted task will take.
void EngineImpl::kick() {
  {
    const MutexLock lock(mu_);
    if (tasks_posted_ >= kMaxTasks || !work_waits()) return;
    ++tasks_posted_;
  }
  env_.background->post([this, gate = gate_] {
    if (!gate->enter()) return;
    run_posted();
    gate->leave();
  });
}

void EngineImpl::run_posted() {
  std::optional<Work> work;
  {
    const MutexLock lock(mu_);
    work = pick(/*forced=*/false, next_generation_);
  }
  if (work) (void)run(*work);  // counted, logged and tried again by fail()
  {
    const MutexLock lock(mu_);
    --tasks_posted_;
  }
  kick();
}

Result<void> EngineImpl::run(const Work& work) {
  const int64_t start_ns = env_.clock->monotonic_ns();
  Result<void> done = work.seal != nullptr ? run_seal(work) : publish(work);
  const int64_t spent_ns = env_.clock->monotonic_ns() - start_ns;
  (work.seal != nullptr ? metrics_.seal_seconds : metrics_.publish_seconds).observe_ns(spent_ns);
  if (!done.ok()) fail(work, done.error());
  const MutexLock lock(mu_);
  if (work.seal != nullptr) {
    --seals_running_;
  } else {
    publishing_ = false;
    work.of->publishing = false;
  }
  if (done.ok()) work.of->backoff_ns = 0;
  progress_.notify_all();
  return done;
}

Result<void> EngineImpl::run_seal(const Work& work) {
  // The rows once more in order, and what the builder makes of them.  There is always room for one block.
  const uint64_t needed = work.seal->raw_bytes() + work.seal->rows() * sizeof(BlockInputRow);
  const uint64_t limit = env_.memory->limit(MemoryShare::sealing);
  const MemoryReservation room = env_.memory->charge(MemoryShare::sealing, std::min(needed, limit));
  std::unique_ptr<BlockBuilder> builder = take_builder();
  Generation& generation = *work.of->generation;
  Result<SealedJob> block = seal(*work.seal, *builder, generation.spill());
  {
    const MutexLock lock(mu_);
    if (idle_builders_.size() < kMaxSeals) idle_builders_.push_back(std::move(builder));
  }
  if (!block.ok()) {
    generation.seal_failed(work.seal);
    return std::move(block).error();
  }
  generation.sealed(work.seal, std::move(block).value());
  metrics_.blocks_sealed.add();
  return {};
}

std::unique_ptr<BlockBuilder> EngineImpl::take_builder() {
  {
    const MutexLock lock(mu_);
    if (!idle_builders_.empty()) {
      std::unique_ptr<BlockBuilder> builder = std::move(idle_builders_.back());
      idle_builders_.pop_back();
      return builder;
    }
  }
  return std::make_unique<BlockBuilder>(options_.block);
}

void EngineImpl::fail(const Work& work, const Error& error) {
  const bool sealing = work.seal != nullptr;
  (sealing ? metrics_.seal_failures : metrics_.publish_failures).add();
  int64_t backoff_ns = 0;
  {
    const MutexLock lock(mu_);
    Unpublished& of = *work.of;
    of.backoff_ns = of.backoff_ns == 0 ? kFirstBackoffNs : std::min(of.backoff_ns * 2, kLastBackoffNs);
    of.retry_at_ns = env_.clock->monotonic_ns() + of.backoff_ns;
    backoff_ns = of.backoff_ns;
  }
  env_.log->warn(
      sealing ? "a block could not be sealed, will try again" : "a generation could not be published, will try again",
      {{"generation", work.of->generation->number()},
       {"error", error.message},
       {"again_in_ms", backoff_ns / 1'000'000}});
}

}  // namespace cordwood
