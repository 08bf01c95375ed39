// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <string_view>
#include <system_error>

#include "storage/base/result.h"

namespace cordwood::api {

/// A setting from its text; invalid, and the setting as it was, when the text is of another kind.
inline Result<void> set_bool(bool& field, std::string_view text) {
  if (text != "true" && text != "false") return Error::invalid("want true or false");
  field = text == "true";
  return {};
}

template <typename Integer>
Result<void> set_integer(Integer& field, std::string_view text) {
  Integer value{};
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc() || end != text.data() + text.size()) return Error::invalid("want a whole number");
  field = value;
  return {};
}

}  // namespace cordwood::api
