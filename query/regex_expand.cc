// SPDX-License-Identifier: Apache-2.0
#include "query/regex_expand.h"

#include <re2/re2.h>

#include <vector>

#include "storage/base/ascii.h"
#include "storage/model/utf8.h"

namespace cordwood::query {

namespace {

bool is_name_byte(char c) {
  return is_alphanumeric(c) || c == '_';
}

/// Splits `name` or `{name}` off the text behind a `$`; empty when there is none.
std::string_view take_name(std::string_view* rest) {
  const bool braces = rest->starts_with('{');
  const size_t start = braces ? 1 : 0;
  size_t end = start;
  while (end < rest->size() && is_name_byte((*rest)[end])) ++end;
  const bool closed = !braces || (end < rest->size() && (*rest)[end] == '}');
  if (end == start || !closed) return {};
  const std::string_view name = rest->substr(start, end - start);
  rest->remove_prefix(end + (braces ? 1 : 0));
  return name;
}

/// The number of the group called so; -1 when there is none.
int group_number(const RE2& regex, std::string_view name) {
  int number = 0;
  for (const char c : name) {
    if (c < '0' || c > '9' || number > 100000) {
      const auto& names = regex.NamedCapturingGroups();
      const auto found = names.find(std::string(name));
      return found == names.end() ? -1 : found->second;
    }
    number = number * 10 + (c - '0');
  }
  return number;
}

size_t rune_size(std::string_view text, size_t at) {
  return at < text.size() ? decode_utf8(text, at).size : 0;
}

}  // namespace

void append_expanded(const RE2& regex, std::string_view replacement, const re2::StringPiece* groups, size_t count,
                     std::string* out) {
  for (;;) {
    const size_t dollar = replacement.find('$');
    out->append(replacement.substr(0, dollar));
    if (dollar == std::string_view::npos) return;
    replacement.remove_prefix(dollar + 1);
    if (replacement.starts_with('$')) {
      *out += '$';
      replacement.remove_prefix(1);
      continue;
    }
    const std::string_view name = take_name(&replacement);
    if (name.empty()) {
      *out += '$';
      continue;
    }
    const int number = group_number(regex, name);
    if (number >= 0 && static_cast<size_t>(number) < count && groups[number].data() != nullptr) {
      out->append(groups[number].data(), groups[number].size());
    }
  }
}

std::string replace_all(const RE2& regex, std::string_view text, std::string_view replacement, bool literal,
                        size_t max_bytes) {
  std::string out;
  std::vector<re2::StringPiece> groups(literal ? 1 : static_cast<size_t>(regex.NumberOfCapturingGroups()) + 1);
  const re2::StringPiece whole(text.data(), text.size());
  size_t copied = 0;
  size_t search = 0;
  while (search <= text.size() && out.size() <= max_bytes) {
    if (!regex.Match(whole, search, text.size(), RE2::UNANCHORED, groups.data(), static_cast<int>(groups.size())))
      break;
    const auto start = static_cast<size_t>(groups[0].data() - text.data());
    const size_t end = start + groups[0].size();
    out.append(text.substr(copied, start - copied));
    // An empty match right behind another match is not replaced.
    if (end > copied || start == 0) {
      if (literal) {
        out += replacement;
      } else {
        append_expanded(regex, replacement, groups.data(), groups.size(), &out);
      }
    }
    copied = end;
    const size_t width = rune_size(text, search);
    if (search + width > end) {
      search += width;
    } else {
      search = search + 1 > end ? search + 1 : end;
    }
  }
  out.append(text.substr(copied));
  return out;
}

size_t count_matches(const RE2& regex, std::string_view text) {
  const re2::StringPiece whole(text.data(), text.size());
  size_t count = 0;
  size_t search = 0;
  size_t last_end = std::string_view::npos;
  while (search <= text.size()) {
    re2::StringPiece match;
    if (!regex.Match(whole, search, text.size(), RE2::UNANCHORED, &match, 1)) break;
    const auto start = static_cast<size_t>(match.data() - text.data());
    const size_t end = start + match.size();
    const bool empty_behind_match = end == search && start == last_end;
    if (!empty_behind_match) ++count;
    if (end == search) {
      const size_t width = rune_size(text, search);
      search = width > 0 ? search + width : text.size() + 1;
    } else {
      search = end;
    }
    last_end = end;
  }
  return count;
}

}  // namespace cordwood::query
