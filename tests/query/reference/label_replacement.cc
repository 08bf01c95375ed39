// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "tests/query/reference/vector_operators.h"

namespace cordwood::query::reference {

namespace {

/// `$1` and `${1}` are the groups of the expression.
std::string expand(const std::string& replacement, const std::vector<std::string>& groups) {
  std::string out;
  for (size_t at = 0; at < replacement.size(); ++at) {
    if (replacement[at] != '$') {
      out += replacement[at];
      continue;
    }
    const bool braces = replacement[++at] == '{';
    if (braces) ++at;
    const auto group = static_cast<size_t>(replacement[at] - '0');
    if (braces) ++at;
    if (group < groups.size()) out += groups[group];
  }
  return out;
}

}  // namespace

InstantVector replace_label(const LabelReplace& expr, const InstantVector& input, Trouble* trouble) {
  const RE2 regex("^(?:" + expr.regex + ")$", RE2::Quiet);
  InstantVector out;
  for (const auto& [labels, value] : input) {
    const auto source = labels.find(expr.source);
    const std::string text = source == labels.end() ? "" : source->second;
    std::vector<re2::StringPiece> pieces(static_cast<size_t>(regex.NumberOfCapturingGroups()) + 1);
    LabelMap result = labels;
    if (regex.Match(text, 0, text.size(), RE2::ANCHOR_BOTH, pieces.data(), static_cast<int>(pieces.size()))) {
      std::vector<std::string> groups;
      for (const auto& piece : pieces) groups.emplace_back(piece.data() == nullptr ? "" : piece.as_string());
      const std::string replaced = expand(expr.replacement, groups);
      result.erase(expr.destination);
      if (!replaced.empty()) result[expr.destination] = replaced;
    }
    if (!out.emplace(result, value).second) note(Trouble::ambiguous, trouble);
  }
  return out;
}

}  // namespace cordwood::query::reference
