// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "query/template_ast.h"
#include "query/template_functions.h"
#include "query/template_value.h"
#include "storage/base/result.h"

namespace cordwood::query {

/// What a template is filled from.
struct TemplateInput {
  std::string_view line;
  int64_t time_ns = 0;  ///< of the entry
  int64_t now_ns = 0;
  const TemplateLabels* labels = nullptr;
  const ZoneSource* zones = nullptr;  ///< may be null: zones other than UTC count as UTC
};

/// A Go text/template as line_format and label_format use it.  Keeps scratch memory: one thread at a time.
class Template {
 public:
  /// `name` is "line" or "label"; it stands in messages.  Error: `template: line:1: function "x" not defined`, ….
  static Result<Template> parse(std::string_view name, std::string_view text);

  /// Replaces *out; false, with *error as Go words it (`template: line:1:3: executing "line" at <…>: …`), when it
  /// fails.  *out is of no use then.
  bool execute(const TemplateInput& input, std::string* out, std::string* error);

  /// The label's name when the whole template is one bare field, `{{.x}}`; else null.
  const std::string* single_field() const;
  /// The needle when the whole template is `{{contains "needle" __line__}}`; else null.
  const std::string* line_contains() const;

 private:
  /// The command when the template is one action of one command; else null.
  const TemplateNode* single_command() const;

  std::string name_;
  std::shared_ptr<const TemplateTreeSet> trees_;
  std::unique_ptr<TemplateArena> arena_;
  std::map<std::string, std::shared_ptr<const re2::RE2>, std::less<>> regexes_;
};

}  // namespace cordwood::query
