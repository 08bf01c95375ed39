// SPDX-License-Identifier: Apache-2.0
#include "storage/text_probe.h"

#include <algorithm>

#include "storage/block_index.h"
#include "storage/model/utf8.h"
#include "storage/text_tokens.h"

namespace cordwood {

namespace {

/// A byte that is not valid UTF-8 is matched as this rune: the line need not hold its bytes.
/// Further conditions of a long needle would cost more than they rule out.
constexpr size_t kMaxTokens = 64;
constexpr size_t kMaxAskedGrams = 64;
constexpr size_t kMaxIds = 16;

/// Bits of this length and all greater ones.
uint32_t lengths_from(size_t digits) {
  return ~(hex_length_bit(digits) - 1);
}

/// s and k fold to runes of more bytes, too.
bool has_s_or_k(uint64_t gram) {
  for (; gram != 0; gram >>= 8) {
    if (const auto c = static_cast<char>(gram); c == 's' || c == 'k') return true;
  }
  return false;
}

template <typename Visit>
void for_each_joint(std::string_view text, const Visit& visit) {
  for (size_t dash = text.find('-'); dash != std::string_view::npos; dash = text.find('-', dash + 1)) {
    if (const uint64_t joint = joint_at(text, dash); joint != 0) visit(joint);
  }
}

template <typename T>
void add_once(const T& item, size_t limit, std::vector<T>* items) {
  if (items->size() < limit && std::find(items->begin(), items->end(), item) == items->end()) items->push_back(item);
}

}  // namespace

TextProbe TextProbe::substring(std::string_view needle) {
  return TextProbe(needle, false, false);
}

TextProbe TextProbe::value(std::string_view value) {
  return TextProbe(value, true, true);
}

TextProbe TextProbe::word(std::string_view word) {
  return TextProbe(word, true, false);
}

TextProbe TextProbe::folded(std::string_view needle) {
  TextProbe probe;
  probe.text_ = needle;
  for_each_token(needle, [&](size_t begin, size_t end) {
    for_each_gram(needle.substr(begin, end - begin), [&](uint32_t gram) {
      if (!has_s_or_k(gram)) add_once(gram_hash(gram), kMaxAskedGrams, &probe.conditions_.grams);
    });
  });
  for_each_joint(needle, [&](uint64_t joint) {
    if (!has_s_or_k(joint)) add_once(gram_hash(joint), kMaxAskedGrams, &probe.conditions_.joints);
  });
  probe.useful_ = !probe.conditions_.grams.empty() || !probe.conditions_.joints.empty();
  return probe;
}

template <typename Take>
void TextProbe::for_each_token(std::string_view text, const Take& take) {
  for (size_t at = 0; at < text.size();) {
    if (!is_token_char(text[at])) {
      ++at;
      continue;
    }
    const size_t begin = at;
    while (at < text.size() && is_token_char(text[at])) ++at;
    take(begin, at);
  }
}

TextProbe::TextProbe(std::string_view text, bool bounded, bool is_value)
    : text_(text), bounded_(bounded), is_value_(is_value) {
  if (text.find(kReplacementText) != std::string_view::npos) return;
  std::vector<std::pair<size_t, size_t>> tokens;
  for_each_token(text, [&](size_t begin, size_t end) { tokens.emplace_back(begin, end); });
  // Long tokens are the rare ones: they are asked for first.
  std::stable_sort(tokens.begin(), tokens.end(),
                   [](const auto& a, const auto& b) { return a.second - a.first > b.second - b.first; });
  for (const auto& [begin, end] : tokens) take_token(begin, end);
  for_each_joint(text, [&](uint64_t joint) { add_once(gram_hash(joint), kMaxAskedGrams, &conditions_.joints); });
  const Conditions& c = conditions_;
  useful_ = c.long_uuid || !c.hex_lengths.empty() || !c.ids.empty() || !c.tokens.empty() || !c.grams.empty() ||
            !c.joints.empty();
}

void TextProbe::take_token(size_t begin, size_t end) {
  const std::string_view token = std::string_view(text_).substr(begin, end - begin);
  if (end < text_.size() && text_[end] == '-') take_uuid(end);
  take_hex_runs(begin, end);
  if (closed_before(begin) && closed_at(end) && is_listed_token(token) && !may_be_uuid_part(begin, end)) {
    return add_once(token_hash(token), kMaxTokens, &conditions_.tokens);
  }
  for_each_gram(token, [&](uint32_t gram) { add_once(gram_hash(gram), kMaxAskedGrams, &conditions_.grams); });
}

/// Tokens of an UUID are not listed: its hash is in the id table.
bool TextProbe::may_be_uuid_part(size_t begin, size_t end) const {
  const std::string_view token = std::string_view(text_).substr(begin, end - begin);
  if (!std::all_of(token.begin(), token.end(), is_hex_digit)) return false;
  const bool dash_before = begin > 0 && text_[begin - 1] == '-';
  const bool dash_after = end < text_.size() && text_[end] == '-';
  return (token.size() == 8 && dash_after) || (token.size() == 4 && dash_before && dash_after) ||
         (token.size() == 12 && dash_before);
}

void TextProbe::take_hex_runs(size_t begin, size_t end) {
  for (size_t at = begin; at < end;) {
    if (!is_hex_digit(text_[at])) {
      ++at;
      continue;
    }
    const size_t run = at;
    while (at < end && is_hex_digit(text_[at])) ++at;
    const size_t digits = at - run;
    if (digits < 16) continue;
    // A byte of the needle that is no hex digit ends the run in the line as well.
    const bool whole = closed_before(run) && closed_at(at);
    if (digits == 16 || digits == 32) {
      const uint32_t longer = whole ? 0 : lengths_from(digits + 1);
      const std::string_view id = std::string_view(text_).substr(run, digits);
      add_once(Id{id_hash(id), old_id_hash(id), longer, false, BlockTextFacts::traits_of_id(id)}, kMaxIds,
               &conditions_.ids);
    } else {
      add_once(whole ? hex_length_bit(digits) : lengths_from(digits), kMaxIds, &conditions_.hex_lengths);
    }
  }
}

void TextProbe::take_uuid(size_t dash) {
  UuidPlace uuid;
  if (!find_uuid(text_, dash, &uuid)) return;
  if (!uuid.exact()) {
    conditions_.long_uuid = true;
    return;
  }
  const bool whole = closed_before(uuid.begin) && closed_at(uuid.end);
  const std::string_view digits = std::string_view(text_).substr(uuid.begin, uuid.end - uuid.begin);
  const uint32_t traits = BlockTextFacts::kNoUuids | BlockTextFacts::traits_of_id(digits);
  add_once(Id{id_hash(digits), old_id_hash(digits), 0, !whole, traits}, kMaxIds, &conditions_.ids);
}

}  // namespace cordwood
