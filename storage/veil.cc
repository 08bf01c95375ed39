// SPDX-License-Identifier: Apache-2.0
#include "storage/veil.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "storage/masked_block.h"

namespace cordwood {

namespace {

constexpr uint32_t kMostGaps = 2000;
constexpr int64_t kForEver = std::numeric_limits<int64_t>::min();

int64_t edge(int64_t now_ns, int64_t period_ns) {
  return period_ns <= 0 ? kForEver : now_ns - period_ns;
}

int64_t edge_for(const TenantVeil::Rules& rules, const Stream& stream) {
  return rules.retention == nullptr ? kForEver : edge(rules.now_ns, rules.retention->period_of(stream));
}

/// Adds the rows that are older than what their stream keeps.
Result<void> add_aged(const TenantVeil::Rules& rules, const BlockSource& block, RowBits* rows) {
  if (rules.retention == nullptr) return {};
  const BlockInfo& info = block.info();
  const std::vector<uint32_t> begins = stream_begins(info);
  std::unique_ptr<BlockView> view;
  ReadStats stats;
  for (size_t i = 0; i < info.streams.size(); ++i) {
    const BlockStream& part = info.streams[i];
    const int64_t kept_from_ns = edge_for(rules, *part.stream);
    if (part.time_min_ns >= kept_from_ns) continue;
    uint32_t end = begins[i + 1];
    if (part.time_max_ns >= kept_from_ns) {
      if (view == nullptr) {
        TRY_ASSIGN(view, block.open(&stats));
      }
      TRY_ASSIGN(const std::span<const int64_t> times, view->times());
      if (times.size() != begins.back()) return Error::corrupt("a block has not as many times as rows");
      end = static_cast<uint32_t>(std::lower_bound(times.begin() + begins[i], times.begin() + end, kept_from_ns) -
                                  times.begin());
    }
    for (uint32_t row = begins[i]; row < end; ++row) rows->set(row);
  }
  return {};
}

}  // namespace

/// What the rules come to in one block.
struct TenantVeil::Findings {
  struct Outcome {
    std::shared_ptr<const MaskedBlock> masked;  ///< null: all rows are kept
    Standing standing;
  };
  /// What comes after others: their outcome, if it is known, counts for the first `deletes` rules.
  static std::shared_ptr<Findings> after(const std::shared_ptr<Findings>& others, size_t deletes) {
    auto next = std::make_shared<Findings>();
    const MutexLock next_lock(next->mu);
    next->covered = deletes;
    if (others == nullptr) return next;
    const MutexLock lock(others->mu);
    next->base = others->outcome ? others : others->base;
    if (!others->outcome) next->covered = others->covered;
    return next;
  }

  Mutex mu;
  std::optional<Outcome> outcome GUARDED_BY(mu);  ///< never changes once it is there
  std::shared_ptr<Findings> base GUARDED_BY(mu);  ///< null: the rules that are covered do not touch the block
  size_t covered GUARDED_BY(mu) = 0;
};

/// A block that rules may touch.  What they come to is worked out when first asked for; an error of reading is told by
/// open() and tried again.
class TenantVeil::Source final : public BlockSource {
 public:
  Source(BlockSourcePtr block, std::shared_ptr<const Rules> rules, std::shared_ptr<Findings> findings)
      : block_(std::move(block)), rules_(std::move(rules)), findings_(std::move(findings)) {}

