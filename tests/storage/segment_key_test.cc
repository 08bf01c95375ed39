// SPDX-License-Identifier: Apache-2.0
#include "storage/segment_key.h"

#include <gtest/gtest.h>

#include "storage/day_ids_meta.h"

namespace cordwood {
namespace {

TEST(SegmentKey, TellsWhatItsNumberIs) {
  EXPECT_TRUE(names_catalog_version("segments/n/m00000000000000000007-000003-0000.seg"));
  EXPECT_TRUE(names_catalog_version(DayIdsMeta::make_key("n", 7, 3)));
  EXPECT_FALSE(names_catalog_version("segments/n/00000000000000000007-000003-0000.seg"));
  EXPECT_FALSE(names_catalog_version("segments/m1/00000000000000000007-000003-0000.seg")) << "the node's name";
  EXPECT_TRUE(DayIdsMeta::make_key("n", 7, 3).starts_with(segment_prefix("n")));
}

}  // namespace
}  // namespace cordwood
