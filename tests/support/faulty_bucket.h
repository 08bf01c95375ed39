// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <random>
#include <string>

#include "storage/base/object_store.h"

namespace cordwood {

/// A bucket in memory that outlives the processes that use it, and does to them what buckets do: requests that fail
/// before or after they were done, answers that come too late, lists that are old, and a time after which nothing
/// answers.  All from a seed.  One thread.
class FaultyBucket {
 public:
  explicit FaultyBucket(uint64_t seed) : random_(seed) {}
  /// The store of one process.
  std::unique_ptr<ObjectStore> open();
  /// Of each request.
  void set_failure_rate(double rate) { rate_ = rate; }
  /// From the nth request on nothing answers; it itself may be done.
  void end_at(uint64_t request) { end_at_ = request; }
  void heal() {
    rate_ = 0;
    end_at_ = UINT64_MAX;
  }
  uint64_t requests() const { return requests_; }
  uint64_t faults() const { return faults_; }
  size_t count(const std::string& prefix) const {
    size_t n = 0;
    for (auto it = objects_.lower_bound(prefix); it != objects_.end() && it->first.starts_with(prefix); ++it) ++n;
    return n;
  }

 private:
  class Store;
  class Upload;
  enum class Fate : unsigned char { done, refused, done_unheard };
  Fate next_request();
  bool chance(double p) { return static_cast<double>(random_() >> 11) < p * 9007199254740992.0; }
  static Error away() { return Error::unavailable("the bucket does not answer"); }

  std::mt19937_64 random_;
  std::map<std::string, std::string> objects_;
  std::string newest_;  ///< key of the object made last
  double rate_ = 0;
  uint64_t requests_ = 0;
  uint64_t faults_ = 0;
  uint64_t end_at_ = UINT64_MAX;
};

}  // namespace cordwood
