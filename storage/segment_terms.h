// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/block_entry.h"
#include "storage/segment.h"

namespace cordwood {

/// What a filter on one label asks of the fields that blocks keep: a row passes only if some field that may become
/// the label has a value that passes.  Immutable, thread-safe.
struct FieldProbe {
  std::string key;  ///< probes of one key ask the same
  /// Parsers that may have made the label of the stored line; structured metadata may always have.
  bool json = false;
  bool logfmt = false;
  std::optional<std::string> equals;  ///< when set, no other value passes
  std::function<bool(ColumnSource source, const std::vector<std::string>& path)> may_become;
  /// Of a value as it stands in the line; true when in doubt.  Rows without the label do not pass.
  std::function<bool(std::string_view value)> accepts;
  /// Whether some number from min to max may pass, of a field all of whose values are numbers.  Null: who knows.
  std::function<bool(double min, double max)> accepts_range;
};

/// The Xapian part of an open segment: which fields and values its blocks hold (index/segment_terms.h).  Thread-safe.
class SegmentTerms {
 public:
  virtual ~SegmentTerms() = default;
  /// False when certainly no row of the block passes.  `block`: its number in the segment's block index.  Damage rules
  /// nothing out and is counted.
  virtual bool may_hold(uint32_t block, const FieldProbe& probe, ReadStats* stats) const = 0;
  virtual uint64_t memory_bytes() const = 0;
};

/// Opens such parts.  Thread-safe.
class SegmentTermsOpener {
 public:
  virtual ~SegmentTermsOpener() = default;
  /// `part`: bytes of the section, whose XXH3 should be `checksum`.  Null when they are damaged; that is counted.
  virtual std::shared_ptr<const SegmentTerms> open(std::string_view part, uint64_t checksum, uint32_t blocks) = 0;
};

/// Makes the part of a segment that is going to be written.  One thread at a time.
class SegmentTermsBuilder {
 public:
  virtual ~SegmentTermsBuilder() = default;
  /// Nothing when it would be too large.  Errors: of reading the blocks; io.
  virtual Result<std::string> build(const std::vector<SpilledBlock>& blocks) = 0;
};

/// The envelope of a part: what is told of it, and a database of one file.
struct TermsPart {
  static constexpr uint64_t kMaxDatabaseBytes = 32u << 20;
  uint64_t blocks = 0;
  uint64_t fields = 0;
  uint64_t terms = 0;     ///< different ones
  uint64_t postings = 0;  ///< a term in a block
  uint64_t database_bytes = 0;
  std::string_view packed;

  /// Packs `database`, whose size becomes database_bytes.
  void encode(std::string_view database, std::string* out);
  /// corrupt when it is none.  `packed` points into `bytes`.
  static Result<TermsPart> decode(std::string_view bytes);
  Result<std::string> database() const;
};

}  // namespace cordwood
