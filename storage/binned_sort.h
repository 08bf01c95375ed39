// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace cordwood {

/// Sorts numbers that are spread evenly, as hashes are: into bins first (bin_of() is below `bins` and never falls), of
/// which each has few.  `room` is memory to be kept between calls.
template <typename BinOf>
void sort_in_bins(std::vector<uint64_t>* values, size_t bins, std::vector<uint64_t>* room, const BinOf& bin_of) {
  std::vector<uint32_t> ends(bins + 1, 0);
  for (const uint64_t value : *values) ++ends[bin_of(value) + 1];
  for (size_t i = 1; i < ends.size(); ++i) ends[i] += ends[i - 1];
  room->resize(values->size());
  for (const uint64_t value : *values) (*room)[ends[bin_of(value)]++] = value;
  size_t begin = 0;
  for (size_t i = 0; i < bins; ++i) {
    const size_t end = ends[i];
    std::sort(room->begin() + static_cast<ptrdiff_t>(begin), room->begin() + static_cast<ptrdiff_t>(end));
    begin = end;
  }
  values->swap(*room);
}

}  // namespace cordwood
