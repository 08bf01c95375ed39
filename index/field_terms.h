// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/block_entry.h"

namespace cordwood::index {

/// The only place that knows how the database of a segment's Xapian part is spelled.  Document n + 1 is block n; fields
/// are numbers, their places in the list that kFieldsKey names.
///   V field : value   the block holds the value in the field
///   U field           the block has the field and does not list its values
///   R field : range   likewise, but all are numbers from the first to the second of two doubles, 8 bytes each
///   W word            a template of the block has the word
inline constexpr std::string_view kUndescribedTerm = "Bu";      ///< nothing is known of the block
inline constexpr std::string_view kPackedMetadataTerm = "Bm";   ///< it has metadata that are no fields
inline constexpr std::string_view kJsonElsewhereTerm = "Bj";    ///< json may find fields in lines of other forms
inline constexpr std::string_view kLogfmtElsewhereTerm = "Bl";  ///< logfmt likewise
inline constexpr std::string_view kFieldsKey = "fields";

std::string value_prefix(uint32_t field);
std::string value_term(uint32_t field, std::string_view value);
std::string unlisted_term(uint32_t field);
std::string range_prefix(uint32_t field);
std::string range_term(uint32_t field, ColumnMeta::Range range);
/// What follows the prefix; nothing when it is no range.
std::optional<ColumnMeta::Range> decode_range(std::string_view bytes);
std::string word_term(std::string_view word);

struct SegmentField {
  ColumnSource source = ColumnSource::metadata;
  std::vector<std::string> path;
  auto operator<=>(const SegmentField&) const = default;
};
std::string encode_fields(const std::vector<SegmentField>& fields);
Result<std::vector<SegmentField>> decode_fields(std::string_view bytes);

}  // namespace cordwood::index
