// SPDX-License-Identifier: Apache-2.0
#include "query/trace_id.h"

#include <gtest/gtest.h>

#include "query/query_engine.h"
#include "query/trace_matcher.h"

namespace cordwood::query {

namespace {

constexpr const char* kHex = "4bf92f3577b34da6a3ce929d0e0e4736";
constexpr const char* kShort = "0000000000000000a3ce929d0e0e4736";

TEST(TraceId, EverySpellingIsReadAsOneId) {
  const auto f = [](const std::string& text, const std::string& want) {
    const auto id = parse_trace_id(text);
    EXPECT_EQ(id ? id->hex() : "", want) << text;
  };
  f(kHex, kHex);
  f("4BF92F3577B34DA6A3CE929D0E0E4736", kHex);
  f("4bf92f35-77b3-4da6-a3ce-929d0e0e4736", kHex);
  f("4BF92F35-77B3-4DA6-A3CE-929D0E0E4736", kHex);
  f("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", kHex);
  f("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", kHex);
  f("1-4bf92f35-77b34da6a3ce929d0e0e4736", kHex);
  f("Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=53995c3f42cd8ad8;Sampled=1", kHex);
  f("Self=1-67891234-12456789abcdef012345678a;Root=1-4bf92f35-77b34da6a3ce929d0e0e4736", kHex);
  f("a3ce929d0e0e4736", kShort);
  f("A3CE929D0E0E4736", kShort);
  f("11803532876627986230", kShort);
  f("18446744073709551615", "0000000000000000ffffffffffffffff");
  f("1234567890123456", "00000000000000001234567890123456");
  f("42", "0000000000000000000000000000002a");
  for (const char* wrong :
       {"", "0", "nonsense", "00000000000000000000000000000000", "0000000000000000", "18446744073709551616", "-1",
        "0x2a", "4bf92f3577b34da6a3ce929d0e0e473", "4bf92f3577b34da6a3ce929d0e0e47361", "g3ce929d0e0e4736",
        "4bf92f3577b3-4da6a3ce929d0e0e4736", "4bf92f35-77b3-4da6-a3ce-929d0e0e473g",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x", "2-4bf92f35-77b34da6a3ce929d0e0e4736",
        "1-4bf92f35-77b34da6a3ce929d0e0e473"}) {
    f(wrong, "");
  }
}

TEST(TraceId, ReadingsOfAUrl) {
  const auto f = [](const std::string& text, size_t want) {
    const auto readings = trace_id_readings(text);
    EXPECT_EQ(readings.ok() ? readings->size() : 0, want) << text;
  };
  f(kHex, 1);
  f("1234567890123456", 2);
  f("a3ce929d0e0e4736", 1);
  f("11803532876627986230", 1);
  f("no-id", 0);
  f("0", 0);
  EXPECT_NE(trace_id_readings("no-id").error().message.find("no trace id: \"no-id\": want 32 or 16 hex digits"),
            std::string::npos);
}

/// Every case is decided by the text alone, as if it were the candidate.
TEST(TraceMatcher, LinesBelongOnlyWhereTheIdStandsByItself) {
  const auto f = [](const std::string& asked, const std::string& line, bool want) {
    TraceMatcher matcher(*parse_trace_id(asked), QueryLimits{}.trace_id_names);
    EXPECT_EQ(matcher.line_matches(line), want) << asked << " in " << line;
  };
  const std::string hex = kHex, uuid = "4bf92f35-77b3-4da6-a3ce-929d0e0e4736",
                    xray = "1-4bf92f35-77b34da6a3ce929d0e0e4736";
  const std::string half = "a3ce929d0e0e4736", decimal = "11803532876627986230";
  f(hex, "got " + hex + " here", true);
  f(hex, hex, true);
  f(hex, "x" + hex + "z", true);
  f(hex, "4BF92F3577B34DA6A3CE929D0E0E4736", true);
  f(hex, "0" + hex, false);
  f(hex, hex + "f", false);
  f(hex, hex + hex, false);
  f(hex, "traceparent=00-" + hex + "-00f067aa0ba902b7-01", true);
  f(hex, "id=" + uuid + ",", true);
  f(hex, uuid + "0", false);
  f(hex, "0" + uuid, false);
  f(hex, "pod-" + uuid + "-x", true);
  f(hex, "Root=" + xray + ";Parent=1", true);
  f(hex, xray + "0", false);
  f(hex, "1" + xray, false);
  f(hex, "_" + xray, false);
  f(hex, xray + "z", false);
  f(hex, xray + "-z", true);
  f(hex, "a" + xray, false);
  f(hex, "trace_id=" + half, false);
  f(hex, R"({"dd":{"trace_id":")" + decimal + R"("}})", true);
  f(hex, R"({"dd.trace_id":)" + decimal + "}", true);
  f(hex, "[dd.service=a dd.trace_id=" + decimal + " dd.span_id=1]", true);
  f(hex, "[dd.service=a dd.span_id=" + decimal + "]", false);
  f(hex, "dd.trace_id=" + decimal + "0", false);

  f(half, "trace_id=" + half, true);
  f(half, "traceID: \"" + half + "\"", true);
  f(half, R"({"a":{"traceId":"A3CE929D0E0E4736"}})", true);
  f(half, R"({"a":[{"trace.id":")" + half + R"("}]})", true);
  f(half, R"({"trace":{"sampled":true,"id":")" + half + R"("}})", true);
  f(half, R"({"span":{"id":")" + half + R"("}})", false);
  f(half, R"({"message":"{\"trace_id\":\")" + half + R"(\"}"})", true);
  f(half, "trace_id=" + half + "-1", false);
  f(half, "trace_id=" + half + ".", true);
  f(half, "span_id=" + half, false);
  f(half, "not_a_trace_id_" + half, false);
  f(half, "parent_trace_id=" + half, false);
  f(half, half, false);
  f(half, kShort, true);
  f(half, "id " + hex, false);
  f(half, "dd.trace_id=" + decimal, true);

  f(decimal, "dd.trace_id=" + half, true);
  f(decimal, "id " + hex, true);
  f(decimal, "id " + uuid, true);
  f(decimal, decimal, false);
  f("42", R"({"trace_id":42,"n":1})", true);
  f("42", R"({"trace_id":42.5,"n":42})", false);
}

TEST(TraceMatcher, MetadataAndLabels) {
  TraceMatcher matcher(*parse_trace_id("a3ce929d0e0e4736"), {"myTrace"});
  const auto metadata = [&](std::string_view name, std::string_view value) {
    const MetadataPair pair{name, value};
    return matcher.metadata_matches({&pair, 1});
  };
  EXPECT_TRUE(metadata("my_trace", "a3ce929d0e0e4736"));
  EXPECT_FALSE(metadata("trace_id", "a3ce929d0e0e4736"));
  EXPECT_TRUE(metadata("any", kShort));
  EXPECT_TRUE(metadata("any", std::string("00-") + kShort + "-00f067aa0ba902b7-01"));
  EXPECT_TRUE(matcher.labels_match(Labels::from_pairs({{"app", "x"}, {"MY_TRACE", "A3CE929D0E0E4736"}})));
  EXPECT_FALSE(matcher.labels_match(Labels::from_pairs({{"app", "a3ce929d0e0e4736"}})));
}

TEST(TraceSpellings, AMatchingLineHoldsOneOfThem) {
  const auto f = [](const std::string& asked, const std::string& line, bool want) {
    const auto spellings = trace_spellings(*parse_trace_id(asked));
    bool by_text = false, by_ending = false;
    for (const auto& spelling : spellings) {
      by_text = by_text || line.find(spelling.text) != std::string::npos;
      by_ending = by_ending || line.find(spelling.ending) != std::string::npos;
    }
    EXPECT_EQ(by_text, want) << asked << " in " << line;
    EXPECT_TRUE(by_ending || !want) << asked << " in " << line;
  };
  f(kHex, kHex, true);
  f(kHex, "4BF92F3577B34DA6A3CE929D0E0E4736", true);
  f(kHex, "4BF92F35-77B3-4DA6-A3CE-929D0E0E4736", true);
  f(kHex, "1-4bf92f35-77b34da6a3ce929d0e0e4736", true);
  f(kHex, "11803532876627986230", true);
  f(kHex, "a3ce929d0e0e4736", false);
  f(kShort, "A3CE929D0E0E4736", true);
  f("11803532876627986230", "4bf92f35-77b3-4da6-a3ce-929d0e0e4736", true);
  f("11803532876627986230", "4BF92F3577B34DA6A3CE929D0E0E4736", true);
  f("42", "42", true);
}

}  // namespace

}  // namespace cordwood::query
