// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "storage/block_builder.h"

namespace cordwood {

/// A count table of a block (design §4, Counts), encoded.
struct BlockCountTable {
  int64_t width_ns = 0;
  std::string encoded;
};

/// `run_of_stream` gives the run of each input stream.  The finest table has the first width of 5, 10, 20 s, 1, 5, 10
/// min, 1 h and 1 day with which it takes, packed, at most 1 % of `raw_bytes` (or 512 bytes); where that is below a
/// minute, a table by minutes follows, so that long ranges read little.  None when no width is wide enough.
std::vector<BlockCountTable> make_count_tables(std::span<const BlockInputRow> rows,
                                               std::span<const uint32_t> run_of_stream, uint64_t raw_bytes,
                                               int zstd_level);

/// The bucket a time belongs to: m for ((m - 1) * width_ns, m * width_ns].
int64_t count_bucket(int64_t time_ns, int64_t width_ns);
/// Counts one more row.
void count_row(uint64_t line_bytes, std::span<const MetadataPair> metadata, BlockCount* count);
/// Sorts counts by (stream, bucket, level) and makes one of equal ones.
void join_equal(std::vector<BlockCount>* counts);
/// The level by which a row is counted.
std::string_view counted_level(std::span<const MetadataPair> metadata);

}  // namespace cordwood
