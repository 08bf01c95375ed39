// SPDX-License-Identifier: Apache-2.0
// The list of segments over a bucket whose answers get lost and whose listings are old.
#include <gtest/gtest.h>

#include "storage/manifest_store.h"
#include "tests/support/s3_world.h"

namespace cordwood {
namespace {

CatalogChange adding_segment(uint64_t n) {
  SegmentMeta meta;
  meta.key = fmt::format("segments/n/{}", n);
  meta.node = "n";
  meta.generation = n;
  return {{meta}, {}, {{n, 0}}};
}

TEST(S3Manifest, AnOldListingHidesNoChange) {
  S3World w;
  w.open();
  {
    ManifestStore manifest(*w.store, "n", *w.log);
    CatalogState state;
    bool rebuilt = false;
    ASSERT_TRUE(manifest.load(&state, &rebuilt).ok());
    for (uint64_t n = 1; n <= 5; ++n) ASSERT_TRUE(manifest.append(adding_segment(n), &state).ok());
    EXPECT_EQ(state.version, 6u);
  }
  w.bucket.set_faults(
      [](const S3Double::Seen& seen) { return seen.op == "list" ? S3Fault::stale_list : S3Fault::none; });
  ManifestStore manifest(*w.store, "n", *w.log);
  CatalogState state;
  bool rebuilt = false;
  ASSERT_TRUE(manifest.load(&state, &rebuilt).ok());
  EXPECT_EQ(state.version, 6u);
}

TEST(S3Manifest, TwoWritersWithLostAnswersMakeEachChangeOnce) {
  S3World w;
  w.open();
  w.bucket.set_faults([n = 0u](const S3Double::Seen&) mutable {
    static constexpr S3Fault kFaults[] = {S3Fault::lost_answer, S3Fault::lost_to_500, S3Fault::error_500};
    return ++n % 2 == 0 ? kFaults[n / 2 % std::size(kFaults)] : S3Fault::none;
  });
  ManifestStore one(*w.store, "n", *w.log);
  ManifestStore two(*w.store, "n", *w.log);
  CatalogState a;
  CatalogState b;
  bool rebuilt = false;
  ASSERT_TRUE(one.load(&a, &rebuilt).ok());
  ASSERT_TRUE(two.load(&b, &rebuilt).ok());
  for (uint64_t n = 1; n <= 20; n += 2) {
    const auto first = one.append(adding_segment(n), &a);
    ASSERT_TRUE(first.ok()) << first.error().message;
    const auto second = two.append(adding_segment(n + 1), &b);
    ASSERT_TRUE(second.ok()) << second.error().message;
  }
  EXPECT_EQ(b.version, 21u);
  EXPECT_EQ(b.everything().added.size(), 20u);
}

}  // namespace
}  // namespace cordwood
