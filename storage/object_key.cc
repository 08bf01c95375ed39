// SPDX-License-Identifier: Apache-2.0
#include "storage/object_key.h"

#include <algorithm>

#include "storage/base/ascii.h"

namespace cordwood {

namespace {

bool key_byte(char c) {
  return is_alphanumeric(c) || c == '-' || c == '_' || c == '.' || c == '%';
}

}  // namespace

Result<void> check_object_key(std::string_view key, const ObjectKeyRules& rules) {
  const auto refuse = [&](std::string_view why) {
    return Error::invalid(fmt::format("object key '{}': {}", key.substr(0, kMaxObjectKeyBytes), why));
  };
  if (key.empty() || key.size() + rules.prefix_bytes > kMaxObjectKeyBytes) {
    return refuse("1 to 1024 bytes are allowed");
  }
  for (size_t begin = 0; begin <= key.size();) {
    const size_t end = std::min(key.find('/', begin), key.size());
    const std::string_view part = key.substr(begin, end - begin);
    if (part.empty() || part == "." || part == "..") return refuse("empty or relative element");
    if (rules.max_element_bytes != 0 && part.size() > rules.max_element_bytes) {
      return refuse(fmt::format("an element is longer than {} bytes", rules.max_element_bytes));
    }
    if (!std::all_of(part.begin(), part.end(), key_byte)) return refuse("a byte outside [A-Za-z0-9-_.%/]");
    if (begin == 0 && part == rules.reserved) return refuse(fmt::format("{}/ is reserved", part));
    begin = end + 1;
  }
  return {};
}

}  // namespace cordwood
