// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cordwood {

/// A question to a block's index: may any of its rows hold this text in its line or in a metadata value?  "No" is
/// certain, "yes" is not (design §5, Soundness).  Made once per query, asked of many blocks.
class TextProbe {
 public:
  /// An id that a row must hold: the id table names its blocks, and where one of `or_lengths` or `or_long_uuid` is a
  /// property of the block, it may lie within a longer run of digits.
  struct Id {
    uint64_t hash = 0;
    uint64_t old_hash = 0;
    uint32_t or_lengths = 0;
    bool or_long_uuid = false;
    uint32_t ruled_out_by = 0;  ///< flags of BlockTextFacts: kNoUuids, kNoSmallDigits, kNoCapitalDigits
    bool operator==(const Id&) const = default;
  };
  /// What a block must have, all of it.
  struct Conditions {
    std::vector<uint32_t> hex_lengths;  ///< of each, one of the bits of hex_length_bit()
    bool long_uuid = false;
    std::vector<Id> ids;
    std::vector<uint64_t> tokens;  ///< hashes, those of long tokens first
    std::vector<uint64_t> grams;   ///< hashes
    std::vector<uint64_t> joints;  ///< hashes, of the same filter where a block has BlockTextFacts::kJoints
  };

  /// The bytes of `needle` anywhere in a line or a metadata value, as `|=` looks for them.
  static TextProbe substring(std::string_view needle);
  /// `needle`, without capital letters, in either case of ASCII letters, as `|~ "(?i)…"` looks for it.
  static TextProbe folded(std::string_view needle);
  /// `value` as the whole value of a metadata pair, of a JSON field or of a logfmt field: it begins and ends there; or
  /// anywhere in a line between bytes that are no token characters (letters, digits, `_`, bytes >= 0x80).  Blocks in
  /// which escapes could hide it are never ruled out.
  static TextProbe value(std::string_view value);
  /// The bytes of `word` as they are, in a line or a metadata value, where they begin and end, or between bytes that
  /// are no token characters.  Escapes do not matter: who asks does not look for what they stand for.
  static TextProbe word(std::string_view word);

  /// False when it rules nothing out, whatever the block.
  bool useful() const { return useful_; }
  const std::string& text() const { return text_; }
  /// Whether it asks for a whole, decoded value.
  bool is_value() const { return is_value_; }
  const Conditions& conditions() const { return conditions_; }

 private:
  TextProbe() = default;
  TextProbe(std::string_view text, bool bounded, bool is_value);
  template <typename Take>
  static void for_each_token(std::string_view text, const Take& take);
  void take_token(size_t begin, size_t end);
  void take_hex_runs(size_t begin, size_t end);
  void take_uuid(size_t dash);
  bool may_be_uuid_part(size_t begin, size_t end) const;
  /// Whether the byte before `at`, or at it, is known.
  bool closed_before(size_t at) const { return bounded_ || at > 0; }
  bool closed_at(size_t at) const { return bounded_ || at < text_.size(); }

  std::string text_;
  bool bounded_ = false;
  bool is_value_ = false;
  bool useful_ = false;
  Conditions conditions_;
};

}  // namespace cordwood
