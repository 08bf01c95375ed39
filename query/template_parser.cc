// SPDX-License-Identifier: Apache-2.0
#include "query/template_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "query/logql_scanner.h"
#include "query/number_text.h"
#include "query/template_functions.h"
#include "query/template_lexer.h"
#include "storage/model/labels.h"
#include "storage/model/utf8.h"

namespace cordwood::query {

namespace {

/// Templates run by recursion over the tree.
constexpr int kMaxTemplateDepth = 100;

/// How a list of nodes ended.
enum class ListEnd : unsigned char { end_of_text, end_keyword, else_keyword };

class Parser {
 public:
  Parser(std::string_view name, std::string_view text) : name_(name), lexemes_(lex_template(text)) {
    set_.text = std::string(text);
  }

  Result<TemplateTreeSet> parse() {
    set_.root = make(TemplateNodeType::list, peek());
    while (peek().token != TemplateToken::end_of_text) {
      if (peek().token == TemplateToken::left_delim && peek_behind_delim() == TemplateToken::keyword_define) {
        TRY(parse_definition());
        continue;
      }
      ListEnd end = ListEnd::end_of_text;
      TRY_ASSIGN(TemplateNodePtr node, text_or_action(&end));
      if (end == ListEnd::end_keyword) return error("unexpected {{end}}");
      if (end == ListEnd::else_keyword) return error("unexpected {{else}}");
      set_.root->children.push_back(std::move(node));
    }
    return std::move(set_);
  }

 private:
  // ---- tokens
  const TemplateLexeme& peek() const { return lexemes_[std::min(at_, lexemes_.size() - 1)]; }
  const TemplateLexeme& next() {
    const TemplateLexeme& lexeme = peek();
    line_ = lexeme.line;
    if (at_ < lexemes_.size()) ++at_;
    return lexeme;
  }
  void skip_space() {
    while (peek().token == TemplateToken::space) next();
  }
  const TemplateLexeme& peek_solid() {
    skip_space();
    line_ = peek().line;
    return peek();
  }
  const TemplateLexeme& next_solid() {
    skip_space();
    return next();
  }
  TemplateToken peek_behind_delim() const {
    size_t i = at_ + 1;
    while (i < lexemes_.size() && lexemes_[i].token == TemplateToken::space) ++i;
    return i < lexemes_.size() ? lexemes_[i].token : TemplateToken::end_of_text;
  }

  Error error(std::string_view message) const {
    return Error::invalid(fmt::format("template: {}:{}: {}", name_, line_, message));
  }
  Error unexpected(const TemplateLexeme& lexeme, std::string_view context) const {
    if (lexeme.token != TemplateToken::error) {
      return error(fmt::format("unexpected {} in {}", lexeme.quoted(), context));
    }
    std::string extra;
    if (action_line_ != 0 && action_line_ != lexeme.line) {
      const bool names_action = lexeme.text.ends_with(" action");
      extra = fmt::format("{} started at {}:{}", names_action ? "" : " in action", name_, action_line_);
    }
    return error(lexeme.text + extra);
  }
  Result<void> expect(TemplateToken token, std::string_view context) {
    const TemplateLexeme& lexeme = next_solid();
    if (lexeme.token != token) return unexpected(lexeme, context);
    return {};
  }

  static TemplateNodePtr make(TemplateNodeType type, const TemplateLexeme& at) {
    auto node = std::make_unique<TemplateNode>();
    node->type = type;
    node->position = at.position;
    node->line = at.line;
    return node;
  }

  // ---- lists and actions
  Result<TemplateNodePtr> item_list(ListEnd* end) {
    if (++depth_ > kMaxTemplateDepth) return error("nested too deeply");
    auto list = make(TemplateNodeType::list, peek_solid());
    while (peek_solid().token != TemplateToken::end_of_text) {
      *end = ListEnd::end_of_text;
      TRY_ASSIGN(TemplateNodePtr node, text_or_action(end));
      if (*end != ListEnd::end_of_text) {
        --depth_;
        return list;
      }
      list->children.push_back(std::move(node));
    }
    return error("unexpected EOF");
  }

  /// Null, with *end set, at `{{end}}` and `{{else`.
  Result<TemplateNodePtr> text_or_action(ListEnd* end) {
    const TemplateLexeme& lexeme = next_solid();
    if (lexeme.token == TemplateToken::text) {
      auto node = make(TemplateNodeType::text, lexeme);
      node->text = lexeme.text;
      return node;
    }
    if (lexeme.token != TemplateToken::left_delim) return unexpected(lexeme, "input");
    action_line_ = lexeme.line;
    auto node = action(end);
    action_line_ = 0;
    return node;
  }

