// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "query/field_sink.h"
#include "query/logql_ast.h"

namespace cordwood::query {

/// Reads `key=value key="va\"lue" bare` pair by pair.  Keeps scratch memory: one thread at a time.
class LogfmtReader {
 public:
  void reset(std::string_view line);
  bool at_end() const { return at_ >= line_.size(); }
  /// The next pair, or false: at the end, or because a pair is wrong, which is then stepped over and noted.
  bool next();
  std::string_view key() const { return key_; }
  std::string_view value() const { return value_; }  ///< decoded
  /// The last error, or empty: `logfmt syntax error at pos 8 : unexpected '='`.
  std::string error() const;

 private:
  bool read_value();
  bool read_quoted();
  bool refuse_byte(char byte);
  bool refuse(std::string_view why, char byte = '\0');

  std::string_view line_;
  size_t at_ = 0;
  std::string_view key_;
  std::string_view value_;
  std::string_view refused_;  ///< why, or empty
  char refused_byte_ = '\0';  ///< which was not expected, if that is why
  size_t refused_at_ = 0;
  std::string unquoted_;
};

/// The `logfmt` stage.  Keeps scratch memory: one thread at a time.
class LogfmtExtractor {
 public:
  explicit LogfmtExtractor(LogfmtStage stage) : stage_(std::move(stage)) {}

  /// Without expressions: every pair, names sanitized; empty values only with keep_empty.
  /// With expressions: for every pair whose sanitized key is wanted, the field of each expression that names it; the
  /// stage must set all names to "" before.  Error, only when strict: LogfmtParserErr.
  ExtractOutcome extract(std::string_view line, FieldSink* sink);

 private:
  bool on_pair(FieldSink* sink);

  LogfmtStage stage_;
  LogfmtReader reader_;
  std::string name_;
  std::string value_;
  std::string error_;
};

}  // namespace cordwood::query
