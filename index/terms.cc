// SPDX-License-Identifier: Apache-2.0
#include "index/terms.h"

#include "storage/base/checksum.h"
#include "storage/base/coding.h"

namespace cordwood::index {

namespace {

// Terms hold at most 245 bytes, where each zero byte counts twice.
constexpr size_t kHashBytes = 16;

void append_hash(const Hash128& h, std::string* out) {
  ByteWriter w(out);
  w.u64(h.high);
  w.u64(h.low);
}

/// Zero bytes double in the database: a value full of them is hashed early.
size_t stored_size(std::string_view value) {
  size_t size = value.size();
  for (const char c : value) size += c == '\0' ? 1 : 0;
  return size;
}

bool is_whole(std::string_view value) {
  return stored_size(value) <= kMaxValueBytes && value.find('\0') == std::string_view::npos;
}

}  // namespace

std::string tenant_term(uint64_t tenant) {
  std::string term = "T";
  ByteWriter(&term).varint(tenant);
  return term;
}

std::string stream_term(uint64_t tenant, const StreamId& id) {
  std::string term = "Q";
  ByteWriter(&term).varint(tenant);
  append_hash(id, &term);
  return term;
}

std::string label_prefix(uint64_t tenant, uint64_t label) {
  std::string term = "L";
  ByteWriter w(&term);
  w.varint(tenant);
  w.varint(label);
  return term;
}

std::string label_term(uint64_t tenant, uint64_t label, std::string_view value) {
  std::string term = label_prefix(tenant, label);
  if (is_whole(value)) {
    term += value;
    return term;
  }
  const std::string_view head = value.substr(0, std::min(value.find('\0'), kMaxValueBytes));
  term += head;
  term += '\0';
  append_hash(xxh3_128(value), &term);
  return term;
}

std::string_view value_of_term(std::string_view term, std::string_view prefix, bool* whole) {
  const std::string_view value = term.substr(prefix.size());
  const size_t zero = value.find('\0');
  *whole = zero == std::string_view::npos;
  CHECK(*whole || value.size() == zero + 1 + kHashBytes, "term with a tail of {} bytes", value.size() - zero);
  return value.substr(0, zero);
}

std::string tenant_key(std::string_view tenant) {
  return "tenant:" + std::string(tenant);
}
std::string label_key(std::string_view label) {
  return "label:" + std::string(label);
}

}  // namespace cordwood::index
