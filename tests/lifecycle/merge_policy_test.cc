// SPDX-License-Identifier: Apache-2.0
#include "lifecycle/merge_policy.h"

#include <fmt/core.h>
#include <gmock/gmock.h>

#include <map>
#include <random>
#include <set>

namespace cordwood::lifecycle {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr uint64_t kMb = 1u << 20;

MergeCandidate segment(uint32_t level, uint64_t mb, uint64_t arrival, std::vector<MergePart> parts = {{"t", 1}}) {
  return {fmt::format("k{:06}", arrival), level, mb * kMb, arrival * 100, arrival * 100 + 99, false, std::move(parts)};
}

MergePolicyOptions small_fan() {
  MergePolicyOptions options;
  options.fan_in = 3;
  return options;
}

TEST(MergePolicyTest, NeighboursOfOneLevelAreMergedOnceThereAreEnough) {
  const auto f = [](std::vector<MergeCandidate> candidates, bool quiet, std::vector<MergeGroup> want) {
    EXPECT_EQ(choose_merges(candidates, small_fan(), quiet), want);
  };
  f({}, true, {});
  f({segment(0, 1, 1)}, true, {});
  f({segment(0, 1, 1), segment(0, 1, 2)}, false, {});
  f({segment(0, 1, 1), segment(0, 1, 2)}, true, {{0, 1}});
  f({segment(0, 1, 1), segment(0, 1, 2), segment(0, 1, 3)}, false, {{0, 1, 2}});
  f({segment(0, 1, 3), segment(0, 1, 1), segment(0, 1, 2)}, false, {{1, 2, 0}});
  // Large ones need not wait for a third; grown ones are left alone.
  f({segment(0, 120, 1), segment(0, 120, 2), segment(0, 120, 3)}, false, {{0, 1, 2}});
  f({segment(0, 127, 1), segment(0, 127, 2), segment(0, 10, 3)}, false, {{0, 1, 2}});
  f({segment(0, 128, 1), segment(0, 128, 2), segment(0, 128, 3)}, true, {});
  f({segment(1, 200, 1), segment(0, 1, 2), segment(0, 1, 3)}, true, {{1, 2}});
  // A lone small segment between others stays.
  f({segment(1, 200, 1), segment(1, 1, 2), segment(1, 200, 3)}, true, {});
  f({segment(2, 100, 1), segment(1, 1, 2), segment(2, 100, 3)}, true, {});
}

TEST(MergePolicyTest, NothingIsMergedAcrossWhatIsFixed) {
  std::vector<MergeCandidate> candidates;
  for (uint64_t i = 1; i <= 5; ++i) candidates.push_back(segment(0, 1, i));
  candidates[2].fixed = true;
  EXPECT_THAT(choose_merges(candidates, small_fan(), false), IsEmpty());
  EXPECT_THAT(choose_merges(candidates, small_fan(), true), ElementsAre(MergeGroup{0, 1}, MergeGroup{3, 4}));
}

TEST(MergePolicyTest, SegmentsOfOneGenerationStayTogether) {
  std::vector<MergeCandidate> candidates{segment(0, 1, 1), segment(0, 1, 1), segment(0, 1, 2), segment(0, 1, 2)};
  EXPECT_THAT(choose_merges(candidates, small_fan(), false), IsEmpty()) << "two generations, not four";
  candidates.push_back(segment(0, 1, 3));
  EXPECT_THAT(choose_merges(candidates, small_fan(), false), ElementsAre(MergeGroup{0, 1, 2, 3, 4}));
}

TEST(MergePolicyTest, TenantsAndDaysAreMergedApart) {
  std::vector<MergeCandidate> candidates;
  for (uint64_t i = 1; i <= 6; ++i) candidates.push_back(segment(1, 1, i, {{i % 2 == 0 ? "even" : "odd", 7}}));
  candidates.push_back(segment(1, 400, 9, {{"large", 1}}));
  EXPECT_THAT(choose_merges(candidates, small_fan(), false), ElementsAre(MergeGroup{1, 3, 5}, MergeGroup{0, 2, 4}));
  // A shared segment with rows of a tenant lies between that tenant's own ones.
  candidates[3].parts.push_back({"other", 7});
  EXPECT_THAT(choose_merges(candidates, small_fan(), false), ElementsAre(MergeGroup{0, 2, 4}));
}

TEST(MergePolicyTest, ALargeYoungSegmentOfManyTenantsIsTakenApart) {
  const std::vector<MergeCandidate> candidates{segment(0, 200, 1, {{"a", 1}, {"b", 1}})};
  EXPECT_THAT(choose_merges(candidates, small_fan(), false), IsEmpty());
  EXPECT_THAT(choose_merges(candidates, small_fan(), true), ElementsAre(MergeGroup{0}));
}

TEST(MergePolicyTest, RewritingEndsWithTheBudget) {
  std::vector<MergeCandidate> candidates;
  for (uint64_t i = 1; i <= 12; ++i) candidates.push_back(segment(1, 10, i));
  const auto groups = choose_merges(candidates, small_fan(), false);
  EXPECT_EQ(groups.size(), 2u) << "half of what was rewritten once";
}

/// A store that does what the policy says, with sizes alone.
class Simulation {
 public:
  struct Tenant {
    std::string name;
    uint64_t bytes_per_generation = 0;
  };
  Simulation(uint64_t seed, bool days_end) : random_(seed), days_end_(days_end) {}

