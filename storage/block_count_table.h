// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "storage/block_builder.h"

namespace cordwood {

/// The count table of a block (design §4, Counts), encoded.
struct BlockCountTable {
  int64_t width_ns = 0;  ///< 0: no width up to a day makes the table small enough
  std::string encoded;
};

/// `run_of_stream` gives the run of each input stream.  The width starts at 10 s and doubles until the packed table
/// takes at most 1 % of `raw_bytes` (or 512 bytes).
BlockCountTable make_count_table(std::span<const BlockInputRow> rows, std::span<const uint32_t> run_of_stream,
                                 uint64_t raw_bytes, int zstd_level);

}  // namespace cordwood