  Result<TemplateNodePtr> action(ListEnd* end) {
    const TemplateLexeme& lexeme = peek_solid();
    switch (lexeme.token) {
      case TemplateToken::keyword_if: next(); return block(TemplateNodeType::if_block, "if", lexeme);
      case TemplateToken::keyword_range: next(); return block(TemplateNodeType::range_block, "range", lexeme);
      case TemplateToken::keyword_with: next(); return block(TemplateNodeType::with_block, "with", lexeme);
      case TemplateToken::keyword_template: next(); return template_call(lexeme);
      case TemplateToken::keyword_block: next(); return block_definition(lexeme);
      case TemplateToken::keyword_break: next(); return loop_control(TemplateNodeType::break_loop, "{{break}}", lexeme);
      case TemplateToken::keyword_continue:
        next();
        return loop_control(TemplateNodeType::continue_loop, "{{continue}}", lexeme);
      case TemplateToken::keyword_end:
        next();
        TRY(expect(TemplateToken::right_delim, "end"));
        *end = ListEnd::end_keyword;
        return TemplateNodePtr();
      case TemplateToken::keyword_else: {
        next();
        *end = ListEnd::else_keyword;
        const TemplateToken after = peek_solid().token;
        if (after == TemplateToken::keyword_if || after == TemplateToken::keyword_with) return TemplateNodePtr();
        TRY(expect(TemplateToken::right_delim, "else"));
        return TemplateNodePtr();
      }
      default: break;
    }
    auto node = make(TemplateNodeType::action, lexeme);
    TRY_ASSIGN(node->pipe, pipeline("command", TemplateToken::right_delim));
    return node;
  }

  Result<TemplateNodePtr> block(TemplateNodeType type, std::string_view context, const TemplateLexeme& lexeme) {
    const size_t variables = variables_.size();
    auto node = make(type, lexeme);
    TRY_ASSIGN(node->pipe, pipeline(context, TemplateToken::right_delim));
    const bool loops = type == TemplateNodeType::range_block;
    if (loops) ++range_depth_;
    ListEnd end = ListEnd::end_of_text;
    TRY_ASSIGN(node->body, item_list(&end));
    if (loops) --range_depth_;
    if (end == ListEnd::else_keyword) {
      const TemplateLexeme& after = peek();
      const bool chained = (type == TemplateNodeType::if_block && after.token == TemplateToken::keyword_if) ||
                           (type == TemplateNodeType::with_block && after.token == TemplateToken::keyword_with);
      if (chained) {
        next();
        if (++depth_ > kMaxTemplateDepth) return error("nested too deeply");
        node->otherwise = make(TemplateNodeType::list, after);
        TRY_ASSIGN(TemplateNodePtr inner, block(type, context, after));
        node->otherwise->children.push_back(std::move(inner));
        --depth_;
      } else {
        TRY_ASSIGN(node->otherwise, item_list(&end));
        if (end != ListEnd::end_keyword) return error("expected end; found {{else}}");
      }
    }
    variables_.resize(variables);
    return node;
  }

  Result<TemplateNodePtr> loop_control(TemplateNodeType type, std::string_view context, const TemplateLexeme& lexeme) {
    const TemplateLexeme& after = next_solid();
    if (after.token != TemplateToken::right_delim) return unexpected(after, context);
    if (range_depth_ == 0) return error(fmt::format("{} outside {{{{range}}}}", context));
    return make(type, lexeme);
  }

  Result<std::string> template_name(std::string_view context, std::string* written) {
    const TemplateLexeme& lexeme = next_solid();
    if (lexeme.token != TemplateToken::string && lexeme.token != TemplateToken::raw_string) {
      return unexpected(lexeme, context);
    }
    std::string name;
    if (!unquote_go(lexeme.text, &name)) return error("invalid syntax");
    *written = go_quoted(name);
    return name;
  }

  Result<TemplateNodePtr> template_call(const TemplateLexeme& lexeme) {
    constexpr std::string_view kContext = "template clause";
    auto node = make(TemplateNodeType::call, lexeme);
    TRY_ASSIGN(node->text, template_name(kContext, &node->quoted));
    if (peek_solid().token == TemplateToken::right_delim) {
      next();
    } else {
      TRY_ASSIGN(node->pipe, pipeline(kContext, TemplateToken::right_delim));
    }
    return node;
  }

  Result<TemplateNodePtr> block_definition(const TemplateLexeme& lexeme) {
    constexpr std::string_view kContext = "block clause";
    auto node = make(TemplateNodeType::call, lexeme);
    TRY_ASSIGN(node->text, template_name(kContext, &node->quoted));
    TRY_ASSIGN(node->pipe, pipeline(kContext, TemplateToken::right_delim));
    TRY(definition_body(node->text, kContext));
    return node;
  }

