// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xapian.h>

#include <functional>
#include <string_view>
#include <vector>

#include "index/field_terms.h"

namespace cordwood::index {

/// The database of a segment's Xapian part, in memory.  One thread at a time.
struct TermsDatabase {
  Xapian::Database db;
  std::vector<SegmentField> fields;
  uint64_t bytes = 0;

  /// `part` may go after that.  Its checksum must have been compared: the library notices only some damage, other
  /// damage ends the process.  corrupt, io.
  static Result<TermsDatabase> open(std::string_view part);
};

/// Describes a part, line by line: fields and words, and in how many blocks they are.  Walks every posting.
Result<void> list_terms(std::string_view part, const std::function<void(std::string_view line)>& print);

}  // namespace cordwood::index
