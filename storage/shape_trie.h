// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/shred_scan.h"

namespace cordwood::shred {

/// Known shapes as a tree over their constant pieces.  A line is matched by walking it: compare a constant, scan a
/// cell, go on, so a line of a known shape is read once, without being taken apart.  At each place the branch that
/// matched last is tried first.  Some shapes may not find a place (too many branches); they are only slower.
class ShapeTrie {
 public:
  ShapeTrie() { clear(); }
  void clear();

  /// A shape whose constants stand between the cuts of `line`.
  void insert(std::string_view line, std::span<const Cut> cuts, uint32_t shape);

  /// The shape of the line; its cells are appended.  Nothing appended when there is none.
  std::optional<uint32_t> match(std::string_view line, std::vector<std::string_view>* cells);

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr uint32_t kMaxBranches = 16;

  /// A constant piece and what follows it: a cell and a node, or the end of the line and a shape.
  struct Branch {
    uint32_t constant = 0;  ///< offset into constants_
    uint32_t length = 0;
    uint32_t next = kNone;  ///< next branch of the same node
    uint32_t target = 0;    ///< node, or shape when `last`
    SlotScan scan = SlotScan::json_bare;
    uint8_t depth_left = 0;
    bool last = false;
  };

  uint32_t find_branch(uint32_t node, const Branch& like, std::string_view constant) const;
  /// The branch, made if need be; kNone when the node is full.
  uint32_t obtain_branch(uint32_t node, Branch like, std::string_view constant);

  std::vector<uint32_t> first_;    ///< by node: its first branch
  std::vector<uint8_t> branches_;  ///< by node: how many it has
  std::vector<Branch> branch_;
  std::string constants_;
};

}  // namespace cordwood::shred