  void run(const std::vector<Tenant>& tenants, uint64_t generations, uint64_t per_day, double quiet_share) {
    for (uint64_t g = 0; g < generations; ++g) {
      flush(tenants, g, static_cast<int32_t>(g / per_day));
      if (days_end_) first_open_day_ = static_cast<int32_t>(g / per_day);
      merge(false);
      if (static_cast<double>(random_() % 1000) < quiet_share * 1000) merge(true);
    }
  }
  double write_amplification() const { return static_cast<double>(written_) / static_cast<double>(ingested_); }
  size_t segments() const { return segments_.size(); }
  size_t merges() const { return merges_; }
  size_t most_segments() const { return most_; }
  size_t segments_of(const MergePart& part) const {
    size_t count = 0;
    for (const auto& [key, s] : segments_) count += s.bytes.contains({part.tenant, part.day}) ? 1 : 0;
    return count;
  }

 private:
  using Part = std::pair<std::string, int32_t>;
  struct Stored {
    MergeCandidate facts;
    std::map<Part, uint64_t> bytes;
  };
  static constexpr uint64_t kOwnBytes = 128u << 10;  // about 1 MB raw

  void add(uint32_t level, uint64_t first, uint64_t last, std::map<Part, uint64_t> bytes) {
    Stored stored;
    stored.facts.key = fmt::format("{:09}", next_key_++);
    stored.facts.level = level;
    stored.facts.arrival_min = first;
    stored.facts.arrival_max = last;
    for (const auto& [part, size] : bytes) {
      stored.facts.parts.push_back({part.first, part.second});
      stored.facts.size_bytes += size;
    }
    written_ += stored.facts.size_bytes;
    stored.bytes = std::move(bytes);
    segments_.emplace(stored.facts.key, std::move(stored));
  }

  void flush(const std::vector<Tenant>& tenants, uint64_t generation, int32_t day) {
    std::map<Part, uint64_t> bytes;
    for (const Tenant& t : tenants) {
      const uint64_t size = t.bytes_per_generation / 2 + random_() % (t.bytes_per_generation + 1);
      ingested_ += size;
      const uint64_t late = random_() % 20 == 0 && day > 0 ? size / 10 : 0;
      bytes[{t.name, day}] += size - late;
      if (late > 0) bytes[{t.name, day - 1}] += late;
    }
    add(0, generation * 1000, generation * 1000 + 999, std::move(bytes));
    most_ = std::max(most_, segments_.size());
  }

