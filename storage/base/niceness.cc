// SPDX-License-Identifier: Apache-2.0
#include "storage/base/niceness.h"

#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "storage/base/clock.h"

namespace cordwood {

namespace {

constexpr int64_t kSpellNs = 100'000;  // of work between two pauses, at least
constexpr int64_t kPauses = 3;         // so many times as long as it works it pauses
constexpr int64_t kMostOwedNs = 20'000'000;
constexpr int64_t kLongestPauseNs = 10'000'000;
constexpr int64_t kLookNs = 1'000'000;  // how often a pause looks whether answers are still awaited

thread_local bool is_nice = false;
thread_local bool pauses = false;
thread_local int64_t pause_began_ns = 0;  // of the last one
thread_local int64_t resumed_cpu_ns = 0;
std::atomic<uint32_t> awaited{0};
std::atomic<int64_t> paused_ns{0};

void pause() {
  SystemClock clock;
  const int64_t begin_ns = clock.monotonic_ns();
  // Where others have all processors a thread gets far less than its part: then it works on.
  const int64_t owed_ns = std::clamp((begin_ns - pause_began_ns) / (1 + kPauses), kSpellNs, kMostOwedNs);
  const int64_t more_ns = clock.thread_cpu_ns() - resumed_cpu_ns - owed_ns;
  if (more_ns < 0) return;
  const int64_t end_ns = begin_ns + std::min(kPauses * (kSpellNs + more_ns), kLongestPauseNs);
  int64_t now_ns = begin_ns;
  for (; now_ns < end_ns && AwaitedAnswer::count() > 0; now_ns = clock.monotonic_ns()) {
    std::this_thread::sleep_for(std::chrono::nanoseconds(std::min(end_ns - now_ns, kLookNs)));
  }
  paused_ns += now_ns - begin_ns;
  pause_began_ns = begin_ns;
  resumed_cpu_ns = clock.thread_cpu_ns();
}

}  // namespace

void set_niceness(int niceness) {
  (void)::setpriority(PRIO_PROCESS, 0, niceness);  // Linux: of this thread
  is_nice = niceness > 0;
}

void give_way() {
  if (pauses && AwaitedAnswer::count() > 0) pause();
  if (is_nice) (void)::sched_yield();
}

AwaitedAnswer::AwaitedAnswer() {
  awaited.fetch_add(1, std::memory_order_relaxed);
}

AwaitedAnswer::~AwaitedAnswer() {
  awaited.fetch_sub(1, std::memory_order_relaxed);
}

uint32_t AwaitedAnswer::count() {
  return awaited.load(std::memory_order_relaxed);
}

PausesForAnswers::PausesForAnswers(bool does) : before_(pauses) {
  SystemClock clock;
  pauses = does;
  pause_began_ns = clock.monotonic_ns();
  resumed_cpu_ns = clock.thread_cpu_ns();
}

PausesForAnswers::~PausesForAnswers() {
  pauses = before_;
}

int64_t PausesForAnswers::total_ns() {
  return paused_ns;
}

}  // namespace cordwood
