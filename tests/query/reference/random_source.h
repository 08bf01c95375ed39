// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <random>
#include <string>

namespace cordwood::query::reference {

/// Draws that are the same for a seed everywhere.
class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  size_t below(size_t n) { return engine_() % n; }
  bool one_in(size_t n) { return below(n) == 0; }
  template <size_t N>
  std::string of(const char* const (&list)[N]) {
    return list[below(N)];
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace cordwood::query::reference
