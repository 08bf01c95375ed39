// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "storage/base/clock.h"

namespace cordwood::api {

struct LineTimeOptions {
  std::string pattern;     ///< of strptime, `%f` for a fraction of a second; looked for near the start of the line
  std::string json_field;  ///< `a.b` is b in the object a
  bool keep_ties = false;  ///< lines may have equal or earlier times than those before
};

/// Gives each line of a stream its time: what the line says, else the time of the line before, else now.
class LineTimes {
 public:
  LineTimes(LineTimeOptions options, Clock& clock);
  ~LineTimes();
  int64_t next(std::string_view line);

 private:
  struct JsonReader;
  std::optional<int64_t> from_pattern(std::string_view line);
  std::optional<int64_t> match_at(std::string_view line, size_t at) const;

  LineTimeOptions options_;
  Clock& clock_;
  int this_year_ = 1970;
  size_t found_at_ = 0;  ///< where the pattern matched last: the best guess for the next line
  std::optional<int64_t> last_ns_;
  std::unique_ptr<JsonReader> json_;
};

}  // namespace cordwood::api
