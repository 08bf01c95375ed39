// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace cordwood {

/// How long the calling thread has been ready to run, but had to wait for a processor, since it began; 0 where the
/// system does not tell.  Takes a few microseconds.
int64_t run_delay_ns();

}  // namespace cordwood
