// SPDX-License-Identifier: Apache-2.0
#include "storage/model/go_regex.h"

#include <re2/re2.h>

namespace cordwood {

namespace {

/// RE2 of 2022-06 knows only (?P<name>…).
std::string rewrite_named_groups(std::string_view expression) {
  std::string out;
  bool in_class = false;
  for (size_t i = 0; i < expression.size(); ++i) {
    const char c = expression[i];
    if (c == '\\' && i + 1 < expression.size()) {
      out += c;
      out += expression[++i];
      continue;
    }
    if (c == '[') in_class = true;
    if (c == ']') in_class = false;
    out += c;
    const std::string_view rest = expression.substr(i + 1);
    if (c == '(' && !in_class && rest.size() > 2 && rest[0] == '?' && rest[1] == '<' && rest[2] != '=' &&
        rest[2] != '!') {
      out += "?P<";
      i += 2;
    }
  }
  return out;
}

std::string_view go_error_text(RE2::ErrorCode code) {
  switch (code) {
    case RE2::ErrorBadEscape: return "invalid escape sequence";
    case RE2::ErrorBadCharClass: return "invalid character class";
    case RE2::ErrorBadCharRange: return "invalid character class range";
    case RE2::ErrorMissingBracket: return "missing closing ]";
    case RE2::ErrorUnexpectedParen: return "unexpected )";
    case RE2::ErrorMissingParen: return "missing closing )";
    case RE2::ErrorTrailingBackslash: return "trailing backslash at end of expression";
    case RE2::ErrorRepeatArgument: return "missing argument to repetition operator";
    case RE2::ErrorRepeatSize: return "invalid repeat count";
    case RE2::ErrorRepeatOp: return "invalid nested repetition operator";
    case RE2::ErrorBadPerlOp: return "invalid or unsupported Perl syntax";
    case RE2::ErrorBadUTF8: return "invalid UTF-8";
    case RE2::ErrorBadNamedCapture: return "invalid named capture";
    default: return "expression too large";
  }
}

}  // namespace

Result<std::shared_ptr<const re2::RE2>> compile_go_regex(std::string_view expression, GoRegexOptions options) {
  RE2::Options re2_options;
  re2_options.set_log_errors(false);
  re2_options.set_dot_nl(options.dot_matches_newline);
  const std::string plain = rewrite_named_groups(expression);
  auto regex = std::make_shared<const RE2>(options.anchored ? "^(?:" + plain + ")$" : plain, re2_options);
  if (regex->ok()) return regex;
  if (options.anchored) {
    // The wrapped text would be quoted in the message, and an unbalanced ")" would pass for balanced.
    const RE2 bare(plain, re2_options);
    if (!bare.ok()) regex = std::make_shared<const RE2>(plain, re2_options);
  }
  return Error::invalid(
      fmt::format("error parsing regexp: {}: `{}`", go_error_text(regex->error_code()), regex->error_arg()));
}

}  // namespace cordwood
