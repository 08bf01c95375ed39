// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/block_rewriter.h"
#include "storage/id_cells.h"
#include "storage/id_collector.h"
#include "storage/id_list.h"
#include "storage/segment.h"

namespace cordwood {

/// Makes the id lists of a segment and rewrites its blocks so that columns hold numbers.  Which columns: those whose
/// ids stand elsewhere in the segment, too, as a sample tells.  Reads one block at a time; in memory are the ids.
class IdListWriter {
 public:
  using Append = std::function<Result<void>(std::string_view)>;
  /// Ids of all lists together; columns that might bring more stay as they are.
  static constexpr uint64_t kMaxIds = 1u << 20;

  /// `blocks` must outlive it.
  static Result<IdListWriter> open(const std::vector<SpilledBlock>& blocks);
  bool empty() const { return collectors_.empty(); }
  /// Appends the frames of the lists, which begin at `offset` of the file.  Once, before any rewriting.
  Result<void> write(uint64_t offset, const Append& append);
  const IdLists& lists() const { return lists_; }

  bool changes(size_t block) const { return !columns_[block].empty(); }
  Result<BlockBytes> rewrite(size_t block) const;

 private:
  explicit IdListWriter(const std::vector<SpilledBlock>& blocks) : blocks_(&blocks), columns_(blocks.size()) {}
  Result<void> collect();
  IdCollector& collector_of(uint32_t width);
  Result<std::vector<int64_t>> numbers_of(IdCells* cells) const;

  const std::vector<SpilledBlock>* blocks_;
  std::vector<std::vector<uint32_t>> columns_;  ///< by block: the listed ones, ascending
  std::vector<IdCollector> collectors_;         ///< in step with lists_.lists
  IdLists lists_;
};

}  // namespace cordwood
