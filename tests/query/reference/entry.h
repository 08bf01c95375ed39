// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

/// A second, naive answer to LogQL: plain loops over a plain list of entries, written from the rules of the language
/// and sharing nothing with the engine but the syntax tree.  What the engine answers is compared with it.
namespace cordwood::query::reference {

using LabelMap = std::map<std::string, std::string>;

/// What was pushed, in the order of the pushes; copies are left out.
struct Entry {
  LabelMap stream;
  int64_t time_ns = 0;
  std::string line;
  LabelMap metadata;
};

/// An entry on its way through a pipeline.
class Row {
 public:
  explicit Row(const Entry& from);
  /// Parsed labels hide metadata, metadata hides labels of the stream.
  std::optional<std::string> get(const std::string& name) const;
  void remove(const std::string& name);
  /// The name under which a parser sets `key`.
  std::string parsed_name(const std::string& key) const;
  /// All of them, the error with them.
  LabelMap labels() const;

  const Entry* entry;
  std::string line;
  LabelMap stream, metadata, parsed;
  std::set<std::string> extracted;  ///< every name a parser has set, removed since or not
  std::string error, details;
};

/// `{a="x", b="y"}`
std::string label_string(const LabelMap& labels);

}  // namespace cordwood::query::reference
