// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

#include "storage/base/result.h"

namespace cordwood {

inline constexpr size_t kMaxObjectKeyBytes = 1024;

/// What a store adds to the rules that keys have everywhere.
struct ObjectKeyRules {
  size_t prefix_bytes = 0;         ///< that the store puts before keys; they count
  size_t max_element_bytes = 0;    ///< between two '/'; 0: any
  std::string_view reserved = {};  ///< may not be the first element
};

/// invalid unless a key, its prefix included, has 1 to kMaxObjectKeyBytes bytes of [A-Za-z0-9-_.%/] and no empty or
/// relative element.
Result<void> check_object_key(std::string_view key, const ObjectKeyRules& rules);

}  // namespace cordwood
