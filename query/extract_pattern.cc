// SPDX-License-Identifier: Apache-2.0
#include "query/extract_pattern.h"

#include <fmt/format.h>

#include "query/label_name.h"

namespace cordwood::query {

namespace {

bool is_unnamed(const PatternNode& node) {
  return node.text == "_";
}

Result<void> refuse_consecutive(const std::vector<PatternNode>& nodes) {
  for (size_t i = 1; i < nodes.size(); ++i) {
    if (!nodes[i - 1].capture || !nodes[i].capture) continue;
    return Error::invalid(
        fmt::format("found consecutive capture '<{}><{}>': invalid expression", nodes[i - 1].text, nodes[i].text));
  }
  return {};
}

}  // namespace

std::vector<PatternNode> parse_pattern_nodes(std::string_view expression) {
  std::vector<PatternNode> nodes;
  for (size_t i = 0; i < expression.size();) {
    if (expression[i] == '<') {
      const size_t close = expression.find('>', i);
      if (close != std::string_view::npos && is_label_name(expression.substr(i + 1, close - i - 1))) {
        nodes.push_back({.capture = true, .text = std::string(expression.substr(i + 1, close - i - 1))});
        i = close + 1;
        continue;
      }
    }
    if (nodes.empty() || nodes.back().capture) nodes.emplace_back();
    nodes.back().text += expression[i++];
  }
  return nodes;
}

Result<PatternExtractor> PatternExtractor::make(std::string_view expression) {
  PatternExtractor extractor;
  extractor.nodes_ = parse_pattern_nodes(expression);
  bool named = false;
  for (const PatternNode& node : extractor.nodes_) named = named || (node.capture && !is_unnamed(node));
  if (!named) return Error::invalid("at least one capture is required");
  TRY(refuse_consecutive(extractor.nodes_));
  for (size_t i = 0; i < extractor.nodes_.size(); ++i) {
    const PatternNode& node = extractor.nodes_[i];
    if (!node.capture || is_unnamed(node)) continue;
    for (size_t j = 0; j < i; ++j) {
      if (!extractor.nodes_[j].capture || extractor.nodes_[j].text != node.text) continue;
      return Error::invalid(fmt::format("duplicate capture name ({}): invalid expression", node.text));
    }
  }
  return extractor;
}

void PatternExtractor::extract(std::string_view line, FieldSink* sink) const {
  if (line.empty()) return;
  size_t i = 0;
  if (!nodes_[0].capture) {
    if (!line.starts_with(nodes_[0].text)) return;
    line.remove_prefix(nodes_[0].text.size());
    i = 1;
  }
  // From here captures and literals alternate.
  for (; i < nodes_.size(); i += 2) {
    const PatternNode& capture = nodes_[i];
    const bool last = i + 1 == nodes_.size();
    const size_t found = last ? std::string_view::npos : line.find(nodes_[i + 1].text);
    if (!is_unnamed(capture) && sink->wants(capture.text) && !sink->on_field(capture.text, line.substr(0, found))) {
      return;
    }
    if (found == std::string_view::npos) return;
    line.remove_prefix(found + nodes_[i + 1].text.size());
  }
}

Result<LinePattern> LinePattern::make(std::string_view expression) {
  LinePattern pattern;
  pattern.nodes_ = parse_pattern_nodes(expression);
  for (const PatternNode& node : pattern.nodes_) {
    if (!node.capture || is_unnamed(node)) continue;
    return Error::invalid(fmt::format("named captures are not allowed: found '<{}>'", node.text));
  }
  TRY(refuse_consecutive(pattern.nodes_));
  return pattern;
}

std::string_view LinePattern::longest_literal() const {
  std::string_view longest;
  for (const PatternNode& node : nodes_) {
    if (!node.capture && node.text.size() > longest.size()) longest = node.text;
  }
  return longest;
}

bool LinePattern::matches(std::string_view line) const {
  if (nodes_.empty()) return line.empty();
  bool after_capture = false;
  for (const PatternNode& node : nodes_) {
    if (node.capture) {
      after_capture = true;
      continue;
    }
    // A capture in front must take a byte, so the literal is looked for behind the first one.
    const size_t found = line.find(node.text);
    if (found == std::string_view::npos || (after_capture ? found == 0 : found != 0)) return false;
    line.remove_prefix(found + node.text.size());
    after_capture = false;
  }
  return after_capture ? !line.empty() : line.empty();
}

}  // namespace cordwood::query
