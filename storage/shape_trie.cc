// SPDX-License-Identifier: Apache-2.0
#include "storage/shape_trie.h"

#include "storage/base/same_text.h"

namespace cordwood::shred {

void ShapeTrie::clear() {
  first_.assign(1, kNone);
  branches_.assign(1, 0);
  branch_.clear();
  constants_.clear();
}

uint32_t ShapeTrie::find_branch(uint32_t node, const Branch& like, std::string_view constant) const {
  for (uint32_t at = first_[node]; at != kNone; at = branch_[at].next) {
    const Branch& branch = branch_[at];
    const bool same_slot =
        branch.last == like.last && (like.last || (branch.scan == like.scan && branch.depth_left == like.depth_left));
    if (same_slot && std::string_view(constants_).substr(branch.constant, branch.length) == constant) return at;
  }
  return kNone;
}

uint32_t ShapeTrie::obtain_branch(uint32_t node, Branch like, std::string_view constant) {
  const uint32_t found = find_branch(node, like, constant);
  if (found != kNone) return found;
  if (branches_[node] == kMaxBranches) return kNone;
  like.constant = static_cast<uint32_t>(constants_.size());
  like.length = static_cast<uint32_t>(constant.size());
  constants_.append(constant);
  if (!like.last) {
    like.target = static_cast<uint32_t>(first_.size());
    first_.push_back(kNone);
    branches_.push_back(0);
  }
  like.next = first_[node];
  first_[node] = static_cast<uint32_t>(branch_.size());
  ++branches_[node];
  branch_.push_back(like);
  return first_[node];
}

void ShapeTrie::insert(std::string_view line, std::span<const Cut> cuts, uint32_t shape) {
  uint32_t node = 0;
  uint32_t from = 0;
  for (const Cut& cut : cuts) {
    Branch like;
    like.scan = cut.scan;
    like.depth_left = cut.depth_left;
    const uint32_t at = obtain_branch(node, like, line.substr(from, cut.begin - from));
    if (at == kNone) return;
    node = branch_[at].target;
    from = cut.end;
  }
  Branch last;
  last.last = true;
  last.target = shape;
  obtain_branch(node, last, line.substr(from));
}

std::optional<uint32_t> ShapeTrie::match(std::string_view line, std::vector<std::string_view>* cells) {
  const size_t cells_before = cells->size();
  const char* at = line.data();
  const char* const end = at + line.size();
  uint32_t node = 0;
  while (true) {
    uint32_t before = kNone;
    uint32_t index = first_[node];
    const char* cell_begin = nullptr;
    const char* cell_end = nullptr;
    for (; index != kNone; before = index, index = branch_[index].next) {
      const Branch& branch = branch_[index];
      const auto left = static_cast<size_t>(end - at);
      if (left < branch.length || (branch.last && left != branch.length)) continue;
      if (!same_bytes(at, constants_.data() + branch.constant, branch.length)) continue;
      if (branch.last) break;
      cell_begin = at + branch.length;
      cell_end = scan_slot(branch.scan, cell_begin, end, branch.depth_left);
      if (cell_end != nullptr) break;
    }
    if (index == kNone) {
      cells->resize(cells_before);
      return std::nullopt;
    }
    Branch& taken = branch_[index];
    if (before != kNone) {
      branch_[before].next = taken.next;
      taken.next = first_[node];
      first_[node] = index;
    }
    if (taken.last) return taken.target;
    cells->emplace_back(cell_begin, static_cast<size_t>(cell_end - cell_begin));
    at = cell_end;
    node = taken.target;
  }
}

}  // namespace cordwood::shred
