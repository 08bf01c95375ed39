// SPDX-License-Identifier: Apache-2.0
#include "lifecycle/merge_policy.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace cordwood::lifecycle {

namespace {

using Candidates = std::span<const MergeCandidate>;

/// A day's segments are merged into its largest one when the others have at least this part of what it has,
constexpr uint64_t kWorthClosing = 8;
/// and among themselves when there are so many.
constexpr size_t kRemainsWorthMerging = 4;

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
  Chooser(Candidates all, const MergePolicyOptions& options, bool quiet, std::span<const uint64_t> cuts,
          int32_t first_open_day)
      : all_(all), options_(options), quiet_(quiet), cuts_(cuts), first_open_day_(first_open_day) {}

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
      if (list.size() < 2) continue;
      const std::vector<Unit> units = make_units(all_, list, is_own);
      if (part.second >= first_open_day_ || !close_day(units)) add_runs(units);
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
  /// Of a day that is over; false when it is better left to add_runs().
  bool close_day(const std::vector<Unit>& units) {
    const size_t before = days_.size();
    Run run;
    for (const Unit& unit : units) {
      const bool ends = unit.barrier || (!run.units.empty() && cut_between(*run.units.back(), unit));
      if (ends) close(&run);
      if (unit.barrier) continue;
      run.units.push_back(&unit);
      run.bytes += unit.bytes;
    }
    close(&run);
    return days_.size() > before;
  }
  void close(Run* run) {
    uint64_t largest = 0;
    for (const Unit* unit : run->units) largest = std::max(largest, unit->bytes);
    const bool worth = run->bytes - largest >= std::max<uint64_t>(largest / kWorthClosing, 1);
    const bool remains = !worth && run->units.size() > kRemainsWorthMerging && run->units[0]->bytes == largest;
    if (remains) run->units.erase(run->units.begin());
    if (remains || (worth && run->bytes <= options_.day_bytes())) {
      MergeGroup& group = days_.emplace_back();
      for (const Unit* unit : run->units) group.insert(group.end(), unit->members.begin(), unit->members.end());
    }
    *run = {};
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

  struct Budget {
    double kept = 0;
    double rewritten = 0;
  };
  bool is_over(size_t i) const {
    const MergeCandidate& c = all_[i];
    return c.level > 0 && c.parts.size() == 1 && c.parts[0].day < first_open_day_;
  }
  bool spend(Budget* budget, const MergeGroup& group, double max_rewrites) const {
    double cost = bytes_of(group) * (level_of(group) + 1);
    for (const size_t i : group) cost -= static_cast<double>(all_[i].size_bytes) * all_[i].level;
    if (budget->rewritten + cost > budget->kept * max_rewrites) return false;
    budget->rewritten += cost;
    return true;
  }

  /// Levels tell how often bytes were rewritten, so the budget needs no memory of its own.  Days that are over have one
  /// apart: what they took is not missing elsewhere.
  std::vector<MergeGroup> within_budget() {
    Budget open, over;
    for (size_t i = 0; i < all_.size(); ++i) {
      Budget& budget = is_over(i) ? over : open;
      budget.kept += static_cast<double>(all_[i].size_bytes);
      budget.rewritten += static_cast<double>(all_[i].size_bytes) * all_[i].level;
    }
    std::stable_sort(groups_.begin(), groups_.end(), [this](const MergeGroup& a, const MergeGroup& b) {
      const auto rank = [this](const MergeGroup& g) {
        return std::tuple(level_of(g) > 0, bytes_of(g) / static_cast<double>(g.size()));
      };
      return rank(a) < rank(b);
    });
    groups_.insert(groups_.end(), days_.begin(), days_.end());
    std::vector<MergeGroup> chosen;
    for (MergeGroup& group : groups_) {
      const bool past = is_over(group[0]);
      if (spend(past ? &over : &open, group, options_.max_rewrites * (past ? 2 : 1)))
        chosen.push_back(std::move(group));
    }
    return chosen;
  }

  const Candidates all_;
  const MergePolicyOptions& options_;
  const bool quiet_;
  const std::span<const uint64_t> cuts_;
  const int32_t first_open_day_;
  std::vector<MergeGroup> groups_;
  std::vector<MergeGroup> days_;
};

}  // namespace

std::vector<MergeGroup> choose_merges(std::span<const MergeCandidate> candidates, const MergePolicyOptions& options,
                                      bool quiet, std::span<const uint64_t> cuts, int32_t first_open_day) {
  return Chooser(candidates, options, quiet, cuts, first_open_day).choose();
}

}  // namespace cordwood::lifecycle
