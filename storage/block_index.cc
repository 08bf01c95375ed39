// SPDX-License-Identifier: Apache-2.0
#include "storage/block_index.h"

#include <algorithm>
#include <cstring>

#include "storage/base/checksum.h"
#include "storage/base/coding.h"
#include "storage/base/same_text.h"
#include "storage/binned_sort.h"
#include "storage/bloom_filter.h"
#include "storage/model/utf8.h"
#include "storage/text_tokens.h"

namespace cordwood {

namespace {

constexpr uint32_t kBitsPerKey = 12;
constexpr uint32_t kLeastBitsPerKey = 6;
/// What the token filter may take of the raw bytes before its keys get fewer bits, in thousandths.
constexpr uint64_t kTokenShare = 10;
/// A block with more distinct tokens than one in so many bytes has no token filter.
constexpr uint64_t kBytesPerToken = 32;
constexpr uint64_t kBytesPerGram = 512;
constexpr size_t kMaxGrams = 1u << 16;
constexpr size_t kFewest = 1024;  ///< what a small block may have all the same
constexpr size_t kSeenAtFirst = 1u << 12;
constexpr size_t kSeenAtMost = 1u << 18;  ///< what is kept from block to block
constexpr uint16_t kTrials = 512;
constexpr size_t kSeenGrams = kMaxGrams * 2;

template <typename T>
T load(const char* at) {
  T v;
  std::memcpy(&v, at, sizeof v);
  return v;
}

/// Mixes a cell's length and both its ends: any function of its bytes will do.
uint64_t mix_of(std::string_view cell) {
  uint64_t mix = cell.size();
  if (cell.size() >= 8) {
    mix ^= load<uint64_t>(cell.data()) ^ load<uint64_t>(cell.data() + cell.size() - 8) * 0x9e3779b97f4a7c15ull;
  } else if (cell.size() >= 4) {
    mix ^= uint64_t{load<uint32_t>(cell.data())} << 32 | load<uint32_t>(cell.data() + cell.size() - 4);
  } else {
    for (const char c : cell) mix = mix << 8 | static_cast<uint8_t>(c);
  }
  mix *= 0xff51afd7ed558ccdull;
  return mix ^ mix >> 32;
}

uint32_t bits_per_key(size_t keys, uint64_t raw_bytes) {
  const uint64_t bits = raw_bytes * 8 * kTokenShare / 1000 / std::max<size_t>(keys, 1);
  return static_cast<uint32_t>(std::clamp<uint64_t>(bits, kLeastBitsPerKey, kBitsPerKey));
}

}  // namespace

uint32_t BlockTextFacts::traits_of_id(std::string_view digits) {
  // Letters have bit 6, and small ones bit 5, too; digits and dashes have bit 5 alone.
  constexpr uint64_t kBit6 = 0x4040404040404040;
  uint64_t small = 0;
  uint64_t capital = 0;
  const auto take = [&](uint64_t bytes) {
    const uint64_t bit5 = bytes << 1;
    small |= bytes & bit5 & kBit6;
    capital |= bytes & ~bit5 & kBit6;
  };
  size_t i = 0;
  for (; i + 8 <= digits.size(); i += 8) take(load<uint64_t>(digits.data() + i));
  for (; i < digits.size(); ++i) take(static_cast<uint8_t>(digits[i]));
  return (small != 0 ? kNoSmallDigits : 0u) | (capital != 0 ? kNoCapitalDigits : 0u);
}

uint64_t BlockTextFacts::filter_bytes() const {
  return bloom_bytes(token_blocks) + bloom_bytes(gram_blocks);
}

Result<BlockIndexHeader> check_block_index(std::string_view bytes) {
  if (bytes.size() < BlockIndexHeader::kBytes + 8) return Error::corrupt("a block's index is too short");
  const std::string_view body = bytes.substr(0, bytes.size() - 8);
  if (checksum_differs(ByteReader(bytes.substr(body.size())).u64(), xxh3_64(body))) {
    return Error::corrupt("a block's index is damaged");
  }
  ByteReader in(body);
  BlockIndexHeader h;
  h.facts.flags = in.u32();
  h.facts.hex_lengths = in.u32();
  h.ids = in.u32();
  h.facts.token_blocks = in.u32();
  h.facts.gram_blocks = in.u32();
  if (h.facts.token_blocks > kMaxBloomBlocks || h.facts.gram_blocks > kMaxBloomBlocks ||
      h.total_bytes() != bytes.size()) {
    return Error::corrupt("a block's index does not have the size its head tells");
  }
  return h;
}

void encode_block_index(const BlockTextFacts& facts, std::span<const uint64_t> ids, std::string_view filters,
                        std::string* out) {
  BlockIndexHeader header;
  header.facts = facts;
  header.ids = static_cast<uint32_t>(ids.size());
  out->clear();
  out->reserve(header.total_bytes());
  ByteWriter w(out);
  w.u32(facts.flags);
  w.u32(facts.hex_lengths);
  w.u32(header.ids);
  w.u32(facts.token_blocks);
  w.u32(facts.gram_blocks);
  for (const uint64_t id : ids) {
    char bytes[8];
    std::memcpy(bytes, &id, 8);
    out->append(bytes, BlockIndexHeader::kIdBytes);
  }
  out->append(filters);
  w.u64(xxh3_64(*out));
}

void sort_ids(std::vector<uint64_t>* ids) {
  constexpr int kBinBits = 12;
  std::vector<uint64_t> room;
  sort_in_bins(ids, size_t{1} << kBinBits, &room, [](uint64_t id) { return id >> (kIdHashBits - kBinBits); });
  ids->erase(std::unique(ids->begin(), ids->end()), ids->end());
}

void BlockIndexBuilder::reset(uint64_t raw_bytes) {
  facts_ = BlockTextFacts();
  raw_bytes_ = raw_bytes;
  id_traits_ = 0;
  ids_.clear();
  tokens_.clear();
  token_texts_.clear();
  grams_.clear();
  max_tokens_ = std::max<size_t>(kFewest, raw_bytes / kBytesPerToken);
  max_grams_ = std::clamp<size_t>(raw_bytes / kBytesPerGram, kFewest, kMaxGrams);
  too_many_tokens_ = too_many_grams_ = false;
  seen_.assign(std::clamp(seen_.size(), kSeenAtFirst, kSeenAtMost), Seen());
  if (seen_grams_.empty()) seen_grams_.resize(kSeenGrams);
  if (++stamp_ == 0) {
    seen_grams_.assign(seen_grams_.size(), SeenGram());
    stamp_ = 1;
  }
  lately_.assign(kLately, Cell());
  luck_.assign(kColumns, ColumnLuck());
  std::fill(std::begin(time_pieces_), std::end(time_pieces_), 0);
}

bool BlockIndexBuilder::seen_lately(uint32_t column, std::string_view cell) {
  ColumnLuck& luck = luck_[column % kColumns];
  if (luck.tries >= kTrials && luck.hits < kTrials / 8) return false;
  const uint64_t mix = mix_of(cell);
  Cell& slot = lately_[mix % kLately];
  const auto tag = static_cast<uint32_t>(mix >> 32);
  const bool same = slot.text != nullptr && slot.tag == tag && same_text({slot.text, slot.size}, cell);
  if (luck.tries < kTrials) {
    ++luck.tries;
    luck.hits = static_cast<uint16_t>(luck.hits + same);
  }
  if (!same && cell.data() != nullptr) slot = {cell.data(), static_cast<uint32_t>(cell.size()), tag};
  return same;
}

void BlockIndexBuilder::add_text(std::string_view text) {
  const auto& classes = text_tables::kClasses;
  const char* at = text.data();
  const char* const end = at + text.size();
  skip_until_ = at;
  while (at != end) {
    uint8_t c = static_cast<uint8_t>(*at);
    uint8_t k = classes[c];
    if ((k & kTokenChar) == 0) {
      if (c == '-') add_joint(text, at);
      ++at;
      continue;
    }
    Token token;
    token.begin = at;
    uint8_t all = 0xff;
    uint8_t any = 0;
    do {
      all &= k;
      any |= c;
      if (++at == end) break;
      c = static_cast<uint8_t>(*at);
      k = classes[c];
    } while ((k & kTokenChar) != 0);
    token.end = at;
    token.all = all;
    token.high = (any & 0x80) != 0;
    add_token(text, token);
  }
}

void BlockIndexBuilder::add_token(std::string_view text, const Token& token) {
  const size_t size = static_cast<size_t>(token.end - token.begin);
  bool escaped = false;
  if (token.begin != text.data() && token.begin[-1] == '\\') {
    escaped = (text_class_of(*token.begin) & kEscapeLetter) != 0;
    take_escape(text, token);
  }
  if (size >= 8) {
    if (token.end != text.data() + text.size() && *token.end == '-') take_uuid(text, token, escaped);
    if (size >= 16) take_hex_runs(token, escaped);
  }
  if (token.begin < skip_until_) return;
  list_token(token.text(), token.all, token.high);
  if (escaped && size > 1) list_token(token.text().substr(1), token.all, token.high);
}

/// `all`: classes that every character of the token has, at least.
void BlockIndexBuilder::list_token(std::string_view token, uint8_t all, bool high) {
  const bool hex = (all & kHexDigit) != 0;
  if (hex && (all & kDigit) != 0 && token.size() <= kShortNumber) return;
  if (hex && (token.size() == 16 || token.size() == 32)) return;
  // Only tokens that begin with a digit, and long ones, may be of a kind that is not listed.
  const bool number = (all & kDigit) != 0;
  const bool plain = (number || (text_class_of(token[0]) & kDigit) == 0) && token.size() != 16 && token.size() != 32;
  if (!plain && !is_listed_token(token)) {
    if (!hex) list_piece_of_time(token);
    return;
  }
  if (too_many_tokens_ && too_many_grams_ && !high) return;
  const uint64_t hash = token_hash(token);
  if (!is_new(token, hash)) return;
  if (!hex) add_grams(token);
  if (high && has_replacement_rune(token)) facts_.flags |= BlockTextFacts::kHidden;
}

/// Digits, a letter, perhaps digits: what grams it has is told by the lengths.
void BlockIndexBuilder::list_piece_of_time(std::string_view token) {
  size_t letter = 0;
  while (letter < token.size() && (text_class_of(token[letter]) & kDigit) != 0) ++letter;
  const bool known = letter < token.size() && (token[letter] == 'T' || token[letter] == 'Z');
  if (known && letter < std::size(time_pieces_) && token.size() < 64) {
    const uint64_t bit = uint64_t{1} << token.size();
    // T and Z are told apart by what follows: Z ends the token, T does not.
    if ((time_pieces_[letter] & bit) != 0) return;
    time_pieces_[letter] |= bit;
  }
  add_grams(token);
}

/// A backslash stands before the token: its first letter may be part of an escape.
void BlockIndexBuilder::take_escape(std::string_view text, const Token& token) {
  const char* before = token.begin - 1;
  while (before != text.data() && before[-1] == '\\') --before;
  const bool odd = (token.begin - before) % 2 != 0;
  if (odd && (text_class_of(*token.begin) & kEscapeNumber) != 0) facts_.flags |= BlockTextFacts::kHidden;
}

void BlockIndexBuilder::take_uuid(std::string_view text, const Token& token, bool escaped) {
  UuidPlace uuid;
  if (!find_uuid(text, static_cast<size_t>(token.end - text.data()), &uuid)) return;
  // An escape's letter can be taken for a digit of the id.
  if (escaped) facts_.flags |= BlockTextFacts::kHidden;
  if (!uuid.exact()) {
    facts_.flags |= BlockTextFacts::kLongUuid;
    return;
  }
  id_traits_ |= BlockTextFacts::kNoUuids;
  take_id(text.substr(uuid.begin, uuid.end - uuid.begin));
  const bool alone =
      text.data() + uuid.begin == token.begin && (uuid.end == text.size() || !is_token_char(text[uuid.end]));
  if (alone) skip_until_ = text.data() + uuid.end;
}

void BlockIndexBuilder::take_id(std::string_view digits) {
  ids_.push_back(id_hash(digits) >> (64 - kIdHashBits));
  id_traits_ |= BlockTextFacts::traits_of_id(digits);
}

void BlockIndexBuilder::take_hex_runs(const Token& token, bool escaped) {
  const auto take = [&](const char* begin, const char* end) {
    const size_t digits = static_cast<size_t>(end - begin);
    if (digits < 16) return;
    if (escaped && begin == token.begin) facts_.flags |= BlockTextFacts::kHidden;
    facts_.hex_lengths |= hex_length_bit(digits);
    if (digits == 16 || digits == 32) take_id({begin, digits});
  };
  if ((token.all & kHexDigit) != 0) return take(token.begin, token.end);
  for (const char* at = token.begin; at != token.end;) {
    if (!is_hex_digit(*at)) {
      ++at;
      continue;
    }
    const char* run = at;
    while (at != token.end && is_hex_digit(*at)) ++at;
    take(run, at);
  }
}

/// Adds the token's hash to those of the filter, if it is not there yet.
bool BlockIndexBuilder::is_new(std::string_view token, uint64_t hash) {
  if (tokens_.size() >= max_tokens_) too_many_tokens_ = true;
  if (tokens_.size() * 2 >= seen_.size() && !too_many_tokens_) grow_seen();
  const size_t mask = seen_.size() - 1;
  const auto tag = static_cast<uint32_t>(hash);
  size_t i = (hash >> 32) & mask;
  for (; seen_[i].token != 0; i = (i + 1) & mask) {
    if (seen_[i].tag != tag) continue;
    const size_t t = seen_[i].token - 1;
    if (same_text(token_texts_[t], token)) return false;
  }
  // Past the limit there is no token filter, but each token counts as new: its grams are still wanted.
  if (too_many_tokens_) return true;
  tokens_.push_back(hash);
  token_texts_.push_back(token);
  seen_[i] = {tag, static_cast<uint32_t>(tokens_.size())};
  return true;
}

void BlockIndexBuilder::grow_seen() {
  seen_.assign(seen_.size() * 2, Seen());
  const size_t mask = seen_.size() - 1;
  for (size_t t = 0; t < tokens_.size(); ++t) {
    size_t i = (tokens_[t] >> 32) & mask;
    while (seen_[i].token != 0) i = (i + 1) & mask;
    seen_[i] = {static_cast<uint32_t>(tokens_[t]), static_cast<uint32_t>(t + 1)};
  }
}

void BlockIndexBuilder::add_grams(std::string_view token) {
  for_each_gram(token, [this](uint32_t gram) { add_gram(gram); });
}

void BlockIndexBuilder::add_joint(std::string_view text, const char* dash) {
  const uint64_t joint = joint_at(text, static_cast<size_t>(dash - text.data()));
  if (joint != 0) add_gram(joint);
}

void BlockIndexBuilder::add_gram(uint64_t gram) {
  if (too_many_grams_) return;
  constexpr size_t kMask = kSeenGrams - 1;
  const uint64_t hash = gram_hash(gram);
  for (size_t i = hash & kMask;; i = (i + 1) & kMask) {
    SeenGram& s = seen_grams_[i];
    if (s.stamp == stamp_ && s.gram == gram) return;
    if (s.stamp == stamp_) continue;
    if (grams_.size() >= max_grams_) {
      too_many_grams_ = true;
      return;
    }
    s = {gram, stamp_};
    grams_.push_back(hash);
    return;
  }
}

void BlockIndexBuilder::finish(std::string* out) {
  sort_ids(&ids_);
  facts_.flags |= BlockTextFacts::kIndexed | (BlockTextFacts::kNoTraits & ~id_traits_);
  if (!too_many_tokens_) {
    facts_.flags |= BlockTextFacts::kTokens;
    facts_.token_blocks = bloom_blocks_for(tokens_.size(), bits_per_key(tokens_.size(), raw_bytes_));
  }
  if (!too_many_grams_) {
    facts_.flags |= BlockTextFacts::kGrams | BlockTextFacts::kJoints;
    facts_.gram_blocks = bloom_blocks_for(grams_.size(), kBitsPerKey);
  }
  std::string filters;
  filters.reserve(facts_.filter_bytes());
  if (facts_.token_blocks > 0) append_bloom(tokens_, facts_.token_blocks, kTokenFilter, &filters);
  if (facts_.gram_blocks > 0) append_bloom(grams_, facts_.gram_blocks, kGramFilter, &filters);
  encode_block_index(facts_, ids_, filters, out);
}

}  // namespace cordwood
