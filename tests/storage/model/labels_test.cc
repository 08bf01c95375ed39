// SPDX-License-Identifier: Apache-2.0
#include "storage/model/labels.h"

#include <gtest/gtest.h>

namespace cordwood {
namespace {

TEST(GoQuoted, PrintsAsStrconvQuote) {
  auto f = [](std::string_view input, const std::string& want) {
    std::string got;
    append_go_quoted(input, &got);
    EXPECT_EQ(got, want);
  };
  f("", "\"\"");
  f("a\"b\\c", R"("a\"b\\c")");
  f("tab\tnl\nbell\a\x01\x7f", R"("tab\tnl\nbell\a\x01\x7f")");
  f("Ümit €", "\"Ümit €\"");
  f("\xff\xc3", R"("\xff\xc3")");
  f("\xc2\xa0|\xe2\x80\xa8", R"("\u00a0|\u2028")");
}

TEST(Labels, SortsDropsEmptyAndRoundTrips) {
  const Labels labels = Labels::from_pairs({{"b", "2"}, {"a", "1"}, {"c", ""}});
  EXPECT_EQ(labels.to_string(), R"({a="1", b="2"})");
  std::string bytes;
  labels.encode(&bytes);
  ByteReader in(bytes);
  const Result<Labels> back = Labels::decode(&in);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(*back, labels);
}

TEST(Labels, SetAddsReplacesAndRemoves) {
  Labels labels;
  EXPECT_TRUE(labels.empty());
  const std::string large(300, 'v');  // its length takes two bytes
  labels.set("b", large);
  labels.set("c", "3");
  labels.set("a", "1");
  EXPECT_EQ(labels.size(), 3u);
  EXPECT_EQ(labels.get("b"), large);
  labels.set("b", "2");
  EXPECT_EQ(labels, Labels::from_pairs({{"a", "1"}, {"b", "2"}, {"c", "3"}}));
  labels.set("c", "");
  labels.set("nobody", "");
  EXPECT_FALSE(labels.has("c"));
  std::vector<Labels::Pair> pairs;
  for (const auto& [name, value] : labels.pairs()) pairs.emplace_back(name, value);
  EXPECT_EQ(pairs, (std::vector<Labels::Pair>{{"a", "1"}, {"b", "2"}}));
  labels.set("a", "");
  labels.set("b", "");
  EXPECT_EQ(labels, Labels());
}

TEST(Labels, RefusesDamagedBytes) {
  std::string bytes;
  Labels::from_pairs({{"app", "checkout"}, {"pod", "checkout-1"}}).encode(&bytes);
  for (size_t size = 0; size < bytes.size(); ++size) {
    ByteReader in(std::string_view(bytes).substr(0, size));
    EXPECT_FALSE(Labels::decode(&in).ok()) << size;
  }
}

TEST(Labels, RefusesUnsortedBytes) {
  std::string bytes;
  ByteWriter w(&bytes);
  w.varint(2);
  for (const char* s : {"b", "2", "a", "1"}) w.string(s);
  ByteReader in(bytes);
  EXPECT_FALSE(Labels::decode(&in).ok());
}

}  // namespace
}  // namespace cordwood
