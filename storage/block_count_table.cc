// SPDX-License-Identifier: Apache-2.0
#include "storage/block_count_table.h"

#include <algorithm>
#include <tuple>
#include <vector>

#include "storage/base/compression.h"
#include "storage/block_entry.h"

namespace cordwood {

namespace {

/// Each divides the next, and queries' steps as people and Grafana choose them.
constexpr int64_t kWidthsS[] = {5, 10, 20, 60, 300, 600, 3600, 86'400};
constexpr int64_t kFirstWidthNs = kWidthsS[0] * kNsPerSecond;
constexpr int64_t kCoarseWidthNs = 60 * kNsPerSecond;
constexpr uint64_t kAlwaysAllowedBytes = 512;
/// Packed entries take more than this; a table of more entries need not be tried.
constexpr uint64_t kLeastEntryBytes = 2;

void add_into(const BlockCount& from, BlockCount* to) {
  to->rows += from.rows;
  to->line_bytes += from.line_bytes;
  to->metadata_bytes += from.metadata_bytes;
}

/// Adds to the entry of the same level among those of the newest (stream, bucket).
void add(const BlockCount& c, size_t* group_begin, std::vector<BlockCount>* counts) {
  if (!counts->empty() && (counts->back().stream != c.stream || counts->back().bucket != c.bucket)) {
    *group_begin = counts->size();
  }
  for (size_t i = *group_begin; i < counts->size(); ++i) {
    if ((*counts)[i].level == c.level) {
      add_into(c, &(*counts)[i]);
      return;
    }
  }
  counts->push_back(c);
}

std::vector<BlockCount> count_rows(std::span<const BlockInputRow> rows, std::span<const uint32_t> run_of_stream) {
  std::vector<BlockCount> counts;
  size_t group = 0;
  for (const BlockInputRow& row : rows) {
    BlockCount c{
        run_of_stream[row.stream], count_bucket(row.time_ns, kFirstWidthNs), counted_level(row.metadata), 0, 0, 0};
    count_row(row.line.size(), row.metadata, &c);
    add(c, &group, &counts);
  }
  return counts;
}

std::tuple<uint32_t, int64_t, std::string_view> place_of(const BlockCount& count) {
  return {count.stream, count.bucket, count.level};
}

/// Joins `factor` neighbouring buckets into one.
void widen(int64_t factor, std::vector<BlockCount>* counts) {
  for (BlockCount& c : *counts) c.bucket = floor_div(c.bucket + factor - 1, factor);
  join_equal(counts);
}

}  // namespace

int64_t count_bucket(int64_t time_ns, int64_t width_ns) {
  const int64_t below = floor_div(time_ns, width_ns);
  return time_ns % width_ns == 0 ? below : below + 1;
}

void count_row(uint64_t line_bytes, std::span<const MetadataPair> metadata, BlockCount* count) {
  ++count->rows;
  count->line_bytes += line_bytes;
  for (const MetadataPair& pair : metadata) count->metadata_bytes += pair.name.size() + pair.value.size();
}

void join_equal(std::vector<BlockCount>* counts) {
  if (counts->empty()) return;
  std::sort(counts->begin(), counts->end(), [](const auto& a, const auto& b) { return place_of(a) < place_of(b); });
  size_t kept = 0;
  for (size_t i = 1; i < counts->size(); ++i) {
    if (place_of((*counts)[kept]) == place_of((*counts)[i])) {
      add_into((*counts)[i], &(*counts)[kept]);
    } else {
      (*counts)[++kept] = (*counts)[i];
    }
  }
  counts->resize(kept + 1);
}

std::string_view counted_level(std::span<const MetadataPair> metadata) {
  for (size_t i = metadata.size(); i > 0; --i)
    if (metadata[i - 1].name == "detected_level") return metadata[i - 1].value;
  return {};
}

std::vector<BlockCountTable> make_count_tables(std::span<const BlockInputRow> rows,
                                               std::span<const uint32_t> run_of_stream, uint64_t raw_bytes,
                                               int zstd_level) {
  std::vector<BlockCountTable> tables;
  if (rows.empty()) return tables;
  std::vector<BlockCount> counts = count_rows(rows, run_of_stream);
  const uint64_t most = std::max(kAlwaysAllowedBytes, raw_bytes / 100);
  std::string packed;
  int64_t width_ns = kFirstWidthNs;
  for (const int64_t next_s : kWidthsS) {
    const int64_t next_ns = next_s * kNsPerSecond;
    if (next_ns != width_ns) widen(next_ns / width_ns, &counts);
    width_ns = next_ns;
    if (!tables.empty() && width_ns != kCoarseWidthNs) continue;
    if (counts.size() * kLeastEntryBytes > most) continue;
    BlockCountTable table{width_ns, {}};
    encode_counts(counts, &table.encoded);
    packed.clear();
    compress(Codec::zstd, table.encoded, &packed, zstd_level);
    if (std::min(packed.size(), table.encoded.size()) > most) continue;
    tables.push_back(std::move(table));
    if (width_ns >= kCoarseWidthNs) break;
  }
  return tables;
}

}  // namespace cordwood
