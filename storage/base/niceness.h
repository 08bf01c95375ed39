// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace cordwood {

/// Of the calling thread alone: the higher, the more others come first.
void set_niceness(int niceness);

/// To be called every 100 us or so by what works in the background.  A system lets a thread run on to the end of its
/// slice, some milliseconds, whoever wakes up meanwhile; on a thread with a niceness those who wait for its processor
/// run now.  On others it does nothing.
void give_way();

}  // namespace cordwood
