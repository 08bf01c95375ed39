// SPDX-License-Identifier: Apache-2.0
#include "storage/veil.h"

#include <gtest/gtest.h>

#include <random>

#include "storage/merge_target.h"
#include "storage/segment.h"
#include "tests/support/engine_world.h"
#include "tests/support/simple_predicate.h"

namespace cordwood {
namespace {

constexpr int64_t kVeiledNs = 1'700'000'000'000'000'000;

/// Blocks of two streams, and rules about them.
struct VeilTest : testing::Test {
  VeilTest() {
    CHECK(world.open().ok(), "an empty store");
    for (int part = 0; part < 4; ++part) {
      std::vector<StoredRow> rows;
      for (int i = 0; i < 60; ++i) {
        const int n = part * 60 + i;
        rows.push_back({n % 3 == 0 ? "s0" : "s1", kVeiledNs + n, fmt::format("line {} of {}", n % 10, n), {}});
      }
      CHECK(world.engine->append(make_batch(*world.engine, "t", rows), nullptr).ok(), "appended");
      CHECK(world.engine->flush().ok(), "published");
    }
    for (const auto& segment : world.engine->merge_target()->merge_state().segments) {
      for (const BlockSourcePtr& block : segment->blocks()) blocks.push_back(block);
    }
  }
  std::shared_ptr<const RowRule> rule(const std::string& needle, int from, int to) {
    auto predicate = std::make_shared<const SimplePredicate>("*", needle);
    return std::make_shared<const RowRule>(std::move(predicate), kVeiledNs + from, kVeiledNs + to, UINT64_MAX,
                                           world.memory);
  }
  /// What a veil shows of a block, and says of it.
  static std::string show(const TenantVeil& veil, const BlockSourcePtr& block) {
    const auto standing = veil.standing(block);
    const BlockSourcePtr seen = veil.over(block);
    ReadStats stats;
    const auto view = seen->open(&stats);
    if (!standing.ok() || !view.ok()) return "cannot be read";
    std::string text = fmt::format("{} hidden {} held {} rows", standing->hidden, standing->held, seen->info().rows);
    const auto times = (*view)->times();
    if (!times.ok()) return "cannot be read";
    for (const int64_t time : *times) text += fmt::format(" {}", time - kVeiledNs);
    return text;
  }

  EngineWorld world{1};
  std::vector<BlockSourcePtr> blocks;
};

/// One more rule at a time, looked at or not in between, comes to the same as all of them at once.
TEST_F(VeilTest, WithMoreRulesIsTheSameAsAllAtOnce) {
  ASSERT_GE(blocks.size(), 4u);
  std::mt19937 random(7);
  const auto below = [&random](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  for (int round = 0; round < 200; ++round) {
    TenantVeil::Rules rules;
    if (round % 3 == 0) rules.holds.push_back(rule("line 3", 0, below(240)));
    if (round % 5 == 0) {
      auto retention = std::make_shared<RetentionRules>();
      retention->period_ns = 1'000'000;
      rules.retention = retention;
      rules.now_ns = kVeiledNs + 1'000'000 + below(200);
    }
    auto veil = std::make_shared<const TenantVeil>(rules);
    for (int step = 0; step < 12; ++step) {
      std::vector<std::shared_ptr<const RowRule>> more;
      for (int i = 0; i <= below(3); ++i) {
        const int from = below(240);
        more.push_back(rule(fmt::format("line {}", below(12)), from, from + below(120)));
      }
      rules.deletes.insert(rules.deletes.end(), more.begin(), more.end());
      veil = veil->with(more);
      const TenantVeil fresh(rules);
      for (const BlockSourcePtr& block : blocks) {
        const int look = below(4);
        if (look == 0) (void)veil->over(block);
        if (look != 1) continue;
        ASSERT_EQ(show(*veil, block), show(fresh, block)) << "round " << round << " step " << step;
      }
    }
    const TenantVeil fresh(rules);
    for (const BlockSourcePtr& block : blocks) ASSERT_EQ(show(*veil, block), show(fresh, block)) << "round " << round;
  }
}

}  // namespace
}  // namespace cordwood
