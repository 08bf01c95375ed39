// SPDX-License-Identifier: Apache-2.0
#include "query/template.h"

#include "query/template_parser.h"
#include "query/template_runner.h"

namespace cordwood::query {

Result<Template> Template::parse(std::string_view name, std::string_view text) {
  TRY_ASSIGN(TemplateTreeSet trees, parse_template(name, text));
  Template parsed;
  parsed.name_ = name;
  parsed.trees_ = std::make_shared<const TemplateTreeSet>(std::move(trees));
  parsed.arena_ = std::make_unique<TemplateArena>();
  return parsed;
}

bool Template::execute(const TemplateInput& input, std::string* out, std::string* error) {
  out->clear();
  arena_->reset();
  TemplateCall call;
  call.arena = arena_.get();
  call.line = input.line;
  call.time_ns = input.time_ns;
  call.now_ns = input.now_ns;
  call.zones = input.zones;
  call.regexes = &regexes_;
  TemplateRunner runner(name_, *trees_, &call, out);
  if (runner.run(TemplateValue::of_labels(input.labels))) return true;
  *error = runner.error();
  return false;
}

const TemplateNode* Template::single_command() const {
  const TemplateNode& root = *trees_->root;
  if (root.children.size() != 1 || root.children[0]->type != TemplateNodeType::action) return nullptr;
  const TemplateNode& pipe = *root.children[0]->pipe;
  return pipe.children.size() == 1 && pipe.declared.empty() ? pipe.children[0].get() : nullptr;
}

const std::string* Template::single_field() const {
  const TemplateNode* command = single_command();
  if (command == nullptr || command->children.size() != 1) return nullptr;
  const TemplateNode& operand = *command->children[0];
  return operand.type == TemplateNodeType::field && operand.names.size() == 1 ? &operand.names[0] : nullptr;
}

const std::string* Template::line_contains() const {
  const TemplateNode* command = single_command();
  if (command == nullptr || command->children.size() != 3) return nullptr;
  const TemplateNode& function = *command->children[0];
  const TemplateNode& needle = *command->children[1];
  const TemplateNode& text = *command->children[2];
  const bool matches = function.type == TemplateNodeType::identifier && function.text == "contains" &&
                       needle.type == TemplateNodeType::string && text.type == TemplateNodeType::identifier &&
                       text.text == "__line__";
  return matches ? &needle.text : nullptr;
}

}  // namespace cordwood::query
