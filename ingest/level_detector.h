// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/model/labels.h"
#include "storage/model/row_batch.h"

namespace cordwood::ingest {

/// The names under which a level may be found, prepared for being asked on every line.
class LevelFields {
 public:
  explicit LevelFields(std::vector<std::string> names);
  const std::vector<std::string>& names() const { return names_; }
  /// Exact, case-sensitive.
  bool has(std::string_view name) const {
    if ((exact_lengths_ >> length_class(name.size()) & 1) == 0) return false;
    return has_slow(name);
  }
  /// Position in the list of the first field equal to `name` when case is folded; kNone when there is none.
  size_t folded_rank(std::string_view name) const {
    if ((exact_lengths_ >> length_class(name.size()) & 1) == 0) return kNone;
    return folded_rank_slow(name);
  }
  static constexpr size_t kNone = SIZE_MAX;

 private:
  static size_t length_class(size_t length) { return length < 63 ? length : 63; }
  bool has_slow(std::string_view name) const;
  size_t folded_rank_slow(std::string_view name) const;
  std::vector<std::string> names_;
  uint64_t exact_lengths_ = 0;                               ///< bit n: some name has length n; bit 63: or more
  std::array<std::vector<std::string_view>, 64> by_length_;  ///< into names_
};

/// The usual spelling of a level (`trace` … `fatal`), or empty when the text is none.  Views static storage.
std::string_view known_level(std::string_view text);

/// Finds the `detected_level` of entries: labels, then metadata, then the line itself.  Immutable, thread-safe.
class LevelDetector {
 public:
  /// `json_max_depth` counts objects from the outermost as 1; 0 or less is without limit.
  LevelDetector(std::vector<std::string> fields, int json_max_depth);

  /// By the labels of a stream: a known level, else the label's own text (a view into `labels`), else empty.
  std::string_view of_labels(const Labels& labels) const;
  /// By metadata (normalised names) and then by the line.  Views static storage or the metadata's values.
  std::string_view of_entry(std::span<const MetadataPair> metadata, std::string_view line) const;
  /// By the line alone; `unknown` when nothing tells.
  std::string_view of_line(std::string_view line) const;

 private:
  LevelFields fields_;
  int json_max_depth_;
};

/// First string value in document order whose key is a level field, descending objects up to `max_depth`.  Goes as
/// far as the text is well-formed; empty when there is none.  The value stands as in the line, escapes and all.
std::string_view find_json_level(std::string_view line, const LevelFields& fields, int max_depth);
/// Value of the pair whose key stands earliest in the list of fields; stops at the first malformed pair.
std::string_view find_logfmt_level(std::string_view line, const LevelFields& fields);
/// The level whose word stands first in the line, bounded on both sides; empty when there is none.
std::string_view find_level_word(std::string_view line);

}  // namespace cordwood::ingest
