// SPDX-License-Identifier: Apache-2.0
#include "storage/segment_key.h"

#include <fmt/core.h>

namespace cordwood {

std::string segment_prefix(const std::string& node) {
  return fmt::format("segments/{}/", node);
}

bool names_catalog_version(std::string_view key) {
  const std::string_view name = key.substr(key.rfind('/') + 1);
  return name.starts_with('m') || name.starts_with('d');
}

}  // namespace cordwood
