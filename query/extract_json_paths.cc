// SPDX-License-Identifier: Apache-2.0
#include "query/extract_json_paths.h"

#include <fmt/format.h>

#include <algorithm>

#include "storage/base/ascii.h"

namespace cordwood::query {

namespace {

enum class PathToken : unsigned char { end, dot, open, close, field, string, index, bad };

bool is_field_start(char c) {
  return is_ascii_letter(c) || c == '_';
}

std::string_view token_name(PathToken token) {
  switch (token) {
    case PathToken::end: return "$end";
    case PathToken::dot: return "DOT";
    case PathToken::open: return "LSB";
    case PathToken::close: return "RSB";
    case PathToken::field: return "FIELD";
    case PathToken::string: return "STRING";
    case PathToken::index: return "INDEX";
    case PathToken::bad: return "$unk";
  }
  return "";
}

class PathParser {
 public:
  explicit PathParser(std::string_view text) : rest_(text) { advance(); }

  Result<std::vector<JsonStep>> parse() {
    if (token_ == PathToken::field) {
      take_key();
    } else if (token_ != PathToken::open) {
      return unexpected("LSB or FIELD");
    }
    while (token_ != PathToken::end) {
      if (token_ == PathToken::dot) {
        advance();
        if (token_ != PathToken::field) return unexpected("FIELD");
        take_key();
      } else if (token_ == PathToken::open) {
        TRY(take_brackets());
      } else {
        return unexpected("DOT or LSB");
      }
    }
    return std::move(steps_);
  }

 private:
  Error unexpected(std::string_view expected) const {
    if (token_ == PathToken::bad) return Error::invalid(fmt::format("unexpected char {}", bad_));
    return Error::invalid(fmt::format("syntax error: unexpected {}, expecting {}", token_name(token_), expected));
  }

  void take_key() {
    steps_.push_back({.is_index = false, .index = 0, .key = text_});
    advance();
  }

  Result<void> take_brackets() {
    advance();
    if (token_ == PathToken::string) {
      take_key();
    } else if (token_ == PathToken::index) {
      size_t index = 0;
      for (const char c : text_) index = std::min<size_t>(index * 10 + static_cast<size_t>(c - '0'), 1U << 30);
      steps_.push_back({.is_index = true, .index = index, .key = {}});
      advance();
    } else {
      return unexpected("STRING or INDEX");
    }
    if (token_ != PathToken::close) return unexpected("RSB");
    advance();
    return {};
  }

  void take_while(auto&& keep) {
    size_t length = 0;
    while (length < rest_.size() && keep(rest_[length])) ++length;
    text_ = rest_.substr(0, length);
    rest_.remove_prefix(length);
  }

  void advance() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\t' || rest_[0] == '\n')) rest_.remove_prefix(1);
    if (rest_.empty()) {
      token_ = PathToken::end;
      return;
    }
    const char c = rest_[0];
    if (is_digit(c)) {
      token_ = PathToken::index;
      return take_while(is_digit);
    }
    if (is_field_start(c)) {
      token_ = PathToken::field;
      return take_while([](char f) { return is_field_start(f) || is_digit(f); });
    }
    rest_.remove_prefix(1);
    switch (c) {
      case '.': token_ = PathToken::dot; return;
      case '[': token_ = PathToken::open; return;
      case ']': token_ = PathToken::close; return;
      case '"': return take_string();
      default: token_ = PathToken::bad; bad_ = c;
    }
  }

  void take_string() {
    token_ = PathToken::string;
    text_.clear();
    while (!rest_.empty() && rest_[0] != '"') {
      if (rest_[0] == '\\' && rest_.size() > 1) rest_.remove_prefix(1);
      text_ += rest_[0];
      rest_.remove_prefix(1);
    }
    if (!rest_.empty()) rest_.remove_prefix(1);
  }

  std::string_view rest_;
  PathToken token_ = PathToken::end;
  std::string text_;
  char bad_ = ' ';
  std::vector<JsonStep> steps_;
};

/// Offset of the element of the array at data[0] with this index; npos when there is none.
size_t find_element(std::string_view data, size_t index) {
  size_t at = 1;
  for (size_t i = 0;; ++i) {
    at = next_json_token(data, at);
    if (at == std::string_view::npos || data[at] == ']') return std::string_view::npos;
    if (i == index) return at;
    JsonValue value;
    if (read_json_value(data, at, &value) != JsonFault::none) return std::string_view::npos;
    at = next_json_token(data, value.end);
    if (at == std::string_view::npos || data[at] != ',') return std::string_view::npos;
    ++at;
  }
}

/// The value `steps` lead to from the value that `data` is; empty when there is none.
std::string_view find_value(std::string_view data, const JsonStep* steps, size_t count, std::string* key_scratch) {
  for (size_t i = 0; i < count; ++i) {
    const size_t start = next_json_token(data, 0);
    if (start == std::string_view::npos) return {};
    data.remove_prefix(start);
    if (steps[i].is_index) {
      const size_t at = data[0] == '[' ? find_element(data, steps[i].index) : std::string_view::npos;
      if (at == std::string_view::npos) return {};
      data.remove_prefix(at);
      continue;
    }
    std::string_view found;
    for_each_json_member(data, key_scratch, [&](std::string_view key, const JsonValue& value) {
      if (key != steps[i].key) return JsonFault::none;
      // With the quotes, so that the value can be read again.
      const size_t quote = value.type == JsonType::string ? 1 : 0;
      found = std::string_view(value.text.data() - quote, value.text.size() + 2 * quote);
      return JsonFault::stopped;
    });
    if (found.empty()) return {};
    data = found;
  }
  return data;
}

}  // namespace

