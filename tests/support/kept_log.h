// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "storage/base/logger.h"

namespace cordwood {

/// Keeps what is logged.
class KeptLog final : public Logger {
 public:
  void write(LogLevel, std::string_view line) override { lines += std::string(line) + "\n"; }
  bool enabled(LogLevel) const override { return true; }
  size_t count(const std::string& text) const {
    size_t n = 0;
    for (size_t at = lines.find(text); at != std::string::npos; at = lines.find(text, at + 1)) ++n;
    return n;
  }
  std::string lines;
};

}  // namespace cordwood
