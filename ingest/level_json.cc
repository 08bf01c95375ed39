// SPDX-License-Identifier: Apache-2.0
#include "ingest/json_reader.h"
#include "ingest/level_detector.h"
#include "storage/base/byte_scan.h"

namespace cordwood::ingest {

namespace {

/// Walks objects as leniently as Loki's parser does: nested values are delimited by brackets of their own kind alone,
/// an object's end is found before it is entered, and whatever is malformed ends the walk.
class LevelWalk {
 public:
  LevelWalk(const LevelFields& fields, int max_depth) : fields_(fields), max_depth_(max_depth) {}

  /// False when the walk is over: found, or malformed.
  bool object(const char* p, const char* end, int depth) {
    // The limit keeps the stack bounded where configuration sets none.
    constexpr int kStackDepth = 256;
    if ((max_depth_ > 0 && depth >= max_depth_) || depth >= kStackDepth) return true;
    p = skip_space(p, end);
    if (p == end || *p != '{') return false;
    p = skip_space(p + 1, end);
    if (p == end) return false;
    while (p < end) {
      if (*p == '}') return true;
      if (*p != '"') return false;
      if (!member(&p, end, depth)) return false;
      p = skip_space(p, end);
      if (p == end) return false;
      if (*p == '}') return true;
      if (*p != ',') return false;
      p = skip_space(p + 1, end);
      if (p == end) return false;
    }
    return true;
  }
  std::string_view found() const { return found_; }

 private:
  static const char* skip_space(const char* p, const char* end) {
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) ++p;
    return p;
  }

  /// One `"key": value`; false when the walk is over.
  bool member(const char** at, const char* end, int depth) {
    const char* key = *at + 1;
    bool escaped = false;
    const char* key_end = find_string_end(key, end, &escaped);
    if (key_end == nullptr) return false;
    const char* p = skip_space(key_end + 1, end);
    if (p == end || *p != ':') return false;
    p = skip_space(p + 1, end);
    if (p == end) return false;
    switch (*p) {
      case '"': {
        bool value_escaped = false;
        const char* value_end = find_string_end(p + 1, end, &value_escaped);
        if (value_end == nullptr) return false;
        if (is_field({key, static_cast<size_t>(key_end - key)}, escaped)) {
          found_ = {p + 1, static_cast<size_t>(value_end - p - 1)};
          return false;
        }
        *at = value_end + 1;
        return true;
      }
      case '{': {
        const char* block = block_end(p, end, '{', '}');
        if (block == nullptr) return false;
        *at = block;
        return object(p, block, depth + 1);
      }
      case '[': {
        const char* block = block_end(p, end, '[', ']');
        if (block == nullptr) return false;
        *at = block;
        return true;
      }
      default: return scalar(p, end, at);
    }
  }

  static bool scalar(const char* p, const char* end, const char** at) {
    const char* stop = p;
    while (stop < end && *stop != ',' && *stop != '}' && *stop != ']' && *stop != ' ' && *stop != '\n' &&
           *stop != '\r' && *stop != '\t') {
      ++stop;
    }
    *at = stop;
    if (*p == '-' || (*p >= '0' && *p <= '9')) return true;
    const std::string_view text(p, static_cast<size_t>(stop - p));
    return text == "true" || text == "false" || text == "null";
  }

  static const char* block_end(const char* p, const char* end, char open, char close) {
    size_t level = 0;
    while (p < end) {
      const char c = *p++;
      if (c == '"') {
        bool escaped = false;
        p = find_string_end(p, end, &escaped);
        if (p == nullptr) return nullptr;
        ++p;
      } else if (c == open) {
        ++level;
      } else if (c == close && --level == 0) {
        return p;
      }
    }
    return nullptr;
  }

  bool is_field(std::string_view raw_key, bool escaped) const {
    if (!escaped) return fields_.has(raw_key);
    std::string key;
    return unescape_json(raw_key, &key) && fields_.has(key);
  }

  const LevelFields& fields_;
  const int max_depth_;
  std::string_view found_;
};

}  // namespace

std::string_view find_json_level(std::string_view line, const LevelFields& fields, int max_depth) {
  LevelWalk walk(fields, max_depth);
  walk.object(line.data(), line.data() + line.size(), 0);
  return walk.found();
}

}  // namespace cordwood::ingest
