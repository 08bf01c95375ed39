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
  /// The bytes of `needle` anywhere in a line or a metadata value, as `|=` looks for them.
  static TextProbe substring(std::string_view needle);
  /// `value` as the whole value of a metadata pair, of a JSON field or of a logfmt field: it begins and ends there.
  /// Blocks in which escapes could hide it are never ruled out.
  static TextProbe value(std::string_view value);

  /// False when it rules nothing out, whatever the block.
  bool useful() const { return false; }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace cordwood
