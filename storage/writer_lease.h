// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "storage/base/clock.h"
#include "storage/base/logger.h"
#include "storage/base/metrics.h"
#include "storage/base/mutex.h"
#include "storage/base/result.h"

namespace cordwood {

/// One object that can be written over: what a lease stands on.
class LeaseObject {
 public:
  virtual ~LeaseObject() = default;
  /// not_found: there is none.
  virtual Result<std::string> read(int64_t timeout_ns) = 0;
  /// After an error it may have been written, or be written a little later.
  virtual Result<void> write(std::string_view text, int64_t timeout_ns) = 0;
};

/// What the object says: lines of `name=value`, for people to read.
struct LeaseRecord {
  std::string owner;    ///< names a data directory; a new process on the same one takes its lease at once
  std::string session;  ///< names a process
  std::string node;     ///< for people
  uint64_t term = 0;    ///< rises each time it is taken
  uint64_t renewal = 0;
  int64_t duration_ns = 0;
  bool released = false;
};
std::string print_lease(const LeaseRecord& record);
Result<LeaseRecord> parse_lease(std::string_view text);

/// Lets one server alone write to a bucket that cannot refuse to overwrite, or as a node to one that can.
///
/// Time is measured by each server's own monotonic clock, from when it sent or first saw a text; nothing is believed
/// of other clocks.  The holder writes a new text every fifth of the duration and counts as such for three quarters of
/// it from when it sent the last one that arrived.  Another server takes over when it has seen the very same text for
/// the whole duration, or one that says `released`.  Who takes it writes its own text, waits a tenth of the duration
/// (longer than the requests of others who saw the old text may take, and twice as long as a holder goes without
/// looking), and has it if its text is still there.  The process that follows on the same data directory need not wait
/// for the old lease to end.
///
/// A holder that cannot renew stops in time (lapsed), and goes on when its own text is still there.  One that finds
/// another's text has lost it for good: what it believes of the manifest may be wrong, and only a restart reads that
/// anew.
///
/// What is not guaranteed, because such a bucket checks nothing:
/// - A write of the holder's, sent in time, that arrives more than a quarter of the duration after the lease ended
///   (held up in the network after its connection was given up) may overwrite what the next holder wrote.  A process
///   that is stopped (SIGSTOP, a frozen machine) between the look at its clock and the sending of a request can send
///   one later.
/// - Clocks that differ in speed by a quarter.
/// - A text that arrives late and overwrites the holder's makes two until the holder's next look, should its looks fail
///   for a tenth of the duration just then.
/// - Writes of a process that was killed, should they arrive when the next one on its data directory has the lease
///   already: a tenth of the duration later.
/// Who ends of itself gives the lease back only if all writes of the last quarter of the duration were answered.
/// A copy of a data directory counts as the same owner: the newer process has it, and the older one stops.
///
/// tick() and release() are called on one thread at a time, the others on any.
class WriterLease {
 public:
  enum class State : unsigned char {
    waiting,   ///< another has it, or it is not known who
    settling,  ///< our text is written, it must stay
    held,
    lapsed,  ///< it could not be renewed in time
    lost,    ///< another took it; for good
    released
  };
  struct Options {
    std::string owner;
    std::string session;
    std::string node;
    int64_t duration_ns = 30'000'000'000;
  };
  struct Environment {
    Clock* clock = nullptr;
    Metrics* metrics = nullptr;
    Logger* log = nullptr;
    std::function<void(int64_t)> may_write_until;  ///< monotonic; told each time it changes, 0: no more
    /// When a write of ours ended without an answer the last time; INT64_MIN: never.  Null: never.
    std::function<int64_t()> last_unsure_ns = {};
  };

  WriterLease(Options options, std::unique_ptr<LeaseObject> object, Environment environment);

  /// Does what is due, a request or two; to be called every tick_ns() or sooner.
  void tick();
  int64_t tick_ns() const;
  /// For the end, after the last write: the next server need not wait.
  void release();

  State state() const { return shared_->state; }
  /// Whether writes are allowed now.
  bool held() const;
  /// Why not, for a person.
  std::string why() const EXCLUDES(shared_->mu);
  /// Whether another data directory had it before this one.
  bool taken_over() const { return taken_over_; }

 private:
  /// What metrics and other threads read; it may outlive the lease.
  struct Shared {
    std::atomic<State> state{State::waiting};
    std::atomic<int64_t> until_ns{0};
    std::atomic<uint64_t> term{0};
    mutable Mutex mu;
    std::string why GUARDED_BY(mu) = "the lease of the bucket was not looked at yet";
  };
  void watch();
  void settle();
  void renew();
  void come_back();
  void take(const std::optional<LeaseRecord>& before);
  void lose(const std::string& found);
  void set_until(int64_t until_ns);
  void say(State state, std::string why);
  /// A request failed while we have not the lease; the log hears of the first in a row.
  void cannot(std::string_view what, int64_t timeout_ns, const Error& error);
  bool is_ours(const LeaseRecord& record) const {
    return record.owner == options_.owner && record.session == options_.session;
  }
  Result<std::string> read(int64_t timeout_ns);
  Result<void> write(const LeaseRecord& record, int64_t timeout_ns);

  const Options options_;
  const std::unique_ptr<LeaseObject> object_;
  const Environment env_;
  const std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  Counter& renewals_;
  Counter& failures_;
  Counter& lapses_;

  LeaseRecord mine_;          ///< written last
  int64_t mine_sent_ns_ = 0;  ///< and when, of the last one that arrived
  int64_t settled_at_ns_ = 0;
  std::string seen_;  ///< of another
  int64_t seen_since_ns_ = 0;
  bool ever_held_ = false;
  bool troubled_ = false;  ///< the log was told
  std::atomic<bool> taken_over_{false};
};

}  // namespace cordwood
