// SPDX-License-Identifier: Apache-2.0
#include "api/http_message.h"

#include <algorithm>

#include "storage/base/ascii.h"

namespace cordwood::api {

bool equal_without_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return fold_byte(x) == fold_byte(y); });
}

std::string_view HttpHeaders::get(std::string_view name) const {
  for (const auto& [field, value] : fields_) {
    if (equal_without_case(field, name)) return value;
  }
  return {};
}

bool HttpHeaders::has(std::string_view name) const {
  return std::any_of(fields_.begin(), fields_.end(), [&](const auto& f) { return equal_without_case(f.first, name); });
}

}  // namespace cordwood::api
