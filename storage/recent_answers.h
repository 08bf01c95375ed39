// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <utility>

#include "storage/base/mutex.h"

namespace cordwood {

/// The last answers of a look-up, as many ask for the same.  Thread-safe.
template <typename Answer, size_t kMost>
class RecentAnswers {
 public:
  /// Null when none is `wanted`.
  template <typename Wanted>
  std::shared_ptr<const Answer> find(const Wanted& wanted) const EXCLUDES(mu_) {
    const MutexLock lock(mu_);
    for (const auto& answer : answers_)
      if (answer != nullptr && wanted(*answer)) return answer;
    return nullptr;
  }
  void add(std::shared_ptr<const Answer> answer) EXCLUDES(mu_) {
    const MutexLock lock(mu_);
    answers_[next_++ % kMost] = std::move(answer);
  }

 private:
  mutable Mutex mu_;
  std::array<std::shared_ptr<const Answer>, kMost> answers_ GUARDED_BY(mu_);
  size_t next_ GUARDED_BY(mu_) = 0;
};

}  // namespace cordwood
