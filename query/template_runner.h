// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "query/template_ast.h"
#include "query/template_functions.h"

namespace cordwood::query {

/// Runs the tree of a template over one line.
class TemplateRunner {
 public:
  TemplateRunner(std::string_view name, const TemplateTreeSet& trees, TemplateCall* call, std::string* out)
      : name_(name), running_(name), trees_(trees), call_(*call), out_(*out) {}

  /// False, with error(), when it fails.
  bool run(const TemplateValue& dot);
  const std::string& error() const { return error_; }

 private:
  enum class Flow : unsigned char { go_on, failed, break_loop, continue_loop };
  using Operands = const std::vector<TemplateNodePtr>*;

  // ---- statements
  Flow walk(const TemplateNode& node, const TemplateValue& dot);
  Flow walk_node(const TemplateNode& node, const TemplateValue& dot);
  Flow walk_condition(const TemplateNode& node, const TemplateValue& dot);
  Flow walk_range(const TemplateNode& node, const TemplateValue& dot);
  Flow one_round(const TemplateNode& node, const TemplateValue& index, const TemplateValue& element);
  Flow walk_call(const TemplateNode& node, const TemplateValue& dot);

  // ---- expressions; false when they failed.  `last` is the value piped in, or null; `operands` are those of the
  // command, its first word included, or null.
  bool pipeline(const TemplateNode& pipe, const TemplateValue& dot, TemplateValue* out);
  bool command(const TemplateNode& node, const TemplateValue& dot, const TemplateValue* last, TemplateValue* out);
  bool literal(const TemplateNode& node, TemplateValue* out);
  bool fields(const TemplateNode& node, const std::vector<std::string>& names, size_t from, const TemplateValue& base,
              bool has_operands, TemplateValue* out);
  bool field(const std::string& name, const TemplateValue& receiver, bool has_operands, TemplateValue* out);
  bool variable(const TemplateNode& node, bool has_operands, TemplateValue* out);
  bool chain(const TemplateNode& node, const TemplateValue& dot, bool has_operands, TemplateValue* out);
  bool function(const TemplateNode& name, const TemplateNode& quoted, Operands operands, const TemplateValue& dot,
                const TemplateValue* last, TemplateValue* out);
  bool short_circuit(const TemplateNode& name, Operands operands, const TemplateValue& dot, const TemplateValue* last,
                     TemplateValue* out);
  bool argument(const TemplateNode& node, ParameterType type, const TemplateValue& dot, TemplateValue* out);
  bool typed_literal(const TemplateNode& node, ParameterType type, TemplateValue* out);
  bool check_type(const TemplateValue& value, ParameterType type);

  bool fail(std::string_view message);
  TemplateValue* find_variable(std::string_view name);
  bool spend();  ///< counts a step; false when there were too many

  std::string_view name_;
  std::string_view running_;  ///< the template at hand: name_, or that of a `define`
  const TemplateTreeSet& trees_;
  TemplateCall& call_;
  std::string& out_;
  std::string error_;
  const TemplateNode* at_ = nullptr;  ///< what an error would quote
  std::vector<std::pair<std::string_view, TemplateValue>> variables_;
  size_t steps_ = 0;
  int depth_ = 0;
};

}  // namespace cordwood::query
