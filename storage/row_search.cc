// SPDX-License-Identifier: Apache-2.0
#include "storage/row_search.h"

#include <algorithm>

#include "storage/column_search.h"

namespace cordwood {

Result<RowBits> search_rendered(BlockView& block, TextNeedle needle, TextPlace place) {
  const CellTest test = contains(needle);
  RowBits found(block.row_count());
  std::string scratch;
  std::vector<MetadataPair> pairs;
  for (uint32_t row = 0; row < block.row_count(); ++row) {
    if (place == TextPlace::line) {
      TRY_ASSIGN(const std::string_view line, block.line(row, &scratch));
      if (test.matches(line)) found.set(row);
      continue;
    }
    pairs.clear();
    TRY(block.metadata(row, &pairs));
    if (std::any_of(pairs.begin(), pairs.end(), [&](const MetadataPair& pair) { return test.matches(pair.value); }))
      found.set(row);
  }
  return found;
}

}  // namespace cordwood
