// SPDX-License-Identifier: Apache-2.0
#include "ingest/metadata_rules.h"

#include <algorithm>

#include "storage/base/ascii.h"
#include "storage/model/labels.h"
#include "storage/model/utf8.h"

namespace cordwood::ingest {

namespace {

/// Whether the common case holds: letters, digits and single underscores, not all underscores.
bool is_normal(std::string_view name) {
  if (name.empty() || is_digit(name[0])) return false;
  bool underscore = false;
  bool other = false;
  for (const char c : name) {
    if (is_alphanumeric(c)) {
      underscore = false;
      other = true;
    } else if (c != '_' || underscore) {
      return false;
    } else {
      underscore = true;
    }
  }
  return other;
}

bool is_reserved(std::string_view name) {
  return name.size() > 4 && name.starts_with("__") && name.ends_with("__");
}

Error invalid_name(std::string_view name, std::string_view result) {
  std::string message = "normalization for label name ";
  append_go_quoted(name, &message);
  message += " resulted in invalid name ";
  append_go_quoted(result, &message);
  return Error::invalid(std::move(message));
}

}  // namespace

Result<std::string_view> normalise_metadata_name(std::string_view name, Arena* arena) {
  if (is_normal(name)) return name;
  if (name.empty()) return Error::invalid("label name is empty");
  const bool reserved = is_reserved(name);
  const std::string_view inner = reserved ? name.substr(2, name.size() - 4) : name;
  char* out = arena->allocate(name.size() + 4);
  size_t size = 0;
  const auto put = [&](std::string_view text) {
    for (const char c : text) out[size++] = c;
  };
  if (reserved) put("__");
  if (!reserved && is_digit(inner[0])) put("key_");
  bool underscore = false;
  for (const char c : inner) {
    if (is_alphanumeric(c)) {
      out[size++] = c;
      underscore = false;
    } else if (!underscore) {
      out[size++] = '_';
      underscore = true;
    }
  }
  if (reserved) put("__");
  const std::string_view result(out, size);
  if (result.find_first_not_of('_') == std::string_view::npos) return invalid_name(name, result);
  return result;
}

std::string_view normalise_metadata_value(std::string_view value, Arena* arena) {
  const auto is_high = [](char c) { return static_cast<unsigned char>(c) >= 0x80; };
  if (std::none_of(value.begin(), value.end(), is_high)) return value;
  const auto is_bad = [](const Utf8Rune& rune) { return !rune.valid || rune.value == 0xFFFD; };
  size_t at = 0;
  while (at < value.size()) {
    const Utf8Rune rune = decode_utf8(value, at);
    if (is_bad(rune)) break;
    at += rune.size;
  }
  if (at == value.size()) return value;
  char* out = arena->allocate(value.size());
  size_t size = 0;
  for (at = 0; at < value.size();) {
    const Utf8Rune rune = decode_utf8(value, at);
    if (is_bad(rune)) {
      out[size++] = ' ';
    } else {
      for (size_t i = 0; i < rune.size; ++i) out[size++] = value[at + i];
    }
    at += rune.size;
  }
  return {out, size};
}

Result<void> append_normalised(std::span<const MetadataPair> sent, Arena* arena, std::vector<MetadataPair>* out) {
  const size_t begin = out->size();
  for (const MetadataPair& pair : sent) {
    TRY_ASSIGN(const std::string_view name, normalise_metadata_name(pair.name, arena));
    const std::string_view value = normalise_metadata_value(pair.value, arena);
    if (value.empty()) continue;
    out->push_back({name, value});
  }
  const auto first = out->begin() + static_cast<ptrdiff_t>(begin);
  const auto by_name = [](const MetadataPair& a, const MetadataPair& b) { return a.name < b.name; };
  if (!std::is_sorted(first, out->end(), by_name)) std::stable_sort(first, out->end(), by_name);
  size_t kept = begin;
  for (size_t i = begin; i < out->size(); ++i) {
    if (kept > begin && (*out)[kept - 1].name == (*out)[i].name) --kept;
    (*out)[kept++] = (*out)[i];
  }
  out->resize(kept);
  return {};
}

}  // namespace cordwood::ingest