  Result<void> parse_definition() {
    constexpr std::string_view kContext = "define clause";
    next();
    next_solid();
    std::string written;
    TRY_ASSIGN(const std::string name, template_name(kContext, &written));
    TRY(expect(TemplateToken::right_delim, kContext));
    return definition_body(name, kContext);
  }

  /// The list up to `{{end}}`, kept under the name; it sees no variables but `$`.
  Result<void> definition_body(const std::string& name, std::string_view context) {
    std::vector<std::string> outer = std::exchange(variables_, {"$"});
    const int outer_range_depth = std::exchange(range_depth_, 0);
    ListEnd end = ListEnd::end_of_text;
    TRY_ASSIGN(TemplateNodePtr body, item_list(&end));
    if (end != ListEnd::end_keyword) return error(fmt::format("unexpected {{{{else}}}} in {}", context));
    variables_ = std::move(outer);
    range_depth_ = outer_range_depth;
    set_.defined[name] = std::move(body);
    return {};
  }

  // ---- pipelines
  Result<void> declarations(TemplateNode* pipe, std::string_view context) {
    while (peek_solid().token == TemplateToken::variable) {
      const size_t start = at_;
      const std::string name = next().text;
      const TemplateLexeme& after = peek_solid();
      if (after.token == TemplateToken::assign || after.token == TemplateToken::declare) {
        pipe->assigns = after.token == TemplateToken::assign;
        next();
        pipe->declared.push_back(name);
        variables_.push_back(name);
        return {};
      }
      if (after.token != TemplateToken::character || after.text != ",") {
        at_ = start;
        return {};
      }
      next();
      pipe->declared.push_back(name);
      variables_.push_back(name);
      if (context != "range" || pipe->declared.size() >= 2) {
        return error(fmt::format("too many declarations in {}", context));
      }
      const TemplateToken token = peek_solid().token;
      if (token != TemplateToken::variable && token != TemplateToken::right_delim &&
          token != TemplateToken::right_paren) {
        return error("range can only initialize variables");
      }
    }
    return {};
  }

  Result<TemplateNodePtr> pipeline(std::string_view context, TemplateToken end) {
    if (++depth_ > kMaxTemplateDepth) return error("nested too deeply");
    auto pipe = make(TemplateNodeType::pipe, peek_solid());
    TRY(declarations(pipe.get(), context));
    for (;;) {
      const TemplateLexeme& lexeme = peek_solid();
      if (lexeme.token == end) {
        next();
        break;
      }
      switch (lexeme.token) {
        case TemplateToken::boolean:
        case TemplateToken::character_constant:
        case TemplateToken::dot:
        case TemplateToken::field:
        case TemplateToken::identifier:
        case TemplateToken::number:
        case TemplateToken::keyword_nil:
        case TemplateToken::raw_string:
        case TemplateToken::string:
        case TemplateToken::variable:
        case TemplateToken::left_paren: {
          TRY_ASSIGN(TemplateNodePtr cmd, command());
          pipe->children.push_back(std::move(cmd));
          break;
        }
        default: next(); return unexpected(lexeme, context);
      }
    }
    --depth_;
    TRY(check_pipeline(*pipe, context));
    return pipe;
  }

  Result<void> check_pipeline(const TemplateNode& pipe, std::string_view context) const {
    if (pipe.children.empty()) return error(fmt::format("missing value for {}", context));
    for (size_t i = 1; i < pipe.children.size(); ++i) {
      switch (pipe.children[i]->children[0]->type) {
        case TemplateNodeType::boolean:
        case TemplateNodeType::dot:
        case TemplateNodeType::nil:
        case TemplateNodeType::number:
        case TemplateNodeType::string: return error(fmt::format("non executable command in pipeline stage {}", i + 1));
        default: break;
      }
    }
    return {};
  }

  Result<TemplateNodePtr> command() {
    auto node = make(TemplateNodeType::command, peek_solid());
    for (;;) {
      peek_solid();
      TRY_ASSIGN(TemplateNodePtr item, operand());
      if (item) node->children.push_back(std::move(item));
      const TemplateLexeme& lexeme = peek();
      if (lexeme.token == TemplateToken::space) {
        next();
        continue;
      }
      if (lexeme.token == TemplateToken::right_delim || lexeme.token == TemplateToken::right_paren) break;
      next();
      if (lexeme.token == TemplateToken::pipe) break;
      return unexpected(lexeme, "operand");
    }
    if (node->children.empty()) return error("empty command");
    return node;
  }

