// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "query/logql_ast.h"
#include "storage/block_view.h"

namespace cordwood::query {

/// What the text of a row must hold, so that the row can pass a query's filters: every clause, by any of its
/// alternatives.  Blocks whose index denies one clause need not be opened (design §5, Soundness).
class BlockProbes {
 public:
  BlockProbes() = default;
  static BlockProbes of(std::span<const Stage> stages);

  /// False when certainly no row of the block passes.
  Result<bool> may_pass(const BlockSource& block, ReadStats* stats) const;
  size_t clauses() const { return clauses_.size(); }

  struct Alternative {
    TextProbe probe;
    std::string label;  ///< not empty: a label that streams may have too, and then the text says nothing
  };
  using Clause = std::vector<Alternative>;

 private:
  std::vector<Clause> clauses_;
};

}  // namespace cordwood::query
