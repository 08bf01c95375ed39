// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/id_table.h"

namespace cordwood {

class ByteReader;

/// What the catalog says of a common id table: one for several segments, of a tenant's day that is over, so that one
/// read tells which of their blocks hold an id.  It is an object of its own and belongs to these very segments: with
/// the first of them it goes.
struct DayIdsMeta {
  struct Part {
    std::string segment;  ///< its key
    uint32_t blocks = 0;  ///< in the table they are numbered through all parts
    bool operator==(const Part&) const = default;
  };
  std::string key;
  uint64_t size_bytes = 0;
  IdTableShape shape;
  std::vector<Part> parts;

  /// Where the table goes: unique per attempt.
  static std::string make_key(const std::string& node, uint64_t catalog_version, uint64_t attempt);
  /// Whether an object is one, by its name.
  static bool is_key(std::string_view key) { return key.ends_with(".ids"); }
  void encode(std::string* out) const;
  static Result<DayIdsMeta> decode(ByteReader* in);
};

/// Begins the object; the buckets follow.
inline constexpr std::string_view kDayIdsMagic = "CWDI";
inline constexpr size_t kDayIdsHeaderBytes = 20;
std::string day_ids_header();

}  // namespace cordwood
