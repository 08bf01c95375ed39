// SPDX-License-Identifier: Apache-2.0
#include "storage/shred_logfmt.h"

#include "storage/model/utf8.h"

namespace cordwood::shred {

namespace {

constexpr uint32_t kMinPairs = 2;

bool is_space(char c) {
  return static_cast<uint8_t>(c) <= ' ';
}

bool is_valid_key(std::string_view key) {
  bool ascii = true;
  for (char c : key) ascii &= static_cast<uint8_t>(c) < 0x80;
  return ascii || !has_replacement_rune(key);
}

bool has_digit(std::string_view word) {
  for (char c : word) {
    if (is_digit(c)) return true;
  }
  return false;
}

}  // namespace

CutResult cut_logfmt(std::string_view line, uint32_t max_slots, LineCuts* cuts) {
  const char* begin = line.data();
  const char* end = begin + line.size();
  const auto offset = [&](const char* at) { return static_cast<uint32_t>(at - begin); };
  uint32_t words = 0;
  for (const char* at = begin; at != end;) {
    if (is_space(*at)) {
      ++at;
      continue;
    }
    const char* key = at;
    at = find_stop<'"', '=', ' '>(at, end);
    const std::string_view key_text(key, static_cast<size_t>(at - key));
    if (at == end || is_space(*at)) {
      if (has_digit(key_text) || !is_valid_key(key_text)) return CutResult::not_this_form;
      ++words;
      continue;
    }
    if (*at == '"' || at == key || !is_valid_key(key_text)) return CutResult::not_this_form;
    const bool quoted = end - at > 1 && at[1] == '"';
    const char* value = quoted ? at + 2 : at + 1;
    const SlotScan scan = quoted ? SlotScan::json_string : SlotScan::logfmt_value;
    at = scan_slot(scan, value, end, 0);
    if (at == nullptr) return CutResult::not_this_form;
    if (cuts->cuts.size() >= max_slots) return CutResult::over_limit;
    cuts->cuts.push_back({offset(value), offset(at), scan, 0, static_cast<uint32_t>(cuts->keys.size())});
    cuts->keys.push_back({offset(key), offset(key) + static_cast<uint32_t>(key_text.size()), CutKey::kNoParent});
    if (quoted && ++at != end && !is_space(*at)) return CutResult::not_this_form;
  }
  const size_t pairs = cuts->cuts.size();
  return pairs >= kMinPairs && pairs >= words ? CutResult::done : CutResult::not_this_form;
}

}  // namespace cordwood::shred
