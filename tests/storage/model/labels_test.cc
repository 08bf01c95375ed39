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
