// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/result.h"

namespace cordwood {

/// What is known of one block's text besides its id entries and filters.  The flags are on disk.
struct BlockTextFacts {
  static constexpr uint32_t kIndexed = 1;   ///< without it nothing is known
  static constexpr uint32_t kHidden = 2;    ///< escapes or bytes that are no UTF-8 may hide a value
  static constexpr uint32_t kLongUuid = 4;  ///< digits stand right beside what would be an UUID
  static constexpr uint32_t kTokens = 8;    ///< it has a token filter; one of no blocks holds nothing
  static constexpr uint32_t kGrams = 16;    ///< likewise
  // Of the ids in the id table.  An id that would have to have such a thing is not in the block.
  static constexpr uint32_t kNoUuids = 32;
  static constexpr uint32_t kNoSmallDigits = 64;     ///< a to f
  static constexpr uint32_t kNoCapitalDigits = 128;  ///< A to F
  static constexpr uint32_t kJoints = 256;           ///< the gram filter has joints, too
  static constexpr uint32_t kNoTraits = kNoUuids | kNoSmallDigits | kNoCapitalDigits;
  /// Which of the last two an id makes untrue.
  static uint32_t traits_of_id(std::string_view digits);
  uint32_t flags = 0;
  uint32_t hex_lengths = 0;   ///< hex_length_bit() of every run of 16 digits and more
  uint32_t token_blocks = 0;  ///< sizes of the filters, in bloom blocks
  uint32_t gram_blocks = 0;
  uint64_t filter_bytes() const;
};

/// Numbers that keep pages of one filter from passing for another's.  On disk.
inline constexpr uint32_t kTokenFilter = 1;
inline constexpr uint32_t kGramFilter = 2;

/// A block's index as it travels to its segment (never part of it as a whole):
///     flags u32  hex_lengths u32  ids u32  token_blocks u32  gram_blocks u32  (id: top 48 bits of its hash)*ids
///     ascending, each once  token filter  gram filter  xxh3 of all before u64
struct BlockIndexHeader {
  static constexpr size_t kBytes = 20;
  static constexpr size_t kIdBytes = 6;
  BlockTextFacts facts;
  uint32_t ids = 0;
  uint64_t ids_offset() const { return kBytes; }
  uint64_t filters_offset() const { return kBytes + uint64_t{ids} * kIdBytes; }
  uint64_t total_bytes() const { return filters_offset() + facts.filter_bytes() + 8; }
};
/// corrupt when checksum or sizes do not hold.
Result<BlockIndexHeader> check_block_index(std::string_view bytes);
/// Makes one of its parts; `ids` as sort_ids() leaves them, `filters` those whose sizes the facts tell.
void encode_block_index(const BlockTextFacts& facts, std::span<const uint64_t> ids, std::string_view filters,
                        std::string* out);
/// Top 48 bits of hashes: ascending, each once.
void sort_ids(std::vector<uint64_t>* ids);

/// Gathers what the index of a block needs from the text of its rows.  Text must stay where it is until finish().
/// One thread at a time; keeps its memory from block to block.
class BlockIndexBuilder {
 public:
  /// For a block of so many bytes of lines and metadata: bounds what the filters take.
  void reset(uint64_t raw_bytes);
  /// A line, or a part of one, or a metadata value: before and after it no token goes on, and no backslash stands
  /// before it.
  void add_text(std::string_view text);
  /// A cell of some column, or a metadata value: passed over if it came shortly before.  `column` only tells where
  /// looking for that pays.
  void add_cell(uint32_t column, std::string_view cell) {
    if (!seen_lately(column, cell)) add_text(cell);
  }
  void finish(std::string* out);

 private:
  struct Token {
    const char* begin = nullptr;
    const char* end = nullptr;
    uint8_t all = 0;    ///< classes that every character has
    bool high = false;  ///< some byte is >= 0x80
    std::string_view text() const { return {begin, static_cast<size_t>(end - begin)}; }
  };
  struct Seen {
    uint32_t tag = 0;
    uint32_t token = 0;  ///< index into tokens_ plus one
  };
  struct Cell {
    const char* text = nullptr;
    uint32_t size = 0;
    uint32_t tag = 0;
  };
  /// How often cells of a column were found among those seen lately.
  struct ColumnLuck {
    uint16_t tries = 0;
    uint16_t hits = 0;
  };
  struct SeenGram {
    uint64_t gram = 0;
    uint32_t stamp = 0;
  };
  static constexpr size_t kLately = 2048;
  static constexpr size_t kColumns = 1024;  ///< further ones share their luck

  void add_token(std::string_view text, const Token& token);
  void list_token(std::string_view token, uint8_t all, bool high);
  void list_piece_of_time(std::string_view token);
  void take_escape(std::string_view text, const Token& token);
  void take_uuid(std::string_view text, const Token& token, bool escaped);
  void take_id(std::string_view digits);
  void take_hex_runs(const Token& token, bool escaped);
  bool seen_lately(uint32_t column, std::string_view cell);
  bool is_new(std::string_view token, uint64_t hash);
  void grow_seen();
  void add_grams(std::string_view token);
  void add_joint(std::string_view text, const char* dash);
  void add_gram(uint64_t gram);

  BlockTextFacts facts_;
  uint64_t raw_bytes_ = 0;
  uint32_t id_traits_ = 0;  ///< flags kNo… that are not true
  uint32_t stamp_ = 0;
  const char* skip_until_ = nullptr;  ///< tokens before it belong to an UUID
  std::vector<uint64_t> ids_;
  std::vector<uint64_t> tokens_;  ///< hashes
  std::vector<std::string_view> token_texts_;
  std::vector<uint64_t> grams_;
  std::vector<Seen> seen_;
  std::vector<SeenGram> seen_grams_;
  size_t max_tokens_ = 0;
  size_t max_grams_ = 0;
  bool too_many_tokens_ = false;
  bool too_many_grams_ = false;
  std::vector<Cell> lately_;
  std::vector<ColumnLuck> luck_;
  uint64_t time_pieces_[16] = {};  ///< kinds whose grams are there: by digits before the letter, then size
};

}  // namespace cordwood
