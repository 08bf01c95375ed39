// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "storage/model/utf8.h"

namespace cordwood::query {

/// Reads a text rune by rune with Go's token rules: identifiers, numbers, strings and comments.
class LogqlScanner {
 public:
  enum class Kind : unsigned char { end, identifier, number, string, other, error };

  explicit LogqlScanner(std::string_view text) : text_(text) {}

  /// Skips space and `//` and `/* */` comments, then reads one token.  `token_text` holds its bytes.
  Kind scan();
  std::string_view token_text() const { return text_.substr(start_, at_ - start_); }
  const char* error() const { return error_; }  ///< of the last scan() that gave Kind::error
  uint32_t line() const { return token_line_; }
  uint32_t column() const { return token_column_; }

  bool at_end() const { return at_ >= text_.size(); }
  /// The next byte, 0 at the end.
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  std::string_view rest() const { return text_.substr(at_); }
  /// Takes `count` bytes, whole runes.  The token's line is no longer known then.
  void take_raw(size_t count);

 private:
  void advance();  ///< over one rune
  bool skip_space_and_comments();
  Kind scan_number();
  Kind scan_digits_after_prefix();
  bool scan_exponent(char lower_mark);
  Kind scan_string();
  Kind scan_raw_string();
  bool scan_escape();
  Kind fail(const char* message);

  std::string_view text_;
  size_t at_ = 0;
  size_t start_ = 0;
  uint32_t line_ = 1;
  uint32_t column_ = 1;
  uint32_t token_line_ = 0;
  uint32_t token_column_ = 0;
  const char* error_ = nullptr;
};

/// Whether Go's unicode.IsLetter holds (approximated: every rune above U+00BF but a few signs).
bool is_letter(char32_t rune);

/// Decodes a quoted Go string ("…" or `…`), quotes included; false when an escape is wrong.
bool unquote_go(std::string_view quoted, std::string* out);

}  // namespace cordwood::query
