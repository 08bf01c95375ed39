// SPDX-License-Identifier: Apache-2.0
#include "storage/base/niceness.h"

#include <sched.h>
#include <sys/resource.h>

namespace cordwood {

namespace {

thread_local bool is_nice = false;

}  // namespace

void set_niceness(int niceness) {
  (void)::setpriority(PRIO_PROCESS, 0, niceness);  // Linux: of this thread
  is_nice = niceness > 0;
}

void give_way() {
  if (is_nice) (void)::sched_yield();
}

}  // namespace cordwood
