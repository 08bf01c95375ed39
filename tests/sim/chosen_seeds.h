// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstdlib>
#include <optional>

namespace cordwood {

struct ChosenSeeds {
  uint64_t first = 0;
  uint64_t last = 0;
};

/// The histories that an environment variable asks for, `<n>` or `<n>-<m>`; nothing when it is not set.
inline std::optional<ChosenSeeds> chosen_seeds(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr) return std::nullopt;
  char* rest = nullptr;
  const uint64_t first = std::strtoull(text, &rest, 10);
  return ChosenSeeds{first, *rest == '-' ? std::strtoull(rest + 1, nullptr, 10) : first};
}

}  // namespace cordwood
