// SPDX-License-Identifier: Apache-2.0
#include "storage/base/niceness.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <thread>

namespace cordwood {
namespace {

int niceness_here() {
  return ::getpriority(PRIO_PROCESS, 0);
}

TEST(Niceness, IsOfOneThread) {
  const int before = niceness_here();
  int inside = 0;
  std::thread([&inside] {
    set_niceness(12);
    give_way();
    inside = niceness_here();
  }).join();
  EXPECT_EQ(inside, 12);
  EXPECT_EQ(niceness_here(), before);
  give_way();
}

}  // namespace
}  // namespace cordwood
