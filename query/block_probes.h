// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "query/logql_ast.h"
#include "storage/block_view.h"
#include "storage/segment_terms.h"
#include "storage/snapshot.h"

namespace cordwood::query {

/// What the text of a row must hold, so that the row can pass a query's filters: every clause, by any of its
/// alternatives.  Blocks whose index denies one clause need not be opened (design §5, Soundness).
class BlockProbes {
 public:
  BlockProbes() = default;
  static BlockProbes of(std::span<const Stage> stages);

  /// False when certainly no row of the block passes.
  Result<bool> may_pass(const BlockSource& block, ReadStats* stats) const;
  /// Whether ids are looked for.
  bool locates_ids() const;
  /// The reads that may_pass() takes to locate them.
  void add_id_reads(const BlockSource& block, IdReads* reads) const;
  /// What rows must hold by those clauses that say so by text alone, if there are any.  This outlives it.
  std::optional<TextQuestion> text_question() const;
  size_t clauses() const { return clauses_.size(); }

  /// May be by what both probes say.
  struct Alternative {
    TextProbe probe;
    std::string label;  ///< not empty: a label that streams may have too, and then the probes say nothing
    std::shared_ptr<const FieldProbe> field;  ///< may be null

    /// False when certainly no row has it.
    Result<bool> may_hold(const BlockSource& block, ReadStats* stats) const;
    void add_id_reads(const BlockSource& block, IdReads* reads) const;
  };
  using Clause = std::vector<Alternative>;

 private:
  std::vector<Clause> clauses_;
};

}  // namespace cordwood::query
