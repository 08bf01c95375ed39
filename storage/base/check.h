// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/core.h>

#include <string>

namespace cordwood {

/// Prints the message with the place it comes from and ends the process.  For our own bugs only: whatever the
/// world can do to us is a Result.
[[noreturn]] void check_failed(const char* file, int line, const char* condition, const std::string& message);

}  // namespace cordwood

/// Ends the process when `condition` does not hold, in release builds too.  Further arguments are a format
/// string and its values; say what was got and what the limit is.
#define CHECK(condition, ...)                                                                  \
  do {                                                                                         \
    if (!(condition)) [[unlikely]]                                                             \
      ::cordwood::check_failed(__FILE__, __LINE__, #condition, ::fmt::format("" __VA_ARGS__)); \
  } while (false)