  Result<TemplateNodePtr> operand() {
    TRY_ASSIGN(TemplateNodePtr node, term());
    if (!node || peek().token != TemplateToken::field) return node;
    switch (node->type) {
      case TemplateNodeType::boolean:
      case TemplateNodeType::string:
      case TemplateNodeType::number:
      case TemplateNodeType::nil:
      case TemplateNodeType::dot: return error(fmt::format("unexpected . after term {}", go_quoted(node->to_string())));
      case TemplateNodeType::field:
      case TemplateNodeType::variable: node->position = peek().position; break;
      default: {
        auto chain = make(TemplateNodeType::chain, peek());
        chain->children.push_back(std::move(node));
        node = std::move(chain);
      }
    }
    while (peek().token == TemplateToken::field) node->names.push_back(next().text.substr(1));
    return node;
  }

  Result<TemplateNodePtr> term() {
    const TemplateLexeme& lexeme = peek_solid();
    switch (lexeme.token) {
      case TemplateToken::identifier: {
        next();
        const TemplateFunction* function = find_template_function(lexeme.text);
        if (function == nullptr) {
          return error(fmt::format("function {} not defined", go_quoted(lexeme.text)));
        }
        auto node = make(TemplateNodeType::identifier, lexeme);
        node->text = lexeme.text;
        node->function = function;
        return node;
      }
      case TemplateToken::dot: next(); return make(TemplateNodeType::dot, lexeme);
      case TemplateToken::keyword_nil: next(); return make(TemplateNodeType::nil, lexeme);
      case TemplateToken::variable: {
        next();
        if (std::find(variables_.begin(), variables_.end(), lexeme.text) == variables_.end()) {
          return error(fmt::format("undefined variable {}", go_quoted(lexeme.text)));
        }
        auto node = make(TemplateNodeType::variable, lexeme);
        node->names.push_back(lexeme.text);
        return node;
      }
      case TemplateToken::field: {
        next();
        auto node = make(TemplateNodeType::field, lexeme);
        node->names.push_back(lexeme.text.substr(1));
        return node;
      }
      case TemplateToken::boolean: {
        next();
        auto node = make(TemplateNodeType::boolean, lexeme);
        node->truth = lexeme.text == "true";
        return node;
      }
      case TemplateToken::number:
      case TemplateToken::character_constant: next(); return number(lexeme);
      case TemplateToken::left_paren: next(); return pipeline("parenthesized pipeline", TemplateToken::right_paren);
      case TemplateToken::string:
      case TemplateToken::raw_string: {
        next();
        auto node = make(TemplateNodeType::string, lexeme);
        node->quoted = lexeme.text;
        if (!unquote_go(lexeme.text, &node->text)) return error("invalid syntax");
        return node;
      }
      default: return TemplateNodePtr();
    }
  }

  Result<TemplateNodePtr> number(const TemplateLexeme& lexeme) const {
    auto node = make(TemplateNodeType::number, lexeme);
    node->text = lexeme.text;
    if (lexeme.token == TemplateToken::character_constant) {
      std::string decoded;
      const std::string body = lexeme.text.substr(1, lexeme.text.size() - 2);
      const bool good = body == "\\'" || unquote_go("\"" + body + "\"", &decoded);
      if (body == "\\'") decoded.assign(1, '\'');
      if (!good || decoded.empty() || decode_utf8(decoded, 0).size != decoded.size()) {
        return error(fmt::format("malformed character constant: {}", lexeme.text));
      }
      node->is_character = node->is_integer = node->is_real = true;
      node->integer = static_cast<int64_t>(decode_utf8(decoded, 0).value);
      node->real = static_cast<double>(node->integer);
      return node;
    }
    if (const auto integer = parse_go_int(lexeme.text, 0); integer.ok()) {
      node->is_integer = node->is_real = true;
      node->integer = *integer;
      node->real = static_cast<double>(*integer);
      return node;
    }
    if (!try_parse_go_float(lexeme.text, &node->real)) {
      return error(fmt::format("bad number syntax: {}", go_quoted(lexeme.text)));
    }
    if (lexeme.text.find_first_of(".eEpP") == std::string::npos) {
      return error(fmt::format("integer overflow: {}", go_quoted(lexeme.text)));
    }
    node->is_real = true;
    node->is_integer = node->real >= -9.2e18 && node->real <= 9.2e18 &&
                       node->real == static_cast<double>(static_cast<int64_t>(node->real));
    if (node->is_integer) node->integer = static_cast<int64_t>(node->real);
    return node;
  }

  std::string name_;
  std::vector<TemplateLexeme> lexemes_;
  size_t at_ = 0;
  uint32_t line_ = 1;
  uint32_t action_line_ = 0;
  int range_depth_ = 0;
  int depth_ = 0;
  std::vector<std::string> variables_ = {"$"};
  TemplateTreeSet set_;
};

}  // namespace

Result<TemplateTreeSet> parse_template(std::string_view name, std::string_view text) {
  return Parser(name, text).parse();
}

}  // namespace cordwood::query
