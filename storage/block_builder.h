// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "storage/block_view.h"

namespace cordwood {

/// A row on its way into a block.  Rows come sorted by (stream index, time, arrival).
struct BlockInputRow {
  uint32_t stream = 0;  ///< index into BlockInput::streams
  int64_t time_ns = 0;
  std::string_view line;
  std::span<const MetadataPair> metadata;
  uint16_t derived_count = 0;
};

struct BlockInput {
  TenantId tenant;
  std::vector<StreamPtr> streams;
  std::span<const BlockInputRow> rows;
  uint64_t arrival_min = 0;
  uint64_t arrival_max = 0;
};

struct BlockBuilderOptions {
  uint32_t frame_rows = 4096;
  uint32_t frame_bytes = 256u << 10;
  uint32_t max_shapes = 4096;    ///< lines of further shapes stay raw
  uint32_t max_columns = 16384;  ///< likewise
  int zstd_level = 1;
};

/// A sealed block, self-contained: narrow pieces, then heaps, then its entry for the segment's block index.
struct EncodedBlock {
  BlockInfo info;
  std::string narrow;  ///< narrow pieces, one after the other
  std::string heap;    ///< byte heaps, one after the other
  std::string index;   ///< ids and filters for the segment's index, see block_index.h
  std::string entry;   ///< piece directory, run table, statistics, counts; positions relative to narrow and heap
  struct FormCounts {
    uint64_t rows[4] = {};  ///< by LineForm
  } forms;
};

/// Turns rows into a block.  Keeps buffers between calls; one thread at a time.
class BlockBuilder {
 public:
  explicit BlockBuilder(BlockBuilderOptions options);
  ~BlockBuilder();
  BlockBuilder(BlockBuilder&&) noexcept;
  /// Every line is rendered back from its form and compared; one that differs is kept raw.
  EncodedBlock build(const BlockInput& input);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cordwood
