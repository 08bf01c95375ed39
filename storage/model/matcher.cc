// SPDX-License-Identifier: Apache-2.0
#include "storage/model/matcher.h"

#include <re2/re2.h>

#include "storage/model/go_regex.h"

namespace cordwood {

std::string_view to_string(MatchOp op) {
  switch (op) {
    case MatchOp::equal: return "=";
    case MatchOp::not_equal: return "!=";
    case MatchOp::regex: return "=~";
    case MatchOp::not_regex: return "!~";
  }
  return "?";
}

Result<Matcher> Matcher::make(std::string name, MatchOp op, std::string value) {
  Matcher m;
  if (op == MatchOp::regex || op == MatchOp::not_regex) {
    TRY_ASSIGN(m.regex_, compile_go_regex(value, {.anchored = true, .dot_matches_newline = true}));
  }
  m.name_ = std::move(name);
  m.op_ = op;
  m.value_ = std::move(value);
  return m;
}

bool Matcher::matches(std::string_view value) const {
  switch (op_) {
    case MatchOp::equal: return value == value_;
    case MatchOp::not_equal: return value != value_;
    case MatchOp::regex: return RE2::PartialMatch(re2::StringPiece(value.data(), value.size()), *regex_);
    case MatchOp::not_regex: return !RE2::PartialMatch(re2::StringPiece(value.data(), value.size()), *regex_);
  }
  return false;
}

std::string Matcher::to_string() const {
  std::string out = name_;
  out += cordwood::to_string(op_);
  append_go_quoted(value_, &out);
  return out;
}

bool matches_all(const Labels& labels, const Matcher* matchers, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (!matchers[i].matches(labels.get(matchers[i].name()))) return false;
  }
  return true;
}

}  // namespace cordwood
