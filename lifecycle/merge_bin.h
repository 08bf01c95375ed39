// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "storage/block_builder.h"

namespace cordwood::lifecycle {

/// A block that is merged, and the segment it lies in.
struct MergeSource {
  BlockSourcePtr block;
  std::string segment;
};

/// Rows of one tenant and day that become new blocks together: whole streams, out of blocks that are neighbours in
/// arrival.
struct MergeBin {
  struct Run {
    uint32_t source = 0;  ///< index into sources
    uint32_t run = 0;     ///< index into the block's streams
  };
  struct StreamRuns {
    StreamPtr stream;
    std::vector<Run> runs;  ///< ascending sources
  };
  TenantId tenant;
  std::vector<MergeSource> sources;  ///< in order of arrival
  std::vector<StreamRuns> streams;   ///< in the order of blocks
  uint64_t rows = 0;
  uint64_t raw_bytes = 0;  ///< about
  bool carried = false;    ///< its one source is all of it and stays as it is; it has no streams
};

struct MergeBlockLimits {
  uint32_t rows = 64u << 10;       ///< a block has no more, unless one time of one stream has
  uint64_t raw_bytes = 64u << 20;  ///< likewise
};

struct MergeCounts {
  uint64_t rows_read = 0;
  uint64_t duplicates = 0;  ///< rows left out: equal in stream, time, line and sent metadata to an earlier one
  uint64_t blocks = 0;
  uint64_t carried = 0;  ///< rows of blocks that stayed as they were; rows_read has them, too
};

/// Makes new blocks of a bin: rows by (stream, time, arrival), of equal rows the first.  In memory at a time: 16 bytes
/// for each row of the bin, and the lines and metadata of one new block with what one source holds of them unpacked.
class BinMerger {
 public:
  using Sink = std::function<Result<void>(EncodedBlock)>;

  /// All outlive it.
  BinMerger(BlockBuilder& builder, MergeBlockLimits limits, const std::atomic<bool>& stop, Sink sink);
  ~BinMerger();
  /// Errors: of reading the sources, then failed_segment() says whose; of the sink; cancelled when stopped.
  Result<MergeCounts> merge(const MergeBin& bin);
  const std::string& failed_segment() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cordwood::lifecycle
