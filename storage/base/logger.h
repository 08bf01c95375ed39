// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/core.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

namespace cordwood {

enum class LogLevel : unsigned char { debug, info, warn, error };

/// One field of a log line; anything fmt can print.
struct LogField {
  template <typename T>
  LogField(std::string_view field, const T& value) : name(field), text(fmt::format("{}", value)) {}
  std::string_view name;
  std::string text;
};

/// Writes logfmt lines (`ts=… level=… msg="…" field=…`) to standard error.  Thread-safe; cheap to pass on.
class Logger {
 public:
  /// A logger that drops everything (tests, tools).
  static std::shared_ptr<Logger> silent();
  static std::shared_ptr<Logger> to_stderr(LogLevel level);

  virtual ~Logger() = default;
  virtual void write(LogLevel level, std::string_view line) = 0;
  virtual bool enabled(LogLevel level) const = 0;

  void log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {});
  void info(std::string_view m, std::initializer_list<LogField> f = {}) { log(LogLevel::info, m, f); }
  void warn(std::string_view m, std::initializer_list<LogField> f = {}) { log(LogLevel::warn, m, f); }
  void error(std::string_view m, std::initializer_list<LogField> f = {}) { log(LogLevel::error, m, f); }
  void debug(std::string_view m, std::initializer_list<LogField> f = {}) { log(LogLevel::debug, m, f); }
};

}  // namespace cordwood