  const BlockInfo& info() const override {
    const Result<const Outcome*> known = outcome();
    return known.ok() && (*known)->masked ? (*known)->masked->info : block_->info();
  }
  bool in_head() const override { return block_->in_head(); }
  Result<std::unique_ptr<BlockView>> open(ReadStats* stats) const override {
    TRY_ASSIGN(const Outcome* known, outcome());
    TRY_ASSIGN(std::unique_ptr<BlockView> view, block_->open(stats));
    if (!known->masked) return view;
    return make_masked_view(std::move(view), *known->masked);
  }
  Result<std::unique_ptr<BlockView>> open_with_gaps(ReadStats* stats, const RowBits** kept) const override {
    *kept = nullptr;
    TRY_ASSIGN(const Outcome* known, outcome());
    // Many short stretches of rows cost more than rows without columns.
    if (known->masked && known->masked->gaps > kMostGaps) return open(stats);
    if (known->masked) *kept = known->masked->kept.get();
    return block_->open(stats);
  }
  std::span<const int64_t> count_widths_ns() const override {
    return outcome().ok() ? block_->count_widths_ns() : std::span<const int64_t>();
  }
  bool may_have_metadata(std::string_view name) const override { return block_->may_have_metadata(name); }
  Result<bool> may_hold(const TextProbe& probe, ReadStats* stats) const override {
    return block_->may_hold(probe, stats);
  }
  void add_id_reads(const TextProbe& probe, IdReads* reads) const override { block_->add_id_reads(probe, reads); }
  bool may_hold_field(const FieldProbe& probe, ReadStats* stats) const override {
    return block_->may_hold_field(probe, stats);
  }
  Result<std::vector<BlockCount>> counts(size_t table) const override {
    TRY_ASSIGN(const Outcome* known, outcome());
    TRY_ASSIGN(std::vector<BlockCount> all, block_->counts(table));
    if (!known->masked) return all;
    return known->masked->counts(std::move(all), block_->count_widths_ns()[table]);
  }

  Result<Standing> standing() const {
    TRY_ASSIGN(const Outcome* known, outcome());
    return known->standing;
  }

 private:
  using Outcome = Findings::Outcome;

  Result<const Outcome*> outcome() const {
    const MutexLock lock(findings_->mu);
    if (!findings_->outcome) {
      TRY_ASSIGN(findings_->outcome, find(findings_->base, findings_->covered));
      findings_->base.reset();
    }
    return &*findings_->outcome;
  }
  /// `covered` rules need not be asked: `base` has their outcome, or they do not touch the block.
  Result<Outcome> find(const std::shared_ptr<Findings>& base, size_t covered) const {
    Outcome out;
    if (base != nullptr) {
      const MutexLock lock(base->mu);
      out = *base->outcome;
      // Which rows are held is not kept.
      if (out.standing.held > 0) {
        out = {};
        covered = 0;
      }
    }
    const uint32_t rows = block_->info().rows;
    RowBits hidden(rows);
    if (out.masked != nullptr) {
      hidden.set_all();
      hidden.remove(*out.masked->kept);
    }
    for (size_t i = covered; i < rules_->deletes.size(); ++i) {
      const RowRule& rule = *rules_->deletes[i];
      if (!rule.touches(block_->info())) continue;
      TRY_ASSIGN(const auto meant, rule.rows(block_));
      if (meant != nullptr) hidden.add(*meant);
    }
    if (covered == 0) TRY(add_aged(*rules_, *block_, &hidden));
    const uint32_t meant = hidden.count();
    if (meant == out.standing.hidden) return out;
    out = {};
    for (const auto& hold : rules_->holds) {
      if (!hold->touches(block_->info())) continue;
      TRY_ASSIGN(const auto held, hold->rows(block_));
      if (held != nullptr) hidden.remove(*held);
    }
    out.standing.hidden = hidden.count();
    out.standing.held = meant - out.standing.hidden;
    if (out.standing.hidden == 0) return out;
    auto kept = std::make_shared<RowBits>(rows);
    kept->set_all();
    kept->remove(hidden);
    TRY_ASSIGN(MaskedBlock masked, mask_block(*block_, std::move(kept)));
    out.masked = std::make_shared<const MaskedBlock>(std::move(masked));
    return out;
  }

