// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <random>

#include "storage/base/random.h"

namespace cordwood {

/// The same for the same seed.  One thread at a time.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : engine_(seed) {}
  uint64_t next() override { return engine_(); }

 private:
  std::mt19937_64 engine_;
};

}  // namespace cordwood
