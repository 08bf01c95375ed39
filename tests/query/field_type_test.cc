// SPDX-License-Identifier: Apache-2.0
#include "query/field_type.h"

#include <gtest/gtest.h>

namespace cordwood::query {
namespace {

TEST(FieldType, TakesTheFirstThatFits) {
  const auto f = [](std::string_view value, std::string_view want) { EXPECT_EQ(field_type(value), want) << value; };
  for (const char* value : {"0", "1", "-7", "+7", "007", "9223372036854775807"}) f(value, "int");
  for (const char* value : {"9223372036854775808", "1.5", "-0.0", "1e3", ".5", "NaN", "Inf", "0x1p-2"})
    f(value, "float");
  for (const char* value : {"true", "T", "False", "f"}) f(value, "boolean");
  for (const char* value : {"10ms", "1h2m3s", "-1.5s", "3m", "20us"}) f(value, "duration");
  for (const char* value : {"10kB", "1 KiB", "5 b", "1,000", "7MB", "10 "}) f(value, "bytes");
  for (const char* value : {"", "tRUE", "GET", "1.2.3", "1d", "10 cats", "93e7283746574839", "-", "+"})
    f(value, "string");
}

TEST(FieldType, OffersSizesAsQueriesTakeThem) {
  const auto f = [](std::string_view value, std::string_view want) {
    EXPECT_EQ(offered_field_value(value), want) << value;
  };
  f("1500B", "1.5kB");
  f("489 KiB", "501kB");
  f("96B", "96B");
  f("5 b", "5B");
  f("36.7KB", "37kB");
  f("2g", "2.0GB");
  f("1m", "1.0MB");  // a duration too, but sizes are not asked what else they are
  f("200", "200");
  f("1,000", "1,000");
  f("1m54s", "1m54s");
  f("10 kB ", "10 kB ");
  f("cab", "cab");
  f("", "");
}

}  // namespace
}  // namespace cordwood::query
