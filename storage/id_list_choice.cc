// SPDX-License-Identifier: Apache-2.0
#include "storage/id_list_choice.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "storage/base/checksum.h"
#include "storage/id_cells.h"
#include "storage/id_list.h"
#include "storage/spilled_block.h"

namespace cordwood {

namespace {

constexpr uint64_t kSampleIds = 1u << 16;
/// A column that has fewer ids in the sample is what its kind is, and that stays as it is when it has fewer.
constexpr uint64_t kMinSampled = 8;
/// What a number takes, in bytes; measured: 1.1 to 2.
constexpr double kNumberBytes = 2;
/// A list is worth its trouble if it saves so much of the columns' bytes, and all of them so many bytes: blocks that
/// share nothing do not share damage either.
constexpr double kMinGain = 1.0 / 8;
constexpr double kMinGainBytes = 4096;

/// Columns of one name and width, in all blocks.
struct Kind {
  uint64_t sampled = 0;
  double cost = 0;  ///< bytes that the sampled cells take when they are listed
};

struct Candidate {
  uint32_t block = 0;
  uint32_t column = 0;
  uint32_t width = 0;
  double cell_bytes = 0;  ///< what a cell takes today
  Kind* kind = nullptr;
  uint64_t sampled = 0;
  double gain = 0;  ///< bytes saved by the sampled cells
};

struct Sampled {
  uint64_t hash = 0;
  uint32_t candidate = 0;
};

double stored_bytes_per_cell(const BlockDirectory& directory, const ColumnMeta& column) {
  uint64_t bytes = 0;
  for (uint32_t p = 0; p < column.pieces; ++p) bytes += directory.pieces[column.first_piece + p].packed_bytes();
  return static_cast<double>(bytes) / std::max(1u, column.cells);
}

/// Credits every candidate with what its ids save: one that stands in n cells is stored once for all of them.
void weigh(std::vector<Sampled>* sample, std::vector<Candidate>* candidates) {
  std::sort(sample->begin(), sample->end(), [](const Sampled& a, const Sampled& b) { return a.hash < b.hash; });
  for (size_t begin = 0; begin < sample->size();) {
    size_t end = begin;
    while (end < sample->size() && (*sample)[end].hash == (*sample)[begin].hash) ++end;
    for (size_t i = begin; i < end; ++i) {
      Candidate& c = (*candidates)[(*sample)[i].candidate];
      const double cost = static_cast<double>(c.width) / static_cast<double>(end - begin) + kNumberBytes;
      ++c.sampled;
      c.gain += c.cell_bytes - cost;
      ++c.kind->sampled;
      c.kind->cost += cost;
    }
    begin = end;
  }
}

bool pays(const Candidate& c) {
  if (c.sampled >= kMinSampled) return c.gain >= static_cast<double>(c.sampled) * c.cell_bytes * kMinGain;
  if (c.kind->sampled < kMinSampled) return false;
  return c.cell_bytes - c.kind->cost / static_cast<double>(c.kind->sampled) >= c.cell_bytes * kMinGain;
}

}  // namespace

Result<std::vector<std::vector<uint32_t>>> choose_listed_columns(const std::vector<SpilledBlock>& blocks) {
  std::vector<std::vector<uint32_t>> chosen(blocks.size());
  uint64_t heap_bytes = 1;
  for (const SpilledBlock& block : blocks) heap_bytes += block.heap_bytes;
  // Heaps cannot hold more ids; those of dictionaries come on top, but repeat.
  const uint64_t most_ids = heap_bytes / IdLists::kMinWidth;
  const uint64_t highest = most_ids <= kSampleIds ? UINT64_MAX : UINT64_MAX / most_ids * kSampleIds;
  ReadStats stats;
  std::vector<Candidate> candidates;
  std::vector<Sampled> sample;
  std::map<std::tuple<ColumnSource, std::vector<std::string>, uint32_t, uint32_t>, Kind> kinds;
  for (uint32_t b = 0; b < blocks.size(); ++b) {
    TRY_ASSIGN(const std::unique_ptr<SealedBlockView> view, open_spilled(blocks[b], &stats));
    const std::vector<ColumnMeta>& columns = view->directory().columns;
    for (uint32_t c = 0; c < columns.size(); ++c) {
      TRY_ASSIGN(std::optional<IdCells> cells, IdCells::of(view.get(), columns[c]));
      if (!cells) continue;
      const auto candidate = static_cast<uint32_t>(candidates.size());
      const uint32_t width = cells->width();
      Kind* kind = &kinds[{columns[c].source, columns[c].path, columns[c].occurrence, width}];
      candidates.push_back({b, c, width, stored_bytes_per_cell(view->directory(), columns[c]), kind});
      TRY(cells->for_each([&](uint32_t, std::string_view id) {
        // Ids of different widths never meet in a list.
        const uint64_t hash = xxh3_64(id, width);
        if (hash <= highest) sample.push_back({hash, candidate});
      }));
    }
  }
  weigh(&sample, &candidates);
  double gain = 0;
  for (const Candidate& c : candidates) {
    if (!pays(c)) continue;
    chosen[c.block].push_back(c.column);
    gain += c.gain;
  }
  const double sampled_part = static_cast<double>(highest) / static_cast<double>(UINT64_MAX);
  if (gain < kMinGainBytes * sampled_part) chosen.assign(blocks.size(), {});
  return chosen;
}

}  // namespace cordwood
