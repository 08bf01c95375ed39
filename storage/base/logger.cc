// SPDX-License-Identifier: Apache-2.0
#include "storage/base/logger.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace cordwood {

namespace {

bool needs_quotes(std::string_view text) {
  if (text.empty()) return true;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= ' ' || c == '"' || c == '=' || c == '\\') return true;
  }
  return false;
}

void append_value(std::string_view text, std::string* out) {
  if (!needs_quotes(text)) {
    out->append(text);
    return;
  }
  *out += '"';
  for (const char c : text) {
    switch (c) {
      case '"': *out += "\\\""; break;
      case '\\': *out += "\\\\"; break;
      case '\n': *out += "\\n"; break;
      case '\r': *out += "\\r"; break;
      case '\t': *out += "\\t"; break;
      default: *out += c;
    }
  }
  *out += '"';
}

class SilentLogger final : public Logger {
 public:
  void write(LogLevel, std::string_view) override {}
  bool enabled(LogLevel) const override { return false; }
};

class StderrLogger final : public Logger {
 public:
  explicit StderrLogger(LogLevel level)
      : level_(level), sink_("cordwood", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    sink_.set_pattern("ts=%Y-%m-%dT%H:%M:%S.%fZ level=%l %v", spdlog::pattern_time_type::utc);
    sink_.set_level(spdlog::level::debug);
  }
  void write(LogLevel level, std::string_view line) override { sink_.log(spdlog_level(level), line); }
  bool enabled(LogLevel level) const override { return level >= level_; }

 private:
  static spdlog::level::level_enum spdlog_level(LogLevel level) {
    switch (level) {
      case LogLevel::debug: return spdlog::level::debug;
      case LogLevel::info: return spdlog::level::info;
      case LogLevel::warn: return spdlog::level::warn;
      case LogLevel::error: return spdlog::level::err;
    }
    return spdlog::level::info;
  }
  LogLevel level_;
  spdlog::logger sink_;
};

}  // namespace

std::shared_ptr<Logger> Logger::silent() {
  return std::make_shared<SilentLogger>();
}
std::shared_ptr<Logger> Logger::to_stderr(LogLevel level) {
  return std::make_shared<StderrLogger>(level);
}

void Logger::log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  if (!enabled(level)) return;
  std::string line = "msg=";
  append_value(message, &line);
  for (const LogField& field : fields) {
    line += ' ';
    line.append(field.name);
    line += '=';
    append_value(field.text, &line);
  }
  write(level, line);
}

}  // namespace cordwood
