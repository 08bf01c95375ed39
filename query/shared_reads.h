// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "query/query_engine.h"
#include "query/read_guard.h"
#include "storage/base/mutex.h"

namespace cordwood::query {

/// What one execution for several clients knows of the store it reads.
class SharedRead {
 public:
  explicit SharedRead(const ReadContext& leader) : leader_(leader) {}
  /// Called by the execution before it takes its snapshot.
  void begin(uint64_t version) {
    version_ = version;
    begun_ = true;
  }
  /// Whether its answer is right for a read that comes now: it has every row that is acknowledged by now.
  bool serves(const ReadContext& context, const std::function<uint64_t()>& version) const {
    // Read in this order: an execution that has not begun takes its snapshot later than this.
    const bool begun = begun_;
    if (begun && (!version || version_ != version())) return false;
    return context.takes_partial_series == leader_.takes_partial_series && context.limits == leader_.limits;
  }
  std::atomic<uint32_t> followers{0};

 private:
  const ReadContext& leader_;  ///< looked at as long as the execution can be found
  std::atomic<bool> begun_{false};
  std::atomic<uint64_t> version_{0};
};

/// Reads that ask the same while one of them is under way share its answer, or its error.  The first one executes, on
/// its own thread, the others wait, on theirs, none longer than its own deadline.  The execution is given up only when
/// all of them have left.  Thread-safe.
template <typename T>
class SharedReads {
 public:
  using Execute = std::function<Answer<T>(const ReadContext&, SharedRead*)>;

  SharedReads(Clock& clock, std::function<uint64_t()> version, Counter* shared)
      : clock_(clock), version_(std::move(version)), shared_(shared) {}

  /// `key` names all that the answer depends on but tenant, limits and flags, which are looked at.
  Answer<T> get(std::string key, const ReadContext& context, const Execute& execute) {
    key += '\0';
    key += context.tenant;
    const int64_t deadline_ns = deadline_monotonic_ns(context, clock_);
    for (;;) {
      bool leads = false;
      const std::shared_ptr<Flight> flight = board(key, context, &leads);
      if (leads) return lead(key, flight, context, execute);
      if (auto error = wait(*flight, context, deadline_ns)) return std::move(*error);
      if (flight->answer == nullptr || given_up(*flight->answer)) continue;
      if (shared_ != nullptr) shared_->add();
      return *flight->answer;
    }
  }

 private:
  struct Flight {
    explicit Flight(const ReadContext& leader) : read(leader) {}
    SharedRead read;
    bool done = false;                        ///< nothing changes from then on
    std::shared_ptr<const Answer<T>> answer;  ///< none when the execution failed by an exception
    CondVar landed;
  };

  std::shared_ptr<Flight> board(const std::string& key, const ReadContext& context, bool* leads) {
    const MutexLock lock(mu_);
    std::shared_ptr<Flight>& known = flights_[key];
    *leads = known == nullptr || !known->read.serves(context, version_);
    if (*leads) {
      known = std::make_shared<Flight>(context);  // one that cannot be found any more serves those it has
    } else {
      ++known->read.followers;
    }
    return known;
  }

  /// An error when this read's client left or its time is up before the flight is done.
  std::optional<QueryError> wait(Flight& flight, const ReadContext& context, int64_t deadline_ns) {
    const MutexLock lock(mu_);
    while (!flight.done) {
      const bool left = context.cancelled != nullptr && *context.cancelled;
      if (left || clock_.monotonic_ns() > deadline_ns) {
        --flight.read.followers;
        return to_query_error(left ? Error::cancelled({}) : Error::timeout({}));
      }
      flight.landed.wait_for(mu_, kPoll);
    }
    return std::nullopt;
  }

  /// Whether the execution ended because its first client left, just as others came.
  static bool given_up(const Answer<T>& answer) {
    const auto* error = std::get_if<QueryError>(&answer);
    return error != nullptr && error->status == to_query_error(Error::cancelled({})).status;
  }

  Answer<T> lead(const std::string& key, const std::shared_ptr<Flight>& flight, const ReadContext& context,
                 const Execute& execute) {
    const Landing landing(this, key, flight);
    ReadContext own = context;
    own.followers = &flight->read.followers;
    Answer<T> answer = execute(own, &flight->read);
    if (!landing.forget()) return answer;
    auto for_all = std::make_shared<const Answer<T>>(std::move(answer));
    {
      const MutexLock lock(mu_);
      flight->answer = for_all;
    }
    return *for_all;
  }

  /// Ends the flight however the execution ends.
  class Landing {
   public:
    Landing(SharedReads* owner, const std::string& key, std::shared_ptr<Flight> flight)
        : owner_(owner), key_(key), flight_(std::move(flight)) {}
    ~Landing() {
      forget();
      const MutexLock lock(owner_->mu_);
      flight_->done = true;
      flight_->landed.notify_all();
    }
    Landing(const Landing&) = delete;  // a flight lands once
    Landing& operator=(const Landing&) = delete;
    /// From here on nobody finds the flight; whether anybody waits for it.
    bool forget() const {
      const MutexLock lock(owner_->mu_);
      const auto it = owner_->flights_.find(key_);
      if (it != owner_->flights_.end() && it->second == flight_) owner_->flights_.erase(it);
      return flight_->read.followers > 0;
    }

   private:
    SharedReads* owner_;
    const std::string& key_;
    std::shared_ptr<Flight> flight_;
  };

  static constexpr auto kPoll = std::chrono::milliseconds(20);

  Clock& clock_;
  const std::function<uint64_t()> version_;
  Counter* shared_;
  Mutex mu_;
  std::map<std::string, std::shared_ptr<Flight>> flights_ GUARDED_BY(mu_);
};

}  // namespace cordwood::query