  const BlockSourcePtr block_;
  const std::shared_ptr<const Rules> rules_;
  const std::shared_ptr<Findings> findings_;
};

TenantVeil::TenantVeil(Rules rules)
    : rules_(std::make_shared<const Rules>(std::move(rules))),
      youngest_edge_ns_(rules_->retention == nullptr ? kForEver
                                                     : edge(rules_->now_ns, rules_->retention->shortest_ns())) {}

bool TenantVeil::ages(const BlockInfo& info) const {
  if (info.time_min_ns >= youngest_edge_ns_) return false;
  return std::any_of(info.streams.begin(), info.streams.end(),
                     [this](const BlockStream& part) { return part.time_min_ns < edge_for(*rules_, *part.stream); });
}

std::shared_ptr<const TenantVeil> TenantVeil::with(const std::vector<std::shared_ptr<const RowRule>>& more) const {
  Rules rules = *rules_;
  rules.deletes.insert(rules.deletes.end(), more.begin(), more.end());
  auto veil = std::make_shared<TenantVeil>(std::move(rules));
  const MutexLock lock(mu_);
  const MutexLock new_lock(veil->mu_);
  veil->known_.reserve(known_.size());
  for (const auto& [block, known] : known_) {
    if (known.block.expired()) continue;
    // Sources have the rules of their veil.
    veil->known_.emplace(block, Known{known.block, known.findings, {}, known.deletes});
  }
  veil->prune_at_ = std::max<size_t>(256, 2 * veil->known_.size());
  return veil;
}

TenantVeil::Known* TenantVeil::known(const BlockSourcePtr& block) const {
  const auto found = known_.find(block.get());
  return found == known_.end() || found->second.block.lock() != block ? nullptr : &found->second;
}

std::shared_ptr<const TenantVeil::Source> TenantVeil::source_of(Known* known, const BlockSourcePtr& block) const {
  if (known->findings == nullptr) return nullptr;
  std::shared_ptr<const Source> source = known->source.lock();
  if (source == nullptr) {
    source = std::make_shared<const Source>(block, rules_, known->findings);
    known->source = source;
  }
  return source;
}

std::shared_ptr<const TenantVeil::Source> TenantVeil::source_of(const BlockSourcePtr& block) const {
  const std::vector<std::shared_ptr<const RowRule>>& deletes = rules_->deletes;
  bool is_known = false;
  size_t considered = 0;
  {
    const MutexLock lock(mu_);
    if (Known* found = known(block)) {
      if (found->deletes == deletes.size()) return source_of(found, block);
      is_known = true;
      considered = found->deletes;
    }
  }
  const BlockInfo& info = block->info();
  const bool touched =
      (!is_known && ages(info)) || std::any_of(deletes.begin() + static_cast<ptrdiff_t>(considered), deletes.end(),
                                               [&info](const auto& rule) { return rule->touches(info); });
  const MutexLock lock(mu_);
  Known* before = known(block);
  if (before != nullptr && before->deletes == deletes.size()) return source_of(before, block);  // another was faster
  if (before == nullptr && known_.size() >= prune_at_) {
    std::erase_if(known_, [](const auto& entry) { return entry.second.block.expired(); });
    prune_at_ = std::max<size_t>(256, 2 * known_.size());
  }
  std::shared_ptr<Findings> findings = is_known && before != nullptr ? before->findings : nullptr;
  if (touched) findings = Findings::after(findings, considered);
  Known& now = known_[block.get()];
  now = {block, std::move(findings), {}, deletes.size()};
  return source_of(&now, block);
}

BlockSourcePtr TenantVeil::over(const BlockSourcePtr& block) const {
  if (std::shared_ptr<const Source> source = source_of(block)) return source;
  return block;
}

Result<TenantVeil::Standing> TenantVeil::standing(const BlockSourcePtr& block) const {
  const std::shared_ptr<const Source> source = source_of(block);
  if (source == nullptr) return Standing{};
  return source->standing();
}

std::shared_ptr<const TenantVeil> Veils::of(const TenantId& tenant) const {
  const MutexLock lock(mu_);
  const auto known = veils_.find(tenant);
  if (known != veils_.end()) return known->second;
  if (retention_ == nullptr) return nullptr;
  auto veil = std::make_shared<const TenantVeil>(TenantVeil::Rules{{}, {}, retention_, now_ns_});
  veils_.emplace(tenant, veil);
  return veil;
}

}  // namespace cordwood
