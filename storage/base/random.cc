// SPDX-License-Identifier: Apache-2.0
#include "storage/base/random.h"

#include <fmt/core.h>
#include <sys/random.h>

#include "storage/base/check.h"

namespace cordwood {

std::string Random::hex128() {
  const uint64_t high = next();
  return fmt::format("{:016x}{:016x}", high, next());
}

uint64_t SystemRandom::next() {
  uint64_t value = 0;
  // Up to 256 bytes are never cut short once the kernel's pool is ready.
  const ssize_t got = ::getrandom(&value, sizeof value, 0);
  CHECK(got == static_cast<ssize_t>(sizeof value), "getrandom answered {}", got);
  return value;
}

}  // namespace cordwood
