// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "storage/retention_rules.h"
#include "storage/row_rule.h"

namespace cordwood {

/// What of one tenant nobody may see: rows that are deleted or beyond their retention, but for held ones.  Blocks that
/// have none of them come through untouched.  Thread-safe; a change makes a new one.
class TenantVeil {
 public:
  struct Rules {
    std::vector<std::shared_ptr<const RowRule>> deletes;
    std::vector<std::shared_ptr<const RowRule>> holds;
    std::shared_ptr<const RetentionRules> retention;  ///< null: rows do not age
    int64_t now_ns = 0;                               ///< by which age is told
  };
  explicit TenantVeil(Rules rules);

  /// With more deletes.  What is known of blocks still counts, so that one request among thousands costs one.
  std::shared_ptr<const TenantVeil> with(const std::vector<std::shared_ptr<const RowRule>>& more) const;

  /// The block as readers may see it; the block itself when no rule can touch it.
  BlockSourcePtr over(const BlockSourcePtr& block) const;

  /// What the rules say of a block.
  struct Standing {
    uint32_t hidden = 0;
    uint32_t held = 0;  ///< rows that would be hidden without a hold
  };
  Result<Standing> standing(const BlockSourcePtr& block) const;

 private:
  class Source;
  struct Findings;
  /// Neither what was found nor the source keeps the block.
  struct Known {
    std::weak_ptr<const BlockSource> block;
    std::shared_ptr<Findings> findings;  ///< null: not touched
    std::weak_ptr<const Source> source;
    size_t deletes = 0;  ///< so many of the first were considered
  };
  bool ages(const BlockInfo& info) const;
  std::shared_ptr<const Source> source_of(const BlockSourcePtr& block) const;
  /// Null when the block is not known.
  Known* known(const BlockSourcePtr& block) const REQUIRES(mu_);
  /// Null when it is not touched.
  std::shared_ptr<const Source> source_of(Known* known, const BlockSourcePtr& block) const REQUIRES(mu_);

  const std::shared_ptr<const Rules> rules_;
  const int64_t youngest_edge_ns_;  ///< of all streams
  mutable Mutex mu_;
  mutable std::unordered_map<const BlockSource*, Known> known_ GUARDED_BY(mu_);
  mutable size_t prune_at_ GUARDED_BY(mu_) = 256;
};

/// The veils of all tenants.  Thread-safe.
class Veils {
 public:
  /// For tenants that are not named: retention alone (null: none).
  Veils(std::map<TenantId, std::shared_ptr<const TenantVeil>> veils, std::shared_ptr<const RetentionRules> retention,
        int64_t now_ns)
      : retention_(std::move(retention)), now_ns_(now_ns), veils_(std::move(veils)) {}
  /// Null when nothing of the tenant can be hidden.
  std::shared_ptr<const TenantVeil> of(const TenantId& tenant) const;

 private:
  const std::shared_ptr<const RetentionRules> retention_;
  const int64_t now_ns_;
  mutable Mutex mu_;
  mutable std::map<TenantId, std::shared_ptr<const TenantVeil>> veils_ GUARDED_BY(mu_);
};

}  // namespace cordwood