  void merge(bool quiet) {
    for (int round = 0; round < 100; ++round) {
      std::vector<MergeCandidate> facts;
      for (const auto& [key, s] : segments_) facts.push_back(s.facts);
      const auto groups = choose_merges(facts, options_, quiet, {}, first_open_day_);
      if (groups.empty()) return;
      std::set<size_t> used;
      for (const MergeGroup& group : groups) {
        for (const size_t i : group) ASSERT_TRUE(used.insert(i).second) << "a segment in two groups";
        execute(facts, group);
      }
      ASSERT_LT(round, 99) << "merging has no end";
    }
  }

  void execute(const std::vector<MergeCandidate>& facts, const MergeGroup& group) {
    ++merges_;
    uint32_t level = 0;
    uint64_t first = UINT64_MAX, last = 0;
    std::map<Part, uint64_t> sum;
    for (const size_t i : group) {
      level = std::max(level, facts[i].level);
      first = std::min(first, facts[i].arrival_min);
      last = std::max(last, facts[i].arrival_max);
      for (const auto& [part, size] : segments_.at(facts[i].key).bytes) sum[part] += size;
      segments_.erase(facts[i].key);
    }
    std::map<Part, uint64_t> shared;
    for (const auto& [part, size] : sum) {
      if (size < kOwnBytes) {
        shared[part] = size;
        continue;
      }
      const uint64_t most = part.second < first_open_day_ ? options_.day_bytes() : options_.segment_bytes;
      const uint64_t pieces = std::max<uint64_t>(1, (size + most / 2) / most);
      for (uint64_t i = 0; i < pieces; ++i) add(level + 1, first, last, {{part, size / pieces}});
    }
    if (!shared.empty()) add(level + 1, first, last, std::move(shared));
  }

