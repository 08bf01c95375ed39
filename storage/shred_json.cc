// SPDX-License-Identifier: Apache-2.0
#include "storage/shred_json.h"

#include <algorithm>
#include <bitset>

#include "storage/model/utf8.h"

namespace cordwood::shred {

namespace {

constexpr uint32_t kMaxArrayDepth = 256;

/// One pass over a json object, keeping the stack of open objects in the keys' parents.
class ObjectCutter {
 public:
  ObjectCutter(std::string_view line, uint32_t max_slots, uint32_t max_depth, LineCuts* cuts)
      : begin_(line.data()),
        at_(begin_),
        end_(begin_ + line.size()),
        max_slots_(max_slots),
        max_depth_(max_depth),
        cuts_(cuts) {}

  CutResult run() {
    at_ = skip_json_space(at_, end_);
    if (at_ == end_ || *at_ != '{') return CutResult::not_this_form;
    if (max_depth_ == 0) return CutResult::over_limit;
    ++at_;
    depth_ = 1;
    bool first = true;
    while (depth_ > 0) {
      const CutResult result = first_or_next_member(first, &first);
      if (result != CutResult::done) return result;
    }
    return skip_json_space(at_, end_) == end_ ? CutResult::done : CutResult::not_this_form;
  }

 private:
  /// Takes one member, or the end of the object.  `opened` is set when a new object was entered.
  CutResult first_or_next_member(bool first, bool* opened) {
    *opened = false;
    at_ = skip_json_space(at_, end_);
    if (at_ == end_) return CutResult::not_this_form;
    if (*at_ == '}') {
      close_object();
      return CutResult::done;
    }
    if (!first) {
      if (*at_ != ',') return CutResult::not_this_form;
      at_ = skip_json_space(at_ + 1, end_);
    }
    if (!take_key()) return CutResult::not_this_form;
    if (at_ == end_) return CutResult::not_this_form;
    if (*at_ != '{') return take_value();
    if (depth_ >= max_depth_) return CutResult::over_limit;
    parent_ = static_cast<uint32_t>(cuts_->keys.size() - 1);
    ++depth_;
    ++at_;
    *opened = true;
    return CutResult::done;
  }

  void close_object() {
    ++at_;
    --depth_;
    if (depth_ > 0) parent_ = cuts_->keys[parent_].parent;
  }

  /// "key" : with the white space after it.
  bool take_key() {
    if (at_ == end_ || *at_ != '"') return false;
    const char* key = at_ + 1;
    at_ = scan_json_string(key, end_);
    if (at_ == nullptr) return false;
    cuts_->keys.push_back({offset(key), offset(at_), parent_});
    at_ = skip_json_space(at_ + 1, end_);
    if (at_ == end_ || *at_ != ':') return false;
    at_ = skip_json_space(at_ + 1, end_);
    return true;
  }

  CutResult take_value() {
    const SlotScan scan = *at_ == '"'   ? SlotScan::json_string
                          : *at_ == '[' ? SlotScan::json_array
                                        : SlotScan::json_bare;
    const char* value = scan == SlotScan::json_string ? at_ + 1 : at_;
    const char* after = scan_slot(scan, value, end_, max_depth_ - depth_);
    if (after == nullptr) return CutResult::not_this_form;
    if (cuts_->cuts.size() >= max_slots_) return CutResult::over_limit;
    const auto key = static_cast<uint32_t>(cuts_->keys.size() - 1);
    cuts_->cuts.push_back({offset(value), offset(after), scan, static_cast<uint8_t>(max_depth_ - depth_), key});
    at_ = scan == SlotScan::json_string ? after + 1 : after;
    return CutResult::done;
  }

  uint32_t offset(const char* at) const { return static_cast<uint32_t>(at - begin_); }

