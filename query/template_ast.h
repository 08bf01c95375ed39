// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace cordwood::query {

enum class TemplateNodeType : unsigned char {
  list,
  text,
  action,
  pipe,
  command,
  identifier,
  variable,
  dot,
  nil,
  field,
  chain,
  boolean,
  number,
  string,
  if_block,
  range_block,
  with_block,
  call,
  break_loop,
  continue_loop
};

struct TemplateFunction;
struct TemplateNode;
using TemplateNodePtr = std::unique_ptr<TemplateNode>;

/// One node of a parsed template; which members count depends on the type.
struct TemplateNode {
  TemplateNodeType type = TemplateNodeType::list;
  size_t position = 0;  ///< byte offset in the template's text
  uint32_t line = 1;
  std::string text;                            ///< text, identifier, name called, decoded string, number as written
  std::string quoted;                          ///< a string as written
  std::vector<std::string> names;              ///< variable: its name, then fields; field and chain: fields
  std::vector<TemplateNodePtr> children;       ///< list: nodes; pipe: commands; command: operands; chain: its operand
  std::vector<std::string> declared;           ///< pipe: variables set, at most two
  bool assigns = false;                        ///< pipe: `=` instead of `:=`
  TemplateNodePtr pipe;                        ///< of action, blocks and call (may be null there)
  TemplateNodePtr body;                        ///< of blocks
  TemplateNodePtr otherwise;                   ///< of blocks; may be null
  const TemplateFunction* function = nullptr;  ///< of an identifier
  bool truth = false;
  bool is_integer = false;    ///< a number that is whole
  bool is_real = false;       ///< a number that fits a double
  bool is_character = false;  ///< written as 'x'
  int64_t integer = 0;
  double real = 0;

  /// As an error message quotes the node.
  std::string to_string() const;
};

/// The trees of one template text: the main one and those of `define` and `block`.
struct TemplateTreeSet {
  std::string text;
  TemplateNodePtr root;
  std::map<std::string, TemplateNodePtr, std::less<>> defined;
};

}  // namespace cordwood::query
