// SPDX-License-Identifier: Apache-2.0
#include "lifecycle/merge_policy.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace cordwood::lifecycle {

namespace {

using Candidates = std::span<const MergeCandidate>;

/// Segments that overlap in arrival.
struct Unit {
  std::vector<size_t> members;
  uint32_t level = 0;
  uint64_t bytes = 0;
  uint64_t arrival_min = 0;
  uint64_t arrival_max = 0;
  bool barrier = false;  ///< not to be merged, nor anything across it
  bool mixed = false;    ///< holds several tenants or days
};

bool is_young(const MergeCandidate& c) {
  return c.level == 0;
}
bool is_shared(const MergeCandidate& c) {
  return c.level > 0 && c.parts.size() != 1;
}

/// `order` ascends in arrival; what `mergeable` does not admit is a barrier.
template <typename Mergeable>
std::vector<Unit> make_units(Candidates all, std::span<const size_t> order, const Mergeable& mergeable) {
  std::vector<Unit> units;
  for (const size_t i : order) {
    const MergeCandidate& c = all[i];
    if (units.empty() || c.arrival_min > units.back().arrival_max) units.emplace_back().arrival_min = c.arrival_min;
    Unit& unit = units.back();
    unit.members.push_back(i);
    unit.level = std::max(unit.level, c.level);
    unit.bytes += c.size_bytes;
    unit.arrival_max = std::max(unit.arrival_max, c.arrival_max);
    unit.barrier = unit.barrier || c.fixed || !mergeable(c);
    unit.mixed = unit.mixed || c.parts.size() != 1 || c.parts[0] != all[unit.members[0]].parts[0];
  }
  return units;
}

class Chooser {
 public:
  Chooser(Candidates all, const MergePolicyOptions& options, bool quiet, std::span<const uint64_t> cuts)
      : all_(all), options_(options), quiet_(quiet), cuts_(cuts) {}

  std::vector<MergeGroup> choose() {
    std::vector<size_t> order(all_.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(), [this](size_t a, size_t b) {
      return std::tie(all_[a].arrival_min, all_[a].key) < std::tie(all_[b].arrival_min, all_[b].key);
    });
    add_runs(make_units(all_, order, is_young));
    std::vector<size_t> shared;
    std::map<std::pair<std::string_view, int32_t>, std::vector<size_t>> by_part;
    for (const size_t i : order) {
      if (is_shared(all_[i])) shared.push_back(i);
      for (const MergePart& part : all_[i].parts) by_part[{part.tenant, part.day}].push_back(i);
    }
    add_runs(make_units(all_, shared, is_shared));
    const auto is_own = [](const MergeCandidate& c) { return !is_young(c) && !is_shared(c); };
    for (const auto& [part, list] : by_part) {
      if (list.size() > 1) add_runs(make_units(all_, list, is_own));
    }
    return within_budget();
  }

 private:
  struct Run {
    std::vector<const Unit*> units;
    uint64_t bytes = 0;
  };

  void add_runs(const std::vector<Unit>& units) {
    Run run;
    for (const Unit& unit : units) {
      const bool grown = unit.bytes >= options_.segment_bytes / 2 && !(unit.level == 0 && unit.mixed);
      if (unit.barrier || grown) {
        end_run(&run);
        continue;
      }
      if (!run.units.empty() && (run.units[0]->level != unit.level || cut_between(*run.units.back(), unit))) {
        end_run(&run);
      }
      run.units.push_back(&unit);
      run.bytes += unit.bytes;
      if (run.units.size() >= options_.fan_in || run.bytes >= options_.segment_bytes) emit(&run);
    }
    end_run(&run);
  }
  bool cut_between(const Unit& before, const Unit& after) const {
    const auto cut = std::lower_bound(cuts_.begin(), cuts_.end(), before.arrival_max);
    return cut != cuts_.end() && *cut < after.arrival_min;
  }
  void end_run(Run* run) {
    if (quiet_) emit(run);
    *run = {};
  }
  void emit(Run* run) {
    // One unit alone is rewritten only to be taken apart.
    const bool splits = run->units.size() == 1 && run->units[0]->mixed && run->units[0]->level == 0 &&
                        run->bytes >= options_.segment_bytes / 2;
    if (run->units.size() < 2 && !splits) return;
    MergeGroup& group = groups_.emplace_back();
    for (const Unit* unit : run->units) group.insert(group.end(), unit->members.begin(), unit->members.end());
    *run = {};
  }

  uint32_t level_of(const MergeGroup& group) const {
    uint32_t level = 0;
    for (const size_t i : group) level = std::max(level, all_[i].level);
    return level;
  }
  double bytes_of(const MergeGroup& group) const {
    double bytes = 0;
    for (const size_t i : group) bytes += static_cast<double>(all_[i].size_bytes);
    return bytes;
  }

  /// Levels tell how often bytes were rewritten, so the budget needs no memory of its own.
  std::vector<MergeGroup> within_budget() {
    double kept = 0, rewritten = 0;
    for (const MergeCandidate& c : all_) {
      kept += static_cast<double>(c.size_bytes);
      rewritten += static_cast<double>(c.size_bytes) * c.level;
    }
    std::stable_sort(groups_.begin(), groups_.end(), [this](const MergeGroup& a, const MergeGroup& b) {
      const auto rank = [this](const MergeGroup& g) {
        return std::tuple(level_of(g) > 0, bytes_of(g) / static_cast<double>(g.size()));
      };
      return rank(a) < rank(b);
    });
    std::vector<MergeGroup> chosen;
    for (MergeGroup& group : groups_) {
      double cost = bytes_of(group) * (level_of(group) + 1);
      for (const size_t i : group) cost -= static_cast<double>(all_[i].size_bytes) * all_[i].level;
      if (rewritten + cost > kept * options_.max_rewrites) continue;
      rewritten += cost;
      chosen.push_back(std::move(group));
    }
    return chosen;
  }

  const Candidates all_;
  const MergePolicyOptions& options_;
  const bool quiet_;
  const std::span<const uint64_t> cuts_;
  std::vector<MergeGroup> groups_;
};

}  // namespace

std::vector<MergeGroup> choose_merges(std::span<const MergeCandidate> candidates, const MergePolicyOptions& options,
                                      bool quiet, std::span<const uint64_t> cuts) {
  return Chooser(candidates, options, quiet, cuts).choose();
}

}  // namespace cordwood::lifecycle
