// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "query/go_time.h"
#include "storage/base/result.h"

namespace cordwood::query {

/// A zone of the IANA database, read from a TZif file.  Years behind the last transition keep its last rule, except
/// that the POSIX rule in the file's footer is not read.  Immutable.
class TimeZone {
 public:
  /// The bytes of a file of /usr/share/zoneinfo.  Error: corrupt.
  static Result<TimeZone> parse(std::string_view tzif);

  /// Sets zone and offset for the instant.
  void apply(GoTime* time) const;
  /// The instant at which clocks of the zone show this; `civil_seconds` as if it were UTC.
  GoTime from_civil(int64_t civil_seconds, int32_t nanos) const;

 private:
  struct Kind {
    int32_t offset_seconds = 0;
    std::string name;
  };
  const Kind& kind_at(int64_t unix_seconds) const;

  std::vector<int64_t> transitions_;
  std::vector<uint8_t> kind_of_;  ///< after each transition
  std::vector<Kind> kinds_;       ///< at least one; the first holds before all transitions
};

}  // namespace cordwood::query
