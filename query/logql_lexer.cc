// SPDX-License-Identifier: Apache-2.0
#include "query/logql_lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "query/bytes_text.h"
#include "query/duration_text.h"
#include "query/logql_scanner.h"
#include "storage/base/ascii.h"

namespace cordwood::query {

namespace {

struct Keyword {
  std::string_view text;
  Token token;
};
constexpr std::array kKeywords = {Keyword{"by", Token::by},
                                  Keyword{"without", Token::without},
                                  Keyword{"bool", Token::bool_modifier},
                                  Keyword{"offset", Token::offset},
                                  Keyword{"on", Token::on},
                                  Keyword{"ignoring", Token::ignoring},
                                  Keyword{"group_left", Token::group_left},
                                  Keyword{"group_right", Token::group_right},
                                  Keyword{"or", Token::set_or},
                                  Keyword{"and", Token::set_and},
                                  Keyword{"unless", Token::set_unless},
                                  Keyword{"unwrap", Token::unwrap},
                                  Keyword{"json", Token::json},
                                  Keyword{"regexp", Token::regexp},
                                  Keyword{"logfmt", Token::logfmt},
                                  Keyword{"unpack", Token::unpack},
                                  Keyword{"pattern", Token::pattern},
                                  Keyword{"line_format", Token::line_format},
                                  Keyword{"label_format", Token::label_format},
                                  Keyword{"decolorize", Token::decolorize},
                                  Keyword{"drop", Token::drop},
                                  Keyword{"keep", Token::keep}};

constexpr std::array kOperators = {Keyword{"|=", Token::pipe_exact},
                                   Keyword{"|~", Token::pipe_match},
                                   Keyword{"|>", Token::pipe_pattern},
                                   Keyword{"!=", Token::not_equal},
                                   Keyword{"!~", Token::not_match},
                                   Keyword{"!>", Token::not_pattern},
                                   Keyword{"=~", Token::match},
                                   Keyword{"==", Token::compare_equal},
                                   Keyword{">=", Token::greater_equal},
                                   Keyword{"<=", Token::less_equal},
                                   Keyword{"|", Token::pipe},
                                   Keyword{"=", Token::equal},
                                   Keyword{">", Token::greater},
                                   Keyword{"<", Token::less},
                                   Keyword{"{", Token::open_brace},
                                   Keyword{"}", Token::close_brace},
                                   Keyword{"(", Token::open_paren},
                                   Keyword{")", Token::close_paren},
                                   Keyword{",", Token::comma},
                                   Keyword{"+", Token::add},
                                   Keyword{"*", Token::mul},
                                   Keyword{"/", Token::div},
                                   Keyword{"%", Token::mod},
                                   Keyword{"^", Token::pow}};

/// A name that is a token only in front of its parenthesis.
struct Function {
  std::string_view text;
  Token token;
  std::string_view name;
  RangeOp range_op = RangeOp::count;
  VectorOp vector_op = VectorOp::sum;
};
constexpr Function range_function(std::string_view text, std::string_view name, RangeOp op) {
  return {text, Token::range_function, name, op, VectorOp::sum};
}
constexpr Function vector_function(std::string_view text, std::string_view name, VectorOp op) {
  return {text, Token::vector_function, name, RangeOp::count, op};
}
constexpr Function other_function(std::string_view text, Token token) {
  return {text, token, "", {}, {}};
}

constexpr std::array kFunctions = {range_function("count_over_time", "COUNT_OVER_TIME", RangeOp::count),
                                   range_function("rate", "RATE", RangeOp::rate),
                                   range_function("rate_counter", "RATE_COUNTER", RangeOp::rate_counter),
                                   range_function("bytes_over_time", "BYTES_OVER_TIME", RangeOp::bytes),
                                   range_function("bytes_rate", "BYTES_RATE", RangeOp::bytes_rate),
                                   range_function("avg_over_time", "AVG_OVER_TIME", RangeOp::avg),
                                   range_function("sum_over_time", "SUM_OVER_TIME", RangeOp::sum),
                                   range_function("min_over_time", "MIN_OVER_TIME", RangeOp::min),
                                   range_function("max_over_time", "MAX_OVER_TIME", RangeOp::max),
                                   range_function("stdvar_over_time", "STDVAR_OVER_TIME", RangeOp::stdvar),
                                   range_function("stddev_over_time", "STDDEV_OVER_TIME", RangeOp::stddev),
                                   range_function("quantile_over_time", "QUANTILE_OVER_TIME", RangeOp::quantile),
                                   range_function("first_over_time", "FIRST_OVER_TIME", RangeOp::first),
                                   range_function("last_over_time", "LAST_OVER_TIME", RangeOp::last),
                                   range_function("absent_over_time", "ABSENT_OVER_TIME", RangeOp::absent),
                                   vector_function("sum", "SUM", VectorOp::sum),
                                   vector_function("avg", "AVG", VectorOp::avg),
                                   vector_function("max", "MAX", VectorOp::max),
                                   vector_function("min", "MIN", VectorOp::min),
                                   vector_function("count", "COUNT", VectorOp::count),
                                   vector_function("stddev", "STDDEV", VectorOp::stddev),
                                   vector_function("stdvar", "STDVAR", VectorOp::stdvar),
                                   vector_function("bottomk", "BOTTOMK", VectorOp::bottomk),
                                   vector_function("topk", "TOPK", VectorOp::topk),
                                   vector_function("approx_topk", "APPROX_TOPK", VectorOp::approx_topk),
                                   vector_function("sort", "SORT", VectorOp::sort),
                                   vector_function("sort_desc", "SORT_DESC", VectorOp::sort_desc),
                                   other_function("vector", Token::vector),
                                   other_function("label_replace", Token::label_replace),
                                   other_function("bytes", Token::bytes_conversion),
                                   other_function("duration", Token::duration_conversion),
                                   other_function("duration_seconds", Token::duration_seconds_conversion),
                                   other_function("ip", Token::ip)};

std::string_view skip_space(std::string_view text) {
  const size_t at = text.find_first_not_of(" \t\n\r\v\f");
  return at == std::string_view::npos ? std::string_view() : text.substr(at);
}

bool starts_with_fold(std::string_view text, std::string_view lower) {
  return text.size() >= lower.size() &&
         std::equal(lower.begin(), lower.end(), text.begin(), [](char l, char c) { return l == fold_byte(c); });
}

/// Whether a function name may be followed by this: `(`, or `by (`, or `without (`.
bool opens_call(std::string_view rest) {
  rest = skip_space(rest);
  if (rest.starts_with('(')) return true;
  for (const std::string_view word : {"by", "without"}) {
    if (starts_with_fold(rest, word)) return skip_space(rest.substr(word.size())).starts_with('(');
  }
  return false;
}

/// Bytes of `rest` that could continue a duration or size literal.
size_t literal_length(std::string_view rest, std::string_view letters, bool micro) {
  size_t length = 0;
  while (length < rest.size()) {
    const char c = rest[length];
    if (micro && rest.substr(length).starts_with("\u00b5")) {
      length += 2;
    } else if ((c >= '0' && c <= '9') || c == '.' || (c != '\0' && letters.find(c) != std::string_view::npos)) {
      ++length;
    } else {
      break;
    }
  }
  return length;
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : scanner_(text) {}

  std::vector<Lexeme> run() {
    do {
      step();
    } while (lexemes_.back().token != Token::end && lexemes_.back().token != Token::error);
    return std::move(lexemes_);
  }

 private:
  Lexeme& emit(Token token, std::string_view name = {}) {
    Lexeme lexeme;
    lexeme.token = token;
    lexeme.name = name.empty() ? token_name(token) : name;
    lexeme.line = scanner_.line();
    lexeme.column = scanner_.column();
    lexemes_.push_back(std::move(lexeme));
    return lexemes_.back();
  }
  void emit_error(std::string message) { emit(Token::error).text = std::move(message); }

  void step() {
    LogqlScanner::Kind kind = scanner_.scan();
    while (kind == LogqlScanner::Kind::other && scanner_.token_text() == "#") {
      scanner_.take_raw(std::min(scanner_.rest().find('\n'), scanner_.rest().size()));
      kind = scanner_.scan();
    }
    switch (kind) {
      case LogqlScanner::Kind::end: emit(Token::end); return;
      case LogqlScanner::Kind::error: emit_error(scanner_.error()); return;
      case LogqlScanner::Kind::string: lex_string(); return;
      case LogqlScanner::Kind::number:
        if (!lex_duration() && !lex_bytes()) emit(Token::number).text = scanner_.token_text();
        return;
      case LogqlScanner::Kind::identifier: lex_word(); return;
      case LogqlScanner::Kind::other: lex_operator(); return;
    }
  }

  void lex_string() {
    std::string text;
    if (unquote_go(scanner_.token_text(), &text)) {
      emit(Token::string).text = std::move(text);
    } else {
      emit_error("invalid syntax");
    }
  }

  bool lex_duration() {
    const size_t length = literal_length(scanner_.rest(), "nusmhdwy", true);
    if (length == 0) return false;
    const std::string text = std::string(scanner_.token_text()) + std::string(scanner_.rest().substr(0, length));
    int64_t ns = 0;
    if (const auto prometheus = parse_prometheus_duration(text); prometheus.ok()) {
      ns = *prometheus;
    } else if (!try_parse_go_duration(text, &ns)) {
      return false;
    }
    scanner_.take_raw(length);
    emit(Token::duration).duration_ns = ns;
    return true;
  }

  bool lex_bytes() {
    const size_t length = literal_length(scanner_.rest(), "BikKMGTP", false);
    if (length == 0) return false;
    const std::string text = std::string(scanner_.token_text()) + std::string(scanner_.rest().substr(0, length));
    uint64_t bytes = 0;
    if (!try_parse_bytes(text, &bytes)) return false;
    scanner_.take_raw(length);
    emit(Token::bytes).bytes = bytes;
    return true;
  }

  void lex_word() {
    const std::string text(scanner_.token_text());
    std::string lower = text;
    std::transform(lower.begin(), lower.end(), lower.begin(), fold_byte);
    for (const Function& function : kFunctions) {
      if (function.text != lower || !opens_call(scanner_.rest())) continue;
      Lexeme& lexeme = emit(function.token, function.name);
      lexeme.text = lower;
      lexeme.range_op = function.range_op;
      lexeme.vector_op = function.vector_op;
      return;
    }
    for (const Keyword& keyword : kKeywords) {
      if (keyword.text != lower) continue;
      emit(keyword.token).text = text;
      return;
    }
    emit(Token::identifier).text = text;
  }

  void lex_operator() {
    const char c = scanner_.token_text()[0];
    if (c == '[') return lex_range();
    if (c == '-') return lex_minus();
    if (!scanner_.at_end()) {
      const std::array<char, 2> pair = {c, scanner_.peek()};
      for (const Keyword& op : kOperators) {
        if (op.text.size() != 2 || std::memcmp(op.text.data(), pair.data(), 2) != 0) continue;
        scanner_.take_raw(1);
        emit(op.token);
        return;
      }
    }
    for (const Keyword& op : kOperators) {
      if (op.text != scanner_.token_text()) continue;
      emit(op.token);
      return;
    }
    emit(Token::identifier).text = scanner_.token_text();
  }

  void lex_range() {
    const size_t close = scanner_.rest().find(']');
    if (close == std::string_view::npos) {
      scanner_.take_raw(scanner_.rest().size());
      return emit_error("missing closing ']' in duration");
    }
    const auto range = parse_prometheus_duration(scanner_.rest().substr(0, close));
    scanner_.take_raw(close + 1);
    if (!range.ok()) return emit_error(range.error().message);
    emit(Token::range).duration_ns = *range;
  }

  void lex_minus() {
    if (scanner_.peek() == '-') {
      for (const std::string_view flag : {"-strict", "-keep-empty"}) {
        if (!scanner_.rest().starts_with(flag)) continue;
        const char after = scanner_.rest().size() > flag.size() ? scanner_.rest()[flag.size()] : ' ';
        if (after == '-' || is_letter(static_cast<unsigned char>(after))) continue;
        scanner_.take_raw(flag.size());
        emit(Token::parser_flag).text = flag;
        return;
      }
    }
    if (!lex_duration()) emit(Token::sub);
  }

  LogqlScanner scanner_;
  std::vector<Lexeme> lexemes_;
};

}  // namespace

std::string_view token_name(Token token) {
  switch (token) {
    case Token::end: return "$end";
    case Token::error: return "error";
    case Token::bytes: return "BYTES";
    case Token::identifier: return "IDENTIFIER";
    case Token::string: return "STRING";
    case Token::number: return "NUMBER";
    case Token::parser_flag: return "PARSER_FLAG";
    case Token::duration: return "DURATION";
    case Token::range: return "RANGE";
    case Token::range_function: return "RATE";
    case Token::vector_function: return "SUM";
    case Token::bytes_conversion: return "BYTES_CONV";
    case Token::duration_conversion: return "DURATION_CONV";
    case Token::duration_seconds_conversion: return "DURATION_SECONDS_CONV";
    case Token::vector: return "vector";
    case Token::label_replace: return "label_replace";
    case Token::ip: return "ip";
    case Token::sub: return "-";
    default: break;
  }
  for (const Keyword& keyword : kKeywords) {
    if (keyword.token == token) return keyword.text;
  }
  for (const Keyword& op : kOperators) {
    if (op.token == token) return op.text;
  }
  return "$unk";
}

std::vector<Lexeme> lex_logql(std::string_view text) {
  return Lexer(text).run();
}

}  // namespace cordwood::query
