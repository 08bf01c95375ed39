// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <tuple>

#include "query/read_costs.h"
#include "storage/base/clock.h"
#include "storage/base/metrics.h"
#include "storage/base/mutex.h"
#include "storage/model/stream.h"

namespace cordwood::query {

struct ReadGateOptions {
  uint32_t running = 0;                ///< reads that run at a time; 0: two for each processor, at most 8
  uint32_t processors = 0;             ///< while others keep these busy one long read runs, no more; 0: the machine's
  int64_t long_after_ns = 50'000'000;  ///< a read that ran for so long is a long one
  int64_t turn_ns = 100'000'000;       ///< after which a long read lets the next one run
  int64_t poll_ns = 20'000'000;        ///< how often a read that waits looks whether its client left
};

/// Decides which reads run when there are more than the machine can take.  Short reads come first: a long one gives way
/// at its next check while others keep the processors busy, but one long read always runs, and they take turns.  Of
/// those that wait, the tenant goes first that has the fewest running, then whoever is due first: when it came, and ten
/// times what reads of its kind took of a processor lately, a second at most.  So of those that come together the cheap
/// ones go first, and none waits for others for ever.  While reads wait for a store others are let in, up to as many
/// again.  Thread-safe.
class ReadGate {
 public:
  ReadGate(ReadGateOptions options, Clock& clock, Metrics* metrics = nullptr);
  /// How many processors the reads that run leave alone, for each of them.
  uint32_t idle_processors() const { return idle_processors_.load(std::memory_order_relaxed); }

  /// One read's place.  Waits for it to be let in; whoever stops waiting runs nevertheless, and finds out at its next
  /// check.
  class Visit {
   public:
    /// `gate` may be null: then nothing ever waits.  `stop` tells that waiting is of no use any more.  `kind`: see
    /// read_kind().
    Visit(ReadGate* gate, TenantId tenant, std::function<bool()> stop, uint64_t kind = 0);
    ~Visit();
    Visit(const Visit&) = delete;  // the gate points to it
    Visit& operator=(const Visit&) = delete;
    /// Gives way when others are to run, and is back when it is this read's turn again; whether it had to wait.
    bool check(int64_t monotonic_ns) {
      return gate_ != nullptr && (monotonic_ns >= turn_ends_ns_ || (is_long_ && gate_->crowded_)) && pass(monotonic_ns);
    }

    /// A wait for a store begins or is over; there may be several at once.  Any thread.
    void on_wait(bool begins);

   private:
    friend class ReadGate;
    bool pass(int64_t monotonic_ns);

    ReadGate* gate_;
    TenantId tenant_;
    std::function<bool()> stop_;
    uint64_t kind_;
    int64_t due_ns_ = 0;  ///< while it waits
    int64_t begun_cpu_ns_ = 0;
    CondVar let_in_;
    int64_t turn_ends_ns_ = 0;
    bool is_long_ = false;
    bool running_ = false;
    uint32_t waits_ = 0;  ///< for a store
  };

 private:
  void wait(Visit* visit) REQUIRES(mu_);
  void leave(Visit* visit) REQUIRES(mu_);
  /// Lets in who may run.
  void admit() REQUIRES(mu_);
  bool may_run(const Visit& visit) const REQUIRES(mu_);
  /// Reads that run and do not wait for a store.
  size_t working() const REQUIRES(mu_);
  size_t long_working() const REQUIRES(mu_);
  /// Of those that may run the lowest goes first.
  std::tuple<bool, size_t, int64_t> rank(const Visit& visit) const REQUIRES(mu_);

  const ReadGateOptions options_;
  Clock& clock_;
  Counter* pauses_ = nullptr;
  ReadCosts costs_;
  std::atomic<uint32_t> idle_processors_;
  std::atomic<bool> crowded_{false};  ///< long reads other than one are to give way
  mutable Mutex mu_;
  std::list<Visit*> waiting_ GUARDED_BY(mu_);  ///< in the order they came
  std::list<Visit*> running_ GUARDED_BY(mu_);
};

}  // namespace cordwood::query