Result<std::vector<JsonStep>> parse_json_path(std::string_view expression) {
  return PathParser(expression).parse();
}

Result<JsonPathExtractor> JsonPathExtractor::make(const std::vector<ExtractionExpr>& expressions) {
  JsonPathExtractor extractor;
  for (const ExtractionExpr& expression : expressions) {
    auto steps = parse_json_path(expression.expression);
    if (!steps.ok()) {
      return Error::invalid(
          fmt::format("cannot parse expression [{}]: {}", expression.expression, steps.error().message));
    }
    extractor.longest_ = std::max(extractor.longest_, steps->size());
    extractor.paths_.push_back({.name = expression.name, .steps = std::move(steps).value(), .matched = false});
  }
  extractor.trail_.resize(extractor.longest_);
  return extractor;
}

bool JsonPathExtractor::enters_arrays() const {
  return std::any_of(paths_.begin(), paths_.end(), [](const Path& path) {
    return std::any_of(path.steps.begin(), path.steps.end(), [](const JsonStep& step) { return step.is_index; });
  });
}

struct JsonPathExtractor::Walk {
  std::string_view line;
  FieldSink* sink = nullptr;
  size_t at = 0;
  int64_t level = 0;  ///< objects (and arrays that a path enters) around `at`
  size_t matched = 0;
  JsonFault fault = JsonFault::none;
  bool stopped = false;
};

/// Whether the walk's trail is the beginning of the path.
bool JsonPathExtractor::follows(const Path& path, size_t levels) const {
  for (size_t i = 0; i < levels; ++i) {
    if (path.steps[i].is_index || path.steps[i].key != trail_[i]) return false;
  }
  return true;
}

void JsonPathExtractor::give(Path* path, std::string_view data, size_t at, Walk* walk) {
  path->matched = true;
  ++walk->matched;
  JsonValue value;
  if (const JsonFault fault = read_json_value(data, at, &value); fault != JsonFault::none) {
    walk->fault = fault;
    return;
  }
  std::string_view text;
  if (value.type == JsonType::object) {
    text = value.text;
  } else if (value.type != JsonType::null) {
    text = json_label_value(value.text, &value_);
  }
  if (!walk->sink->on_field(path->name, text)) walk->stopped = true;
}

/// A key whose colon is at walk->at.
bool JsonPathExtractor::on_key(std::string_view key, Walk* walk) {
  if (walk->level > static_cast<int64_t>(longest_)) return true;
  if (walk->level < 1) {
    walk->fault = JsonFault::malformed;
    return false;
  }
  const auto level = static_cast<size_t>(walk->level);
  trail_[level - 1].assign(key);
  for (Path& path : paths_) {
    if (path.matched || path.steps.size() != level || !follows(path, level)) continue;
    give(&path, walk->line, walk->at + 1, walk);
    if (walk->stopped) return false;
  }
  return walk->matched < paths_.size();
}

/// At a quote.  False ends the walk.
bool JsonPathExtractor::on_string(Walk* walk) {
  bool escaped = false;
  const size_t start = walk->at + 1;
  const size_t end = json_string_end(walk->line, start, &escaped);
  if (end == std::string_view::npos) return false;
  const size_t next = next_json_token(walk->line, end);
  if (next == std::string_view::npos) return false;
  if (walk->line[next] != ':') {
    walk->at = next - 1;
    return true;
  }
  std::string_view key = walk->line.substr(start, end - start - 1);
  if (escaped) {
    key_.clear();
    if (!append_json_unescaped(key, &key_)) return false;
    key = key_;
  }
  walk->at = next;
  return on_key(key, walk);
}

/// At an opening bracket.  False ends the walk.
bool JsonPathExtractor::on_array(Walk* walk) {
  if (walk->level < 0) {
    walk->fault = JsonFault::malformed;
    return false;
  }
  const auto level = static_cast<size_t>(walk->level);
  const std::string_view array = walk->line.substr(walk->at);
  for (Path& path : paths_) {
    if (path.matched || path.steps.size() < level + 1 || !path.steps[level].is_index || !follows(path, level)) continue;
    const size_t element = find_element(array, path.steps[level].index);
    if (element == std::string_view::npos) continue;
    const std::string_view found =
        find_value(array.substr(element), path.steps.data() + level + 1, path.steps.size() - level - 1, &key_);
    if (found.empty()) {
      path.matched = true;
      ++walk->matched;
      continue;
    }
    give(&path, found, 0, walk);
    if (walk->stopped) return false;
  }
  JsonValue value;
  if (read_json_value(walk->line, walk->at, &value) != JsonFault::none) return false;
  walk->at = value.end - 1;
  return walk->matched < paths_.size();
}

ExtractOutcome JsonPathExtractor::extract(std::string_view line, FieldSink* sink, bool* looked) {
  *looked = false;
  if (line.empty()) return {};
  if (line[0] != '"' && line[0] != '{' && line[0] != '[') return {.failed = true, .details = {}};
  *looked = true;
  for (Path& path : paths_) path.matched = false;
  Walk walk;
  walk.line = line;
  walk.sink = sink;
  for (bool go_on = true; go_on && walk.at < line.size(); ++walk.at) {
    switch (line[walk.at]) {
      case '"': go_on = on_string(&walk); break;
      case '{': ++walk.level; break;
      case '}':
      case ']': --walk.level; break;
      case '[': go_on = on_array(&walk); break;
      default: break;
    }
  }
  return {.failed = walk.fault != JsonFault::none, .details = fault_text(walk.fault)};
}

}  // namespace cordwood::query