  const char* begin_;
  const char* at_;
  const char* end_;
  uint32_t max_slots_;
  uint32_t max_depth_;
  LineCuts* cuts_;
  uint32_t depth_ = 0;
  uint32_t parent_ = CutKey::kNoParent;
};

/// A scalar inside an array.
const char* scan_json_scalar(const char* at, const char* end) {
  if (at == end) return nullptr;
  if (*at != '"') return scan_json_bare(at, end);
  at = scan_json_string(at + 1, end);
  return at == nullptr ? nullptr : at + 1;
}

/// "key" : inside an array's object.
const char* scan_json_key(const char* at, const char* end) {
  if (at == end || *at != '"') return nullptr;
  at = scan_json_string(at + 1, end);
  if (at == nullptr) return nullptr;
  at = skip_json_space(at + 1, end);
  return at == end || *at != ':' ? nullptr : skip_json_space(at + 1, end);
}

/// The 16-bit unit of a \u escape whose four digits start at `at`.
char32_t escape_unit(std::string_view text, size_t at) {
  char32_t unit = 0;
  for (size_t i = at; i < at + 4; ++i) unit = unit << 4 | static_cast<char32_t>(hex_value(text[i]));
  return unit;
}

/// Appends the rune of the \u escape at `at`; returns the offset after it, or after its pair.
size_t decode_unicode_escape(std::string_view text, size_t at, std::string* out) {
  char32_t rune = escape_unit(text, at + 2);
  at += 6;
  if (rune < 0xD800 || rune > 0xDFFF) {
    append_utf8(rune, out);
    return at;
  }
  if (rune <= 0xDBFF && text.size() - at >= 6 && text[at] == '\\' && text[at + 1] == 'u') {
    const char32_t low = escape_unit(text, at + 2);
    if (low >= 0xDC00 && low <= 0xDFFF) {
      append_utf8(0x10000 + ((rune - 0xD800) << 10) + (low - 0xDC00), out);
      return at + 6;
    }
  }
  append_utf8(0xFFFD, out);
  return at;
}

}  // namespace

const char* scan_json_array(const char* at, const char* end, uint32_t max_depth) {
  if (at == end || *at != '[' || max_depth == 0) return nullptr;
  max_depth = std::min(max_depth, kMaxArrayDepth);
  std::bitset<kMaxArrayDepth> is_object;
  uint32_t depth = 1;
  bool opened = true;
  ++at;
  while (depth > 0) {
    at = skip_json_space(at, end);
    if (at == end) return nullptr;
    const bool object = is_object[depth - 1];
    if (*at == (object ? '}' : ']')) {
      --depth;
      ++at;
      opened = false;
      continue;
    }
    if (!opened) {
      if (*at != ',') return nullptr;
      at = skip_json_space(at + 1, end);
    }
    if (object && (at = scan_json_key(at, end)) == nullptr) return nullptr;
    if (at == end) return nullptr;
    opened = *at == '[' || *at == '{';
    if (!opened) {
      at = scan_json_scalar(at, end);
      if (at == nullptr) return nullptr;
      continue;
    }
    if (depth == max_depth) return nullptr;
    is_object[depth] = *at == '{';
    ++depth;
    ++at;
  }
  return at;
}

CutResult cut_json(std::string_view line, uint32_t max_slots, uint32_t max_depth, LineCuts* cuts) {
  return ObjectCutter(line, max_slots, std::min(max_depth, kMaxArrayDepth - 1), cuts).run();
}

std::vector<std::string> json_path(std::string_view line, const LineCuts& cuts, uint32_t key) {
  std::vector<std::string> path;
  for (uint32_t at = key; at != CutKey::kNoParent; at = cuts.keys[at].parent) {
    path.push_back(decode_json_string(line.substr(cuts.keys[at].begin, cuts.keys[at].end - cuts.keys[at].begin)));
  }
  std::reverse(path.begin(), path.end());
  return path;
}

std::string decode_json_string(std::string_view escaped) {
  std::string out;
  out.reserve(escaped.size());
  for (size_t at = 0; at < escaped.size();) {
    const char c = escaped[at];
    if (c != '\\') {
      out.push_back(c);
      ++at;
      continue;
    }
    const char kind = escaped[at + 1];
    if (kind == 'u') {
      at = decode_unicode_escape(escaped, at, &out);
      continue;
    }
    switch (kind) {
      case 'b': out.push_back('\b'); break;
      case 'f': out.push_back('\f'); break;
      case 'n': out.push_back('\n'); break;
      case 'r': out.push_back('\r'); break;
      case 't': out.push_back('\t'); break;
      default: out.push_back(kind);
    }
    at += 2;
  }
  return out;
}

}  // namespace cordwood::shred
