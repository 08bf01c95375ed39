// SPDX-License-Identifier: Apache-2.0
#include "query/template_runner.h"

#include <fmt/format.h>

#include <algorithm>

#include "storage/model/labels.h"

namespace cordwood::query {

namespace {

constexpr size_t kMaxTemplateSteps = 1000000;
constexpr int kMaxCallDepth = 100;

std::string_view type_name(ParameterType type) {
  switch (type) {
    case ParameterType::any: return "interface {}";
    case ParameterType::string: return "string";
    case ParameterType::integer: return "int";
    case ParameterType::real: return "float64";
    case ParameterType::time: return "time.Time";
  }
  return "";
}

ParameterType parameter_type(const TemplateFunction& function, size_t index) {
  return index < function.fixed ? function.parameters[index] : function.rest;
}

}  // namespace

bool TemplateRunner::fail(std::string_view message) {
  const TemplateNode& node = *at_;
  const std::string_view before = std::string_view(trees_.text).substr(0, node.position);
  const size_t newline = before.rfind('\n');
  const size_t column = newline == std::string_view::npos ? before.size() : before.size() - newline - 1;
  std::string running;
  append_go_quoted(running_, &running);
  error_ = fmt::format("template: {}:{}:{}: executing {} at <{}>: {}", name_, node.line, column, running,
                       node.to_string(), message);
  return false;
}

bool TemplateRunner::spend() {
  if (++steps_ > kMaxTemplateSteps || out_.size() > TemplateArena::kMaxBytes) return fail("result too large");
  return true;
}

TemplateValue* TemplateRunner::find_variable(std::string_view name) {
  for (auto i = variables_.rbegin(); i != variables_.rend(); ++i) {
    if (i->first == name) return &i->second;
  }
  return nullptr;
}

bool TemplateRunner::run(const TemplateValue& dot) {
  at_ = trees_.root.get();
  variables_.emplace_back("$", dot);
  return walk(*trees_.root, dot) != Flow::failed;
}

TemplateRunner::Flow TemplateRunner::walk(const TemplateNode& node, const TemplateValue& dot) {
  for (const TemplateNodePtr& child : node.children) {
    if (const Flow flow = walk_node(*child, dot); flow != Flow::go_on) return flow;
  }
  return Flow::go_on;
}

TemplateRunner::Flow TemplateRunner::walk_node(const TemplateNode& node, const TemplateValue& dot) {
  at_ = &node;
  if (!spend()) return Flow::failed;
  switch (node.type) {
    case TemplateNodeType::text: out_ += node.text; return Flow::go_on;
    case TemplateNodeType::action: {
      TemplateValue value;
      if (!pipeline(*node.pipe, dot, &value)) return Flow::failed;
      if (node.pipe->declared.empty()) append_template_text(value, &out_);
      return Flow::go_on;
    }
    case TemplateNodeType::if_block:
    case TemplateNodeType::with_block: return walk_condition(node, dot);
    case TemplateNodeType::range_block: return walk_range(node, dot);
    case TemplateNodeType::call: return walk_call(node, dot);
    case TemplateNodeType::break_loop: return Flow::break_loop;
    case TemplateNodeType::continue_loop: return Flow::continue_loop;
    default: return Flow::go_on;
  }
}

TemplateRunner::Flow TemplateRunner::walk_condition(const TemplateNode& node, const TemplateValue& dot) {
  const size_t mark = variables_.size();
  TemplateValue value;
  if (!pipeline(*node.pipe, dot, &value)) return Flow::failed;
  Flow flow = Flow::go_on;
  if (is_true(value)) {
    flow = walk(*node.body, node.type == TemplateNodeType::with_block ? value : dot);
  } else if (node.otherwise) {
    flow = walk(*node.otherwise, dot);
  }
  variables_.resize(mark);
  return flow;
}

TemplateRunner::Flow TemplateRunner::one_round(const TemplateNode& node, const TemplateValue& index,
                                               const TemplateValue& element) {
  const std::vector<std::string>& declared = node.pipe->declared;
  if (!declared.empty()) {
    // The element belongs to the last variable, the index to the first of two.
    if (TemplateValue* known = find_variable(declared.back())) *known = element;
    if (TemplateValue* known = find_variable(declared.front()); known != nullptr && declared.size() > 1) *known = index;
  }
  const size_t mark = variables_.size();
  const Flow flow = walk(*node.body, element);
  variables_.resize(mark);
  return flow == Flow::continue_loop ? Flow::go_on : flow;
}

TemplateRunner::Flow TemplateRunner::walk_range(const TemplateNode& node, const TemplateValue& dot) {
  const size_t mark = variables_.size();
  TemplateValue value;
  if (!pipeline(*node.pipe, dot, &value)) return Flow::failed;
  Flow flow = Flow::go_on;
  size_t rounds = 0;
  switch (value.kind) {
    case ValueKind::none: break;
    case ValueKind::list:
      for (; rounds < value.tree->items.size() && flow == Flow::go_on; ++rounds) {
        flow = one_round(node, TemplateValue::of_int(static_cast<int64_t>(rounds)), value.tree->items[rounds]);
      }
      break;
    case ValueKind::map:
      for (; rounds < value.tree->members.size() && flow == Flow::go_on; ++rounds) {
        const auto& [name, member] = value.tree->members[rounds];
        flow = one_round(node, TemplateValue::of_string(name), member);
      }
      break;
    case ValueKind::labels: {
      std::vector<std::pair<std::string_view, std::string_view>> all;
      value.labels->list(&all);
      std::sort(all.begin(), all.end());
      for (; rounds < all.size() && flow == Flow::go_on; ++rounds) {
        flow =
            one_round(node, TemplateValue::of_string(all[rounds].first), TemplateValue::of_string(all[rounds].second));
      }
      break;
    }
    case ValueKind::integer:
    case ValueKind::integer64:
      for (; static_cast<int64_t>(rounds) < value.integer && flow == Flow::go_on; ++rounds) {
        at_ = &node;
        if (!spend()) return Flow::failed;
        const TemplateValue index = TemplateValue::of_int(static_cast<int64_t>(rounds), value.kind);
        flow = one_round(node, index, index);
      }
      break;
    default: {
      at_ = &node;
      std::string text;
      append_default_text(value, &text);
      fail("range can't iterate over " + text);
      return Flow::failed;
    }
  }
  if (rounds == 0 && node.otherwise) flow = walk(*node.otherwise, dot);
  variables_.resize(mark);
  return flow == Flow::break_loop ? Flow::go_on : flow;
}

TemplateRunner::Flow TemplateRunner::walk_call(const TemplateNode& node, const TemplateValue& dot) {
  const auto found = trees_.defined.find(node.text);
  if (found == trees_.defined.end()) {
    fail(fmt::format("template {} not defined", node.quoted));
    return Flow::failed;
  }
  if (depth_ >= kMaxCallDepth) {
    fail(fmt::format("exceeded maximum template depth ({})", kMaxCallDepth));
    return Flow::failed;
  }
  TemplateValue value;
  if (node.pipe && !pipeline(*node.pipe, dot, &value)) return Flow::failed;
  auto outer = std::exchange(variables_, {{"$", value}});
  const std::string_view outer_name = std::exchange(running_, node.text);
  ++depth_;
  const Flow flow = walk(*found->second, value);
  --depth_;
  running_ = outer_name;
  variables_ = std::move(outer);
  return flow;
}

bool TemplateRunner::pipeline(const TemplateNode& pipe, const TemplateValue& dot, TemplateValue* out) {
  at_ = &pipe;
  if (!spend()) return false;
  const TemplateValue* last = nullptr;
  TemplateValue value;
  for (const TemplateNodePtr& cmd : pipe.children) {
    TemplateValue result;
    if (!command(*cmd, dot, last, &result)) return false;
    value = result;
    last = &value;
  }
  for (const std::string& name : pipe.declared) {
    if (pipe.assigns) {
      TemplateValue* known = find_variable(name);
      if (known == nullptr) return fail(fmt::format("undefined variable: {}", name));
      *known = value;
    } else {
      variables_.emplace_back(name, value);
    }
  }
  *out = value;
  return true;
}

bool TemplateRunner::command(const TemplateNode& node, const TemplateValue& dot, const TemplateValue* last,
                             TemplateValue* out) {
  const TemplateNode& first = *node.children[0];
  const bool has_operands = node.children.size() > 1 || last != nullptr;
  switch (first.type) {
    case TemplateNodeType::field: at_ = &first; return fields(first, first.names, 0, dot, has_operands, out);
    case TemplateNodeType::chain: return chain(first, dot, has_operands, out);
    case TemplateNodeType::identifier: return function(first, node, &node.children, dot, last, out);
    case TemplateNodeType::variable: return variable(first, has_operands, out);
    case TemplateNodeType::pipe:
      if (has_operands) return fail(fmt::format("can't give argument to non-function {}", first.to_string()));
      return pipeline(first, dot, out);
    default: break;
  }
  at_ = &first;
  if (has_operands) return fail(fmt::format("can't give argument to non-function {}", first.to_string()));
  if (first.type == TemplateNodeType::dot) {
    *out = dot;
    return true;
  }
  if (first.type == TemplateNodeType::nil) return fail("nil is not a command");
  return literal(first, out);
}

bool TemplateRunner::literal(const TemplateNode& node, TemplateValue* out) {
  switch (node.type) {
    case TemplateNodeType::boolean: *out = TemplateValue::of_bool(node.truth); return true;
    case TemplateNodeType::string: *out = TemplateValue::of_string(node.text); return true;
    case TemplateNodeType::number: {
      const bool looks_real = !node.is_character && node.text.find_first_of(".eEpP") != std::string::npos &&
                              !(node.text.starts_with("0x") || node.text.starts_with("0X"));
      *out = node.is_real && (looks_real || !node.is_integer) ? TemplateValue::of_real(node.real)
                                                              : TemplateValue::of_int(node.integer);
      // A character is an int32, whose kind prints like an int.
      return true;
    }
    default: return fail(fmt::format("can't evaluate command {}", node.to_string()));
  }
}

bool TemplateRunner::fields(const TemplateNode& node, const std::vector<std::string>& names, size_t from,
                            const TemplateValue& base, bool has_operands, TemplateValue* out) {
  TemplateValue value = base;
  for (size_t i = from; i < names.size(); ++i) {
    at_ = &node;
    TemplateValue next;
    if (!field(names[i], value, has_operands && i + 1 == names.size(), &next)) return false;
    value = next;
  }
  *out = value;
  return true;
}

bool TemplateRunner::field(const std::string& name, const TemplateValue& receiver, bool has_operands,
                           TemplateValue* out) {
  switch (receiver.kind) {
    case ValueKind::none: *out = {}; return true;
    case ValueKind::labels:
    case ValueKind::map: break;
    default: return fail(fmt::format("can't evaluate field {} in type {}", name, go_type_name(receiver)));
  }
  if (has_operands) return fail(fmt::format("{} is not a method but has arguments", name));
  if (receiver.kind == ValueKind::labels) {
    *out = TemplateValue::of_string(receiver.labels->find(name).value_or(std::string_view()));
    return true;
  }
  *out = {};
  for (const auto& [member_name, member] : receiver.tree->members) {
    if (member_name == name) *out = member;
  }
  return true;
}

bool TemplateRunner::variable(const TemplateNode& node, bool has_operands, TemplateValue* out) {
  at_ = &node;
  const TemplateValue* value = find_variable(node.names[0]);
  if (value == nullptr) return fail(fmt::format("undefined variable: {}", node.names[0]));
  if (node.names.size() > 1) return fields(node, node.names, 1, *value, has_operands, out);
  if (has_operands) return fail(fmt::format("can't give argument to non-function {}", node.to_string()));
  *out = *value;
  return true;
}

bool TemplateRunner::chain(const TemplateNode& node, const TemplateValue& dot, bool has_operands, TemplateValue* out) {
  at_ = &node;
  TemplateValue base;
  if (!argument(*node.children[0], ParameterType::any, dot, &base)) return false;
  return fields(node, node.names, 0, base, has_operands, out);
}

bool TemplateRunner::short_circuit(const TemplateNode& name, Operands operands, const TemplateValue& dot,
                                   const TemplateValue* last, TemplateValue* out) {
  const bool stop_at = name.text == "or";
  for (size_t i = 1; operands != nullptr && i < operands->size(); ++i) {
    if (!argument(*(*operands)[i], ParameterType::any, dot, out)) return false;
    if (is_true(*out) == stop_at) return true;
  }
  if (last != nullptr) *out = *last;
  return true;
}

bool TemplateRunner::function(const TemplateNode& name, const TemplateNode& quoted, Operands operands,
                              const TemplateValue& dot, const TemplateValue* last, TemplateValue* out) {
  at_ = &name;
  if (!spend()) return false;
  const TemplateFunction& function = *name.function;
  const size_t written = operands == nullptr ? 0 : operands->size() - 1;
  const size_t count = written + (last != nullptr ? 1 : 0);
  if (function.variadic ? count < function.fixed : count != function.fixed) {
    return fail(fmt::format("wrong number of args for {}: want {}{} got {}", name.text,
                            function.variadic ? "at least " : "", function.fixed, function.variadic ? written : count));
  }
  if (name.text == "and" || name.text == "or") return short_circuit(name, operands, dot, last, out);
  constexpr size_t kInline = 6;
  TemplateValue inline_arguments[kInline];
  std::vector<TemplateValue> many;
  TemplateValue* arguments = inline_arguments;
  if (count > kInline) {
    many.resize(count);
    arguments = many.data();
  }
  for (size_t i = 0; i < written; ++i) {
    if (!argument(*(*operands)[i + 1], parameter_type(function, i), dot, &arguments[i])) return false;
  }
  if (last != nullptr) {
    if (!check_type(*last, parameter_type(function, written))) return false;
    arguments[written] = *last;
  }
  if (function.run(&call_, arguments, count, out)) return true;
  at_ = &quoted;
  return fail(fmt::format("error calling {}: {}", name.text, call_.error));
}

bool TemplateRunner::check_type(const TemplateValue& value, ParameterType type) {
  if (type == ParameterType::any) return true;
  if (value.kind == ValueKind::none) return fail(fmt::format("invalid value; expected {}", type_name(type)));
  const bool fits = (type == ParameterType::string && value.kind == ValueKind::string) ||
                    (type == ParameterType::integer && value.kind == ValueKind::integer) ||
                    (type == ParameterType::real && value.kind == ValueKind::real) ||
                    (type == ParameterType::time && value.kind == ValueKind::time);
  if (fits) return true;
  return fail(fmt::format("wrong type for value; expected {}; got {}", type_name(type), go_type_name(value)));
}

bool TemplateRunner::argument(const TemplateNode& node, ParameterType type, const TemplateValue& dot,
                              TemplateValue* out) {
  at_ = &node;
  switch (node.type) {
    case TemplateNodeType::dot: *out = dot; return check_type(dot, type);
    case TemplateNodeType::nil:
      *out = {};
      return type == ParameterType::any || fail(fmt::format("cannot assign nil to {}", type_name(type)));
    case TemplateNodeType::field: return fields(node, node.names, 0, dot, false, out) && check_type(*out, type);
    case TemplateNodeType::variable: return variable(node, false, out) && check_type(*out, type);
    case TemplateNodeType::pipe: return pipeline(node, dot, out) && check_type(*out, type);
    case TemplateNodeType::identifier:
      return function(node, node, nullptr, dot, nullptr, out) && check_type(*out, type);
    case TemplateNodeType::chain: return chain(node, dot, false, out) && check_type(*out, type);
    default: return typed_literal(node, type, out);
  }
}

bool TemplateRunner::typed_literal(const TemplateNode& node, ParameterType type, TemplateValue* out) {
  switch (type) {
    case ParameterType::any: return literal(node, out);
    case ParameterType::string:
      if (node.type != TemplateNodeType::string)
        return fail(fmt::format("expected string; found {}", node.to_string()));
      return literal(node, out);
    case ParameterType::integer:
      if (node.type != TemplateNodeType::number || !node.is_integer) {
        return fail(fmt::format("expected integer; found {}", node.to_string()));
      }
      *out = TemplateValue::of_int(node.integer);
      return true;
    case ParameterType::real:
      if (node.type != TemplateNodeType::number || !node.is_real) {
        return fail(fmt::format("expected float; found {}", node.to_string()));
      }
      *out = TemplateValue::of_real(node.real);
      return true;
    case ParameterType::time: break;
  }
  return fail(fmt::format("can't handle {} for arg of type {}", node.to_string(), type_name(type)));
}

}  // namespace cordwood::query
