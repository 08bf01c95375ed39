// SPDX-License-Identifier: Apache-2.0
#include "storage/head_searches.h"

#include <algorithm>

#include "storage/column_search.h"
#include "storage/head_block.h"

namespace cordwood {

HeadSearches::Known* HeadSearches::find_known(TextNeedle needle) {
  const auto at = std::find_if(known_.begin(), known_.end(), [needle](const Known& known) {
    return known.folded == needle.folded && known.text == needle.text;
  });
  return at == known_.end() ? nullptr : &*at;
}

RowBits HeadSearches::find(const HeadBlock& block, uint32_t rows, TextNeedle needle) {
  std::shared_ptr<const RowBits> before;
  {
    const MutexLock lock(mu_);
    if (Known* const known = find_known(needle)) {
      known->asked = ++questions_;
      before = known->found;
    }
  }
  RowBits found(rows);
  uint32_t searched = 0;
  if (before != nullptr) {
    searched = std::min(before->rows(), rows);
    for (uint32_t row = before->next(0); row < searched; row = before->next(row + 1)) found.set(row);
  }
  if (searched == rows) return found;
  search_head_lines(block, searched, rows, needle, &found);
  if (needle.text.size() <= kMostNeedleBytes) keep(needle, std::make_shared<RowBits>(found));
  return found;
}

void HeadSearches::keep(TextNeedle needle, std::shared_ptr<const RowBits> found) {
  const MutexLock lock(mu_);
  Known* known = find_known(needle);
  if (known == nullptr && known_.size() < kNeedles) known = &known_.emplace_back();
  if (known == nullptr) {
    known = &*std::min_element(known_.begin(), known_.end(),
                               [](const Known& a, const Known& b) { return a.asked < b.asked; });
    *known = {};
  }
  // Somebody else may have seen more rows in the meantime.
  if (known->found != nullptr && known->found->rows() >= found->rows()) return;
  *known = {std::string(needle.text), needle.folded, ++questions_, std::move(found)};
}

/// Lines that came one after the other lie so, too, and are searched as one text.
void search_head_lines(const HeadBlock& block, uint32_t begin, uint32_t end, TextNeedle needle, RowBits* found) {
  std::vector<uint32_t> ends;
  while (begin < end) {
    const char* const text = block.row(begin).line_data;
    ends.clear();
    uint32_t bytes = 0;
    for (uint32_t i = begin; i < end && block.row(i).line_data == text + bytes; ++i) {
      bytes += block.row(i).line_bytes;
      ends.push_back(bytes);
    }
    search_cells({text, bytes}, ends, contains(needle), begin, found);
    begin += static_cast<uint32_t>(ends.size());
  }
}

}  // namespace cordwood
