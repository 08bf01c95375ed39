// SPDX-License-Identifier: Apache-2.0
#include "query/ip_matcher.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "storage/base/ascii.h"
#include "storage/model/labels.h"

namespace cordwood::query {

namespace {

bool is_v4_char(char c) {
  return is_digit(c) || c == '.';
}
bool is_v6_char(char c) {
  return is_hex_digit(c) || c == ':' || c == '.';
}

/// Decimal without leading zeros.
std::optional<uint32_t> small_number(std::string_view text, uint32_t limit) {
  if (text.empty() || text.size() > 3 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  uint32_t value = 0;
  for (const char c : text) {
    if (!is_digit(c)) return std::nullopt;
    value = value * 10 + static_cast<uint32_t>(c - '0');
  }
  if (value > limit) return std::nullopt;
  return value;
}

bool hints_v4(std::string_view t) {
  if (t.size() < 4 || !is_digit(t[0])) return false;
  return t[1] == '.' || t[2] == '.' || t[3] == '.';
}

bool hints_v6(std::string_view t) {
  if (t.size() < 5) return false;
  if (t[0] == ':' && t[1] == ':' && is_hex_digit(t[2])) return true;
  for (size_t i = 0; i < 5; ++i) {
    if (t[i] == ':') return i > 0;
    if (!is_hex_digit(t[i])) return false;
  }
  return false;
}

}  // namespace

std::optional<IpMatcher::Address> IpMatcher::parse_v4(std::string_view text) {
  Address address;
  for (int part = 0; part < 4; ++part) {
    const size_t dot = text.find('.');
    if ((dot == std::string_view::npos) != (part == 3)) return std::nullopt;
    const auto value = small_number(text.substr(0, dot), 255);
    if (!value) return std::nullopt;
    address.bytes[part] = static_cast<uint8_t>(*value);
    if (part < 3) text.remove_prefix(dot + 1);
  }
  return address;
}

std::optional<IpMatcher::Address> IpMatcher::parse_v6(std::string_view text) {
  std::vector<uint16_t> groups;
  std::optional<size_t> gap;
  if (text.starts_with("::")) {
    gap = 0;
    text.remove_prefix(2);
  }
  while (!text.empty()) {
    const size_t colon = text.find(':');
    const std::string_view part = text.substr(0, colon);
    if (colon == std::string_view::npos && part.find('.') != std::string_view::npos) {
      const auto tail = parse_v4(part);
      if (!tail) return std::nullopt;
      groups.push_back(static_cast<uint16_t>(tail->bytes[0] << 8 | tail->bytes[1]));
      groups.push_back(static_cast<uint16_t>(tail->bytes[2] << 8 | tail->bytes[3]));
      break;
    }
    if (part.empty() || part.size() > 4 || !std::all_of(part.begin(), part.end(), is_hex_digit)) return std::nullopt;
    groups.push_back(static_cast<uint16_t>(std::stoul(std::string(part), nullptr, 16)));
    if (groups.size() > 8) return std::nullopt;
    if (colon == std::string_view::npos) break;
    text.remove_prefix(colon + 1);
    if (text.starts_with(":")) {
      if (gap) return std::nullopt;
      gap = groups.size();
      text.remove_prefix(1);
    } else if (text.empty()) {
      return std::nullopt;
    }
  }
  if (groups.size() > 8 || (gap ? groups.size() > 7 : groups.size() != 8)) return std::nullopt;
  if (gap) groups.insert(groups.begin() + static_cast<std::ptrdiff_t>(*gap), 8 - groups.size(), 0);
  Address address;
  address.v6 = true;
  for (size_t i = 0; i < 8; ++i) {
    address.bytes[2 * i] = static_cast<uint8_t>(groups[i] >> 8);
    address.bytes[2 * i + 1] = static_cast<uint8_t>(groups[i]);
  }
  return address;
}

std::optional<IpMatcher::Address> IpMatcher::parse(std::string_view text) {
  return text.find(':') == std::string_view::npos ? parse_v4(text) : parse_v6(text);
}

Result<IpMatcher> IpMatcher::make(std::string_view pattern) {
  std::string quoted;
  append_go_quoted(pattern, &quoted);
  const Error bad = Error::invalid(fmt::format("ip: invalid pattern: {}", quoted));
  IpMatcher m;
  if (const auto address = parse(pattern)) {
    m.first_ = m.last_ = *address;
    return m;
  }
  if (const size_t slash = pattern.find('/'); slash != std::string_view::npos) {
    const auto base = parse(pattern.substr(0, slash));
    if (!base) return bad;
    const auto bits = small_number(pattern.substr(slash + 1), base->v6 ? 128 : 32);
    if (!bits) return bad;
    m.first_ = m.last_ = *base;
    for (uint32_t bit = *bits; bit < (base->v6 ? 128U : 32U); ++bit) {
      const auto mask = static_cast<uint8_t>(0x80 >> (bit % 8));
      m.first_.bytes[bit / 8] &= static_cast<uint8_t>(~mask);
      m.last_.bytes[bit / 8] |= mask;
    }
    return m;
  }
  const size_t dash = pattern.find('-');
  if (dash == std::string_view::npos) return bad;
  const auto first = parse(pattern.substr(0, dash));
  const auto last = parse(pattern.substr(dash + 1));
  if (!first || !last || first->v6 != last->v6 || *last < *first) return bad;
  m.first_ = *first;
  m.last_ = *last;
  return m;
}

bool IpMatcher::matches(std::string_view candidate) const {
  const auto address = parse(candidate);
  return address && address->v6 == first_.v6 && first_ <= *address && *address <= last_;
}

bool IpMatcher::found_in(std::string_view text) const {
  size_t at = 0;
  while (at < text.size()) {
    const std::string_view rest = text.substr(at);
    bool (*part_of)(char) = nullptr;
    if (hints_v4(rest)) {
      part_of = is_v4_char;
    } else if (hints_v6(rest)) {
      part_of = is_v6_char;
    }
    if (part_of == nullptr) {
      ++at;
      continue;
    }
    size_t end = at;
    while (end < text.size() && part_of(text[end])) ++end;
    if (matches(text.substr(at, end - at))) return true;
    at = end + 1;
  }
  return false;
}

}  // namespace cordwood::query
