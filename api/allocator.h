// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace cordwood::api {

/// Before any other thread begins.
void set_up_allocator();

/// When what malloc keeps free between what is in use should go back to the system.  Whoever asks for memory next pays
/// for that, with a fault for each page, and all threads with their view of the page table; so it is done when
/// the process has grown by much, or by little for a while.
class TrimPolicy {
 public:
  /// Once a second, with the process's resident bytes.
  bool due(uint64_t resident_bytes);
  /// After each that was due.
  void trimmed(uint64_t resident_bytes);

 private:
  uint64_t least_bytes_ = UINT64_MAX;  ///< resident since the last time
  uint32_t seconds_ = 0;               ///< since then
};

/// Gives it back if it is due; once a second.
void give_memory_back(TrimPolicy* policy);

}  // namespace cordwood::api
