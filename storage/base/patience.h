// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "storage/base/result.h"

namespace cordwood {

/// How long the calling thread waits for answers from afar.  Who works on a thread puts one up for as long as the work
/// lasts, and a store that waits asks for it: what lies between them (blocks, columns, frames) knows nothing of time.
class Patience {
 public:
  virtual ~Patience() = default;
  /// Monotonic; INT64_MAX when only ended() tells.
  virtual int64_t until_ns() const = 0;
  /// cancelled or timeout, once it has ended.  Cheap.
  virtual Result<void> ended() const = 0;
  /// A wait for a store begins or is over on some thread that has it up: meanwhile others may have the processor.
  virtual void on_wait(bool /*begins*/) const {}

  /// The one that was put up last on this thread; null: it waits as long as the store does.
  static const Patience* of_this_thread() { return current_; }

  /// A wait for a store.
  class Wait {
   public:
    /// `patience` may be null.
    explicit Wait(const Patience* patience) : patience_(patience) {
      if (patience_ != nullptr) patience_->on_wait(true);
    }
    ~Wait() {
      if (patience_ != nullptr) patience_->on_wait(false);
    }
    Wait(const Wait&) = delete;  // each wait is over once
    Wait& operator=(const Wait&) = delete;

   private:
    const Patience* patience_;
  };

  class Scope {
   public:
    explicit Scope(const Patience* patience) : before_(current_) { current_ = patience; }
    ~Scope() { current_ = before_; }
    Scope(const Scope&) = delete;  // scopes end in the order that the stack gives them
    Scope& operator=(const Scope&) = delete;

   private:
    const Patience* before_;
  };

 private:
  static inline thread_local const Patience* current_ = nullptr;
};

}  // namespace cordwood
