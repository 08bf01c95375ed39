// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/base/result.h"
#include "storage/block_view.h"
#include "storage/recent_answers.h"
#include "storage/row_bits.h"
#include "storage/segment.h"
#include "storage/segment_index_directory.h"
#include "storage/text_probe.h"

namespace cordwood {

/// The filters of a segment's blocks and what else is known of their text.  Damage rules nothing out; ReadStats counts
/// it.  Thread-safe.
class SegmentFilters {
 public:
  SegmentFilters(SegmentIndexDirectory directory, const SectionPlace& section,
                 std::shared_ptr<const ByteSource> source);
  uint32_t block_count() const { return static_cast<uint32_t>(directory_.blocks.size()); }
  const BlockTextFacts& facts(uint32_t block) const { return directory_.blocks[block]; }
  uint64_t memory_bytes() const;

  /// Whether the filters of a block may have all keys of the probe.
  bool may_hold(uint32_t block, const TextProbe& probe, ReadStats* stats) const;
  /// Takes away blocks of which it is certain that they do not.  Only where one read tells it of many: filters that lie
  /// in pages, or far away, are left to may_hold().
  void rule_out(const TextProbe& probe, RowBits* blocks, ReadStats* stats) const;

 private:
  friend class FilterParts;
  static constexpr size_t kRecent = 32;  ///< as many alternatives as a query's clause has at most
  /// What all blocks answer to some keys.
  struct Answer {
    TextProbe::Conditions keys;
    RowBits blocks;
  };
  std::shared_ptr<const Answer> known(const TextProbe::Conditions& keys) const;
  std::shared_ptr<const Answer> answer_to(const TextProbe::Conditions& keys, ReadStats* stats) const;
  bool ask(const TextProbe::Conditions& keys, RowBits* blocks, ReadStats* stats) const;
  /// Filters of one kind.
  struct Kind {
    const FilterSlices* slices;
    uint64_t offset;                 ///< in the segment
    uint32_t BlockTextFacts::*size;  ///< bloom blocks of a block's filter
    uint32_t flag;                   ///< of blocks whose filter has such keys
    bool at_once;                    ///< they come whole, where each read takes long
  };
  bool ask(const Kind& kind, const std::vector<uint64_t>& hashes, RowBits* blocks, ObjectBytes* near,
           ReadStats* stats) const;
  Result<std::string> read(const Kind& kind, ObjectRange wanted, ObjectBytes* near, ReadStats* stats) const;

  const SegmentIndexDirectory directory_;
  const SectionPlace section_;
  const std::shared_ptr<const ByteSource> source_;
  mutable RecentAnswers<Answer, kRecent> recent_;
};

/// What a segment keeps of its blocks' text, block by block, to be taken over into another segment.  Holds all its
/// filters if they lie in slices.  One thread at a time.
class FilterParts {
 public:
  /// `filters` outlives it.
  explicit FilterParts(const SegmentFilters& filters) : filters_(&filters) {}
  struct Part {
    BlockTextFacts facts;
    std::string filters;  ///< in pages, as encode_block_index() takes them
  };
  /// corrupt when any of it does not hold, or when the block is not indexed.
  Result<Part> of(uint32_t block);

 private:
  Result<void> load();
  Result<std::string> read_pages(uint32_t block) const;

  const SegmentFilters* filters_;
  std::optional<Result<void>> loaded_;
  std::vector<std::string> tokens_;  ///< bloom blocks of each block's filter
  std::vector<std::string> grams_;
};

}  // namespace cordwood
