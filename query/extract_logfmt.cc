// SPDX-License-Identifier: Apache-2.0
#include "query/extract_logfmt.h"

#include <fmt/format.h>

#include "query/json_walk.h"
#include "query/label_name.h"
#include "storage/model/utf8.h"

namespace cordwood::query {

namespace {

/// Space and every control byte part pairs.
bool is_space(char c) {
  return static_cast<unsigned char>(c) <= ' ';
}

/// Decodes the body of a quoted value: the escapes of JSON, and \' as well; invalid bytes become U+FFFD.
bool append_unquoted(std::string_view body, std::string* out) {
  std::string_view rest = body;
  for (;;) {
    const size_t apostrophe = rest.find("\\'");
    // An escaped backslash in front of the apostrophe is not its escape.
    size_t slashes = 0;
    while (apostrophe != std::string_view::npos && apostrophe > slashes && rest[apostrophe - slashes - 1] == '\\') {
      ++slashes;
    }
    const bool split = apostrophe != std::string_view::npos && slashes % 2 == 0;
    const std::string_view part =
        apostrophe == std::string_view::npos ? rest : rest.substr(0, apostrophe + (split ? 0 : 2));
    if (!append_json_unescaped(part, out)) return false;
    if (apostrophe == std::string_view::npos) return true;
    if (split) *out += '\'';
    rest.remove_prefix(apostrophe + 2);
  }
}

}  // namespace

void LogfmtReader::reset(std::string_view line) {
  line_ = line;
  at_ = 0;
  refused_ = {};
}

bool LogfmtReader::refuse(std::string_view why, char byte) {
  refused_ = why;
  refused_byte_ = byte;
  refused_at_ = at_;
  return false;
}

std::string LogfmtReader::error() const {
  if (refused_.empty()) return "";
  std::string text = fmt::format("logfmt syntax error at pos {} : {}", refused_at_ + 1, refused_);
  if (refused_byte_ != '\0') text.append(" '").append(1, refused_byte_) += '\'';
  return text;
}

bool LogfmtReader::refuse_byte(char byte) {
  refuse("unexpected", byte);
  while (at_ < line_.size() && !is_space(line_[at_])) ++at_;
  return false;
}

bool LogfmtReader::next() {
  key_ = {};
  value_ = {};
  while (at_ < line_.size() && is_space(line_[at_])) ++at_;
  if (at_ >= line_.size()) return false;
  const size_t start = at_;
  bool multibyte = false;
  while (at_ < line_.size() && !is_space(line_[at_]) && line_[at_] != '=') {
    if (line_[at_] == '"') return refuse_byte('"');
    multibyte = multibyte || static_cast<unsigned char>(line_[at_]) >= 0x80;
    ++at_;
  }
  key_ = line_.substr(start, at_ - start);
  if (multibyte && has_replacement_rune(key_)) {
    refuse("invalid key");
    while (at_ < line_.size() && !is_space(line_[at_])) ++at_;
    return false;
  }
  if (at_ >= line_.size() || line_[at_] != '=') return true;
  if (key_.empty()) return refuse_byte('=');
  ++at_;
  if (at_ >= line_.size() || is_space(line_[at_])) return true;
  return line_[at_] == '"' ? read_quoted() : read_value();
}

bool LogfmtReader::read_value() {
  const size_t start = at_;
  for (; at_ < line_.size() && !is_space(line_[at_]); ++at_) {
    if (line_[at_] == '=' || line_[at_] == '"') return refuse_byte(line_[at_]);
  }
  value_ = line_.substr(start, at_ - start);
  return true;
}

bool LogfmtReader::read_quoted() {
  bool escaped = false;
  const size_t end = json_string_end(line_, at_ + 1, &escaped);
  if (end == std::string_view::npos) {
    at_ = line_.size();
    return refuse("unterminated quoted value");
  }
  value_ = line_.substr(at_ + 1, end - at_ - 2);
  at_ = end;
  if (!escaped) return true;
  unquoted_.clear();
  if (!append_unquoted(value_, &unquoted_)) {
    value_ = {};
    return refuse("invalid quoted value");
  }
  value_ = unquoted_;
  return true;
}

ExtractOutcome LogfmtExtractor::extract(std::string_view line, FieldSink* sink) {
  reader_.reset(line);
  while (!reader_.at_end()) {
    if (reader_.next()) {
      if (!on_pair(sink)) return {};
    } else if (stage_.strict) {
      break;
    }
  }
  if (!stage_.strict) return {};
  error_ = reader_.error();
  return {.failed = !error_.empty(), .details = error_};
}

bool LogfmtExtractor::on_pair(FieldSink* sink) {
  name_.clear();
  append_sanitized_label_name(reader_.key(), true, &name_);
  if (name_.empty()) return true;
  if (!stage_.expressions.empty()) {
    for (const ExtractionExpr& expression : stage_.expressions) {
      if (expression.expression != name_) continue;
      if (!sink->on_field(expression.name, without_replacement_runes(reader_.value(), &value_))) return false;
    }
    return true;
  }
  if ((reader_.value().empty() && !stage_.keep_empty) || !sink->wants(name_)) return true;
  return sink->on_field(name_, without_replacement_runes(reader_.value(), &value_));
}

}  // namespace cordwood::query
