// SPDX-License-Identifier: Apache-2.0
#include "storage/base/percent.h"

#include "storage/base/ascii.h"

namespace cordwood {

std::string percent_encode(std::string_view text, std::string_view plain) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (is_alphanumeric(c) || plain.find(c) != std::string_view::npos) {
      out.push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out.append({'%', kDigits[byte >> 4], kDigits[byte & 15]});
  }
  return out;
}

}  // namespace cordwood
