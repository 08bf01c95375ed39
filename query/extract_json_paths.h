// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "query/field_sink.h"
#include "query/json_walk.h"
#include "query/logql_ast.h"
#include "storage/base/result.h"

namespace cordwood::query {

/// One step of a path into a JSON value: a member of an object, or an element of an array.
struct JsonStep {
  bool is_index = false;
  size_t index = 0;
  std::string key;
};

/// `a.b["c d"][0]`.  Error: `syntax error: unexpected RSB, expecting STRING or INDEX`, ….
Result<std::vector<JsonStep>> parse_json_path(std::string_view expression);

/// The `json` stage with expressions.  Keeps scratch memory: one thread at a time.
class JsonPathExtractor {
 public:
  /// Error: `cannot parse expression [user[]: …`.
  static Result<JsonPathExtractor> make(const std::vector<ExtractionExpr>& expressions);

  /// Gives what is found, first match for each expression, named as in the expression.  Strings are decoded; numbers,
  /// booleans, arrays and objects are raw text; null is empty.  Error: JSONParserErr.  Unless `*looked` comes back
  /// false (an empty line, or one that cannot be JSON) the stage sets the names that the line still lacks to "".
  ExtractOutcome extract(std::string_view line, FieldSink* sink, bool* looked);
  /// Whether a path leads to an element of an array.
  bool enters_arrays() const;

 private:
  struct Path {
    std::string name;
    std::vector<JsonStep> steps;
    bool matched = false;
  };
  struct Walk;

  void give(Path* path, std::string_view data, size_t at, Walk* walk);
  bool on_string(Walk* walk);
  bool on_key(std::string_view key, Walk* walk);
  bool on_array(Walk* walk);
  bool follows(const Path& path, size_t levels) const;

  std::vector<Path> paths_;
  size_t longest_ = 0;
  std::vector<std::string> trail_;  ///< keys that lead to where the walk is
  std::string key_;
  std::string value_;
};

}  // namespace cordwood::query
