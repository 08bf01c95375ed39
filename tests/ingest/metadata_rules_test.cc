// SPDX-License-Identifier: Apache-2.0
#include "ingest/metadata_rules.h"

#include <gtest/gtest.h>

namespace cordwood::ingest {
namespace {

TEST(MetadataRules, Names) {
  Arena arena;
  const auto f = [&](std::string_view name, std::string_view want) {
    const auto got = normalise_metadata_name(name, &arena);
    ASSERT_TRUE(got.ok()) << name;
    EXPECT_EQ(*got, want) << name;
  };
  f("trace_id", "trace_id");
  f("a.b", "a_b");
  f("a__b", "a_b");
  f("a.-_b", "a_b");
  f("_a", "_a");
  f("__a", "_a");
  f("a_", "a_");
  f("1x", "key_1x");
  f("__x__", "__x__");
  f("__a..b__", "__a_b__");
  f("k8s.pod.name", "k8s_pod_name");
  f("h\xc3\xa9llo", "h_llo");
  const auto bad = [&](std::string_view name, std::string_view want) {
    const auto got = normalise_metadata_name(name, &arena);
    ASSERT_FALSE(got.ok()) << name;
    EXPECT_EQ(got.error().message, want);
  };
  bad("", "label name is empty");
  bad("_", R"(normalization for label name "_" resulted in invalid name "_")");
  bad("...", R"(normalization for label name "..." resulted in invalid name "_")");
}

TEST(MetadataRules, Values) {
  Arena arena;
  const auto f = [&](std::string_view value, std::string_view want) {
    EXPECT_EQ(normalise_metadata_value(value, &arena), want);
  };
  f("plain", "plain");
  f("\xc3\xa9", "\xc3\xa9");
  f("a\xef\xbf\xbd"
    "b",
    "a b");
  f("a\xff\xfe", "a  ");
}

TEST(MetadataRules, Pairs) {
  Arena arena;
  std::vector<MetadataPair> out = {{"kept", "before"}};
  const std::vector<MetadataPair> sent = {{"z", "1"}, {"a.b", "2"}, {"empty", ""}, {"a_b", "3"}};
  ASSERT_TRUE(append_normalised(sent, &arena, &out).ok());
  EXPECT_EQ(out, (std::vector<MetadataPair>{{"kept", "before"}, {"a_b", "3"}, {"z", "1"}}));
}

}  // namespace
}  // namespace cordwood::ingest
