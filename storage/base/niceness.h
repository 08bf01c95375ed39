// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace cordwood {

/// Of the calling thread alone: the higher, the more others come first.
void set_niceness(int niceness);

/// To be called every 100 us or so by what works in the background.  A system lets a thread run on to the end of its
/// slice, some milliseconds, whoever wakes up meanwhile; on a thread with a niceness those who wait for its processor
/// run now, and where a PausesForAnswers lives it pauses.  On others it does nothing.
void give_way();

/// While one lives, somebody waits for an answer to a question.  Any thread.
class AwaitedAnswer {
 public:
  AwaitedAnswer();
  ~AwaitedAnswer();
  AwaitedAnswer(const AwaitedAnswer&) = delete;
  AwaitedAnswer& operator=(const AwaitedAnswer&) = delete;
  /// How many live.
  static uint32_t count();
};

/// While one lives, give_way() of the thread that made it lets the processors to those who make answers, as long as any
/// is awaited: three times as long as the thread works, each time 10 ms at most.  If it had less than a quarter of the
/// time since its last pause, since others have all processors, it does not pause.  So work that nobody waits for goes
/// on, at about a quarter of its speed.  Not for what holds a lock that others need.
class PausesForAnswers {
 public:
  explicit PausesForAnswers(bool does = true);
  ~PausesForAnswers();
  PausesForAnswers(const PausesForAnswers&) = delete;
  PausesForAnswers& operator=(const PausesForAnswers&) = delete;
  /// How long the threads of the process have paused so.
  static int64_t total_ns();

 private:
  const bool before_;
};

}  // namespace cordwood
