// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "storage/base/result.h"

namespace cordwood::query {

/// Addresses as `ip("…")` names them: one address, a prefix `a/n`, or a range `a-b`, of either version.
class IpMatcher {
 public:
  /// invalid: `ip: invalid pattern: "x"`.
  static Result<IpMatcher> make(std::string_view pattern);
  /// Whether any address that stands in the text matches.
  bool found_in(std::string_view text) const;

 private:
  struct Address {
    bool v6 = false;
    std::array<uint8_t, 16> bytes{};
    auto operator<=>(const Address&) const = default;
  };
  static std::optional<Address> parse(std::string_view text);
  static std::optional<Address> parse_v4(std::string_view text);
  static std::optional<Address> parse_v6(std::string_view text);
  bool matches(std::string_view candidate) const;

  Address first_, last_;
};

}  // namespace cordwood::query
