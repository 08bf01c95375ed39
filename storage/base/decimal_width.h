// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace cordwood {

constexpr size_t kMostDecimalWidth = 20;
/// How many digits a number has.
constexpr uint32_t decimal_width(uint64_t number) {
  constexpr auto kPowers = [] {
    std::array<uint64_t, kMostDecimalWidth> powers{1};
    for (size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * 10;
    return powers;
  }();
  // As many digits as the number of its bits tells, or one more (Warren, Hacker's Delight, 2nd ed., 11-4).
  const uint32_t least = static_cast<uint32_t>(std::bit_width(number | 1)) * 1233 >> 12;
  return least + ((number | 1) >= kPowers[least] ? 1 : 0);
}

}  // namespace cordwood
