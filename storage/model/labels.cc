// SPDX-License-Identifier: Apache-2.0
#include "storage/model/labels.h"

#include <algorithm>

#include "storage/model/utf8.h"

namespace cordwood {

namespace {

void append_escaped(char32_t c, std::string* out) {
  switch (c) {
    case '\a': *out += "\\a"; return;
    case '\b': *out += "\\b"; return;
    case '\f': *out += "\\f"; return;
    case '\n': *out += "\\n"; return;
    case '\r': *out += "\\r"; return;
    case '\t': *out += "\\t"; return;
    case '\v': *out += "\\v"; return;
    default: break;
  }
  if (c < ' ' || c == 0x7f) {
    *out += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
  } else if (c < 0x10000) {
    *out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
  } else {
    *out += fmt::format("\\U{:08x}", static_cast<unsigned>(c));
  }
}

}  // namespace

void append_go_quoted(std::string_view text, std::string* out) {
  *out += '"';
  size_t i = 0;
  while (i < text.size()) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == '"' || byte == '\\') {
      *out += '\\';
      *out += text[i++];
      continue;
    }
    if (byte >= 0x20 && byte < 0x7f) {
      *out += text[i++];
      continue;
    }
    const Utf8Rune rune = decode_utf8(text, i);
    if (!rune.valid) {
      *out += fmt::format("\\x{:02x}", byte);
    } else if (is_printable(rune.value)) {
      out->append(text.substr(i, rune.size));
    } else {
      append_escaped(rune.value, out);
    }
    i += rune.size;
  }
  *out += '"';
}

std::string go_quoted(std::string_view text) {
  std::string out;
  append_go_quoted(text, &out);
  return out;
}

Labels Labels::from_pairs(std::vector<Pair> pairs) {
  std::erase_if(pairs, [](const Pair& p) { return p.second.empty(); });
  std::sort(pairs.begin(), pairs.end());
  Labels labels;
  ByteWriter w(&labels.bytes_);
  for (size_t i = 0; i < pairs.size(); ++i) {
    CHECK(i == 0 || pairs[i - 1].first != pairs[i].first, "label '{}' stands twice", pairs[i].first);
    w.string(pairs[i].first);
    w.string(pairs[i].second);
  }
  labels.bytes_.shrink_to_fit();
  labels.size_ = static_cast<uint32_t>(pairs.size());
  return labels;
}

std::string_view Labels::get(std::string_view name) const {
  for (const auto& [known, value] : pairs())
    if (known == name) return value;
  return {};
}

void Labels::set(std::string_view name, std::string_view value) {
  std::vector<Pair> all;
  for (const auto& [known, old] : pairs())
    if (known != name) all.emplace_back(known, old);
  all.emplace_back(name, value);
  *this = from_pairs(std::move(all));
}

std::string Labels::to_string() const {
  std::string out = "{";
  for (const auto& [name, value] : pairs()) {
    if (out.size() > 1) out += ", ";
    out += name;
    out += '=';
    append_go_quoted(value, &out);
  }
  out += '}';
  return out;
}

void Labels::encode(std::string* out) const {
  ByteWriter(out).varint(size_);
  out->append(bytes_);
}

Result<Labels> Labels::decode(ByteReader* in) {
  Labels labels;
  const uint64_t n = in->count(3);
  ByteWriter w(&labels.bytes_);
  std::string_view before;
  for (uint64_t i = 0; i < n; ++i) {
    const std::string_view name = in->string();
    const std::string_view value = in->string();
    TRY(in->status("labels"));
    if (value.empty() || (i > 0 && before >= name)) {
      return Error::corrupt(fmt::format("labels: '{}' is out of order, repeated or empty", name));
    }
    w.string(name);
    w.string(value);
    before = name;
  }
  TRY(in->status("labels"));
  labels.bytes_.shrink_to_fit();
  labels.size_ = static_cast<uint32_t>(n);
  return labels;
}

}  // namespace cordwood
