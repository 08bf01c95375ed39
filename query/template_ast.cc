// SPDX-License-Identifier: Apache-2.0
#include "query/template_ast.h"

namespace cordwood::query {

namespace {

std::string dotted(const std::vector<std::string>& names, size_t from) {
  std::string out;
  for (size_t i = from; i < names.size(); ++i) out += "." + names[i];
  return out;
}

std::string joined(const std::vector<TemplateNodePtr>& nodes, std::string_view separator) {
  std::string out;
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (i > 0) out += separator;
    const bool nested = nodes[i]->type == TemplateNodeType::pipe;
    out += nested ? "(" + nodes[i]->to_string() + ")" : nodes[i]->to_string();
  }
  return out;
}

std::string pipe_text(const TemplateNode& pipe) {
  std::string out;
  for (size_t i = 0; i < pipe.declared.size(); ++i) {
    if (i > 0) out += ", ";
    out += pipe.declared[i];
  }
  if (!pipe.declared.empty()) out += pipe.assigns ? " = " : " := ";
  return out + joined(pipe.children, " | ");
}

std::string block_text(std::string_view keyword, const TemplateNode& node) {
  std::string out = "{{" + std::string(keyword) + " " + node.pipe->to_string() + "}}" + node.body->to_string();
  if (node.otherwise) out += "{{else}}" + node.otherwise->to_string();
  return out + "{{end}}";
}

}  // namespace

std::string TemplateNode::to_string() const {
  switch (type) {
    case TemplateNodeType::list: return joined(children, "");
    case TemplateNodeType::text: return text;
    case TemplateNodeType::action: return "{{" + pipe->to_string() + "}}";
    case TemplateNodeType::pipe: return pipe_text(*this);
    case TemplateNodeType::command: return joined(children, " ");
    case TemplateNodeType::identifier:
    case TemplateNodeType::number: return text;
    case TemplateNodeType::variable: return names[0] + dotted(names, 1);
    case TemplateNodeType::dot: return ".";
    case TemplateNodeType::nil: return "nil";
    case TemplateNodeType::field: return dotted(names, 0);
    case TemplateNodeType::chain: return joined(children, "") + dotted(names, 0);
    case TemplateNodeType::boolean: return truth ? "true" : "false";
    case TemplateNodeType::string: return quoted;
    case TemplateNodeType::if_block: return block_text("if", *this);
    case TemplateNodeType::range_block: return block_text("range", *this);
    case TemplateNodeType::with_block: return block_text("with", *this);
    case TemplateNodeType::call: return "{{template " + quoted + (pipe ? " " + pipe->to_string() : "") + "}}";
    case TemplateNodeType::break_loop: return "{{break}}";
    case TemplateNodeType::continue_loop: return "{{continue}}";
  }
  return "";
}

}  // namespace cordwood::query
