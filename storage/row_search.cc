// SPDX-License-Identifier: Apache-2.0
#include "storage/row_search.h"

#include <algorithm>

#include "storage/base/find_bytes.h"

namespace cordwood {

Result<RowBits> search_rendered(BlockView& block, std::string_view needle, TextPlace place) {
  RowBits found(block.row_count());
  std::string scratch;
  std::vector<MetadataPair> pairs;
  for (uint32_t row = 0; row < block.row_count(); ++row) {
    if (place == TextPlace::line) {
      TRY_ASSIGN(const std::string_view line, block.line(row, &scratch));
      if (contains_bytes(line, needle)) found.set(row);
      continue;
    }
    pairs.clear();
    TRY(block.metadata(row, &pairs));
    if (std::any_of(pairs.begin(), pairs.end(),
                    [&](const MetadataPair& pair) { return contains_bytes(pair.value, needle); }))
      found.set(row);
  }
  return found;
}

}  // namespace cordwood