  std::mt19937_64 random_;
  const bool days_end_;
  const MergePolicyOptions options_;
  int32_t first_open_day_ = INT32_MIN;
  std::map<std::string, Stored> segments_;
  uint64_t next_key_ = 1;
  uint64_t written_ = 0;
  uint64_t ingested_ = 0;
  size_t merges_ = 0;
  size_t most_ = 0;
};

TEST(MergePolicyTest, WritesLittleAndLeavesFewSegmentsOverALongRun) {
  struct Case {
    const char* what;
    std::vector<Simulation::Tenant> tenants;
    uint64_t generations, per_day;
    double quiet_share;
    size_t most_per_part;  ///< segments that hold rows of one tenant and day, in the end
  };
  std::vector<Simulation::Tenant> many;
  for (int i = 0; i < 300; ++i) many.push_back({fmt::format("small{}", i), 3000});
  many.push_back({"large", 20 * kMb});
  const Case cases[] = {
      {"one tenant, a generation every five minutes", {{"t", 4 * kMb}}, 5760, 288, 0, 30},
      {"the same with pauses", {{"t", 4 * kMb}}, 5760, 288, 0.1, 60},
      {"one tenant at full speed", {{"t", 60 * kMb}}, 4000, 2000, 0, 560},
      {"three tenants", {{"a", 8 * kMb}, {"b", 900 << 10}, {"c", 9000}}, 2880, 288, 0.02, 40},
      {"many small tenants", many, 576, 288, 0.01, 40},
  };
  for (const Case& c : cases) {
    Simulation simulation(7, false);
    simulation.run(c.tenants, c.generations, c.per_day, c.quiet_share);
    if (HasFatalFailure()) return;
    EXPECT_LE(simulation.write_amplification(), 2.5) << c.what;
    EXPECT_GT(simulation.merges(), c.generations / 100) << c.what;
    const size_t of_part = simulation.segments_of({c.tenants.back().name, 0});
    EXPECT_LE(of_part, c.most_per_part) << c.what;
    fmt::print(
        "{}: {} generations, {} merges, write amplification {:.2f}, {} segments ({} at most), {} for one "
        "tenant's first day\n",
        c.what, c.generations, simulation.merges(), simulation.write_amplification(), simulation.segments(),
        simulation.most_segments(), of_part);
  }
}

TEST(MergePolicyTest, ADayThatIsOverBecomesOneSegment) {
  const auto f = [](std::vector<MergeCandidate> candidates, int32_t first_open_day, std::vector<MergeGroup> want,
                    std::vector<uint64_t> cuts = {}) {
    EXPECT_EQ(choose_merges(candidates, {}, false, cuts, first_open_day), want);
  };
  // Whatever their levels and sizes, as soon as it is over.
  f({segment(1, 130, 1), segment(2, 100, 2), segment(1, 3, 3)}, 1, {});
  f({segment(1, 130, 1), segment(3, 100, 2), segment(1, 3, 3)}, 2, {});
  f({segment(1, 130, 1), segment(2, 100, 2), segment(1, 3, 3)}, 2, {{0, 1, 2}});
  f({segment(1, 130, 1)}, 2, {});
  // But for what is young, or shares a segment, and nothing across it.
  f({segment(1, 130, 1), segment(1, 100, 2), segment(0, 3, 3)}, 2, {{0, 1}});
  f({segment(1, 130, 1), segment(1, 100, 2), segment(1, 3, 3, {{"t", 1}, {"u", 1}})}, 2, {{0, 1}});
  f({segment(1, 130, 1), segment(0, 3, 2), segment(1, 100, 3)}, 2, {});
  f({segment(1, 130, 1), segment(1, 100, 2)}, 2, {}, {199});
  // Not for the little that came late, nor beyond twice the size of segments.
  f({segment(2, 250, 1), segment(1, 20, 2)}, 2, {});
  f({segment(2, 250, 1), segment(1, 20, 2), segment(1, 20, 3)}, 2, {{0, 1, 2}});
  f({segment(2, 250, 1), segment(1, 1, 2), segment(1, 1, 3), segment(1, 1, 4)}, 2, {});
  f({segment(2, 250, 1), segment(1, 1, 2), segment(1, 1, 3), segment(1, 1, 4), segment(1, 1, 5)}, 2, {{1, 2, 3, 4}});
  f({segment(1, 250, 1), segment(1, 250, 2), segment(1, 20, 3)}, 2, {});
  // Each tenant and day for itself.
  f({segment(1, 50, 1, {{"t", 1}}), segment(1, 50, 2, {{"u", 1}}), segment(1, 50, 3, {{"t", 1}}),
     segment(1, 50, 4, {{"t", 2}})},
    2, {{0, 2}});
}

TEST(MergePolicyTest, DaysThatAreOverStayOneSegmentEach) {
  struct Case {
    const char* what;
    uint64_t bytes, generations, per_day;
    size_t want;
  };
  // Late rows may wait beside a day.
  const Case cases[] = {{"small", 40'000, 2880, 288, 5},
                        {"a generation every five minutes", 900 << 10, 2880, 288, 5},
                        {"large", 24 * kMb, 160, 16, 3}};
  for (const Case& c : cases) {
    Simulation simulation(7, true);
    simulation.run({{"t", c.bytes}}, c.generations, c.per_day, 0);
    if (HasFatalFailure()) return;
    EXPECT_LE(simulation.write_amplification(), 3.5) << c.what;
    size_t most = 0;
    for (int32_t day = 0; day < 8; ++day) most = std::max(most, simulation.segments_of({"t", day}));
    EXPECT_LE(most, c.want) << c.what;
    fmt::print("{}: write amplification {:.2f}, {} segments, {} at most for a day\n", c.what,
               simulation.write_amplification(), simulation.segments(), most);
  }
}

}  // namespace
}  // namespace cordwood::lifecycle
