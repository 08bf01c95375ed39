// SPDX-License-Identifier: Apache-2.0
#include "index/field_terms.h"

#include <bit>

#include "storage/base/coding.h"

namespace cordwood::index {

std::string value_prefix(uint32_t field) {
  return fmt::format("V{}:", field);
}

std::string value_term(uint32_t field, std::string_view value) {
  std::string term = value_prefix(field);
  term += value;
  return term;
}

std::string unlisted_term(uint32_t field) {
  return fmt::format("U{}", field);
}

std::string range_prefix(uint32_t field) {
  return fmt::format("R{}:", field);
}

std::string range_term(uint32_t field, ColumnMeta::Range range) {
  std::string term = range_prefix(field);
  ByteWriter w(&term);
  w.u64(std::bit_cast<uint64_t>(range.min));
  w.u64(std::bit_cast<uint64_t>(range.max));
  return term;
}

std::optional<ColumnMeta::Range> decode_range(std::string_view bytes) {
  ByteReader in(bytes);
  ColumnMeta::Range range;
  range.min = std::bit_cast<double>(in.u64());
  range.max = std::bit_cast<double>(in.u64());
  return in.failed() || in.remaining() > 0 ? std::nullopt : std::optional(range);
}

std::string word_term(std::string_view word) {
  return "W" + std::string(word);
}

std::string encode_fields(const std::vector<SegmentField>& fields) {
  std::string out;
  ByteWriter w(&out);
  w.varint(fields.size());
  for (const SegmentField& field : fields) {
    w.u8(static_cast<uint8_t>(field.source));
    w.varint(field.path.size());
    for (const std::string& key : field.path) w.string(key);
  }
  return out;
}

Result<std::vector<SegmentField>> decode_fields(std::string_view bytes) {
  ByteReader in(bytes);
  std::vector<SegmentField> fields(in.count(2));
  for (SegmentField& field : fields) {
    const uint8_t source = in.u8();
    if (source >= kColumnSources) return Error::corrupt("xapian part: a field of no known source");
    field.source = static_cast<ColumnSource>(source);
    const uint64_t keys = in.count(1);
    for (uint64_t i = 0; i < keys; ++i) field.path.emplace_back(in.string());
  }
  TRY(in.finish("fields of a xapian part"));
  return fields;
}

}  // namespace cordwood::index
