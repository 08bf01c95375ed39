// SPDX-License-Identifier: Apache-2.0
// Any text as a query.  What parses must print, and the print must be a query that prints alike.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "query/logql_lexer.h"
#include "query/logql_parser.h"
#include "query/logql_pretty.h"
#include "query/logql_print.h"
#include "storage/base/ascii.h"

using namespace cordwood::query;

namespace {

/// Any sign that is no operator is a name to Loki's lexer, as `'` or half of `!=` is.  Printed elsewhere it may become
/// an operator.
bool has_odd_names(std::string_view text) {
  const auto lexemes = lex_logql(text);
  return std::any_of(lexemes.begin(), lexemes.end(), [](const Lexeme& lexeme) {
    const char first = lexeme.text.empty() ? '_' : lexeme.text[0];
    return lexeme.token == Token::identifier && first > 0 && first != '_' && !cordwood::is_ascii_letter(first);
  });
}

/// Sizes are rounded when they are printed, and what was rounded may be rounded on: 999999B, 1000kB, 1.0MB.
bool has_sizes(std::string_view text) {
  const auto lexemes = lex_logql(text);
  return std::any_of(lexemes.begin(), lexemes.end(), [](const Lexeme& lexeme) { return lexeme.token == Token::bytes; });
}

/// Print has more parentheses and digits than the text had.
bool is_too_much(const cordwood::Error& error) {
  return error.message.find("nested too deeply") != std::string::npos ||
         error.message.find("input size too long") != std::string::npos;
}

using Print = std::string (*)(const Expr&);

void check(std::string_view text, const Expr& expr, Print print) {
  std::string printed = print(expr);
  for (int round = has_sizes(text) ? 0 : 1; round < 2; ++round) {
    const auto again = parse_logql(printed);
    if (!again.ok() && is_too_much(again.error())) return;
    const std::string reprinted = again.ok() ? print(*again.value()) : again.error().message;
    if (again.ok() && (round == 0 || reprinted == printed)) {
      printed = reprinted;
      continue;
    }
    std::fprintf(stderr, "text: %.*s\nprinted: %s\nreprinted: %s\n", static_cast<int>(text.size()), text.data(),
                 printed.c_str(), reprinted.c_str());
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)parse_selector(text).ok();
  const auto expr = parse_logql(text);
  if (!expr.ok()) return 0;
  const bool odd = has_odd_names(text);
  for (const Print print : {Print(to_string), Print(pretty_print)}) {
    if (!odd) {
      check(text, **expr, print);
    } else {
      (void)parse_logql(print(**expr)).ok();
    }
  }
  return 0;
}
