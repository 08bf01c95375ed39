// SPDX-License-Identifier: Apache-2.0
#include "ingest/label_parser.h"

#include <gtest/gtest.h>

namespace cordwood::ingest {
namespace {

TEST(LabelParser, Accepts) {
  const auto f = [](std::string_view text, std::vector<Labels::Pair> want) {
    const auto got = parse_label_text(text);
    ASSERT_TRUE(got.ok()) << text << ": " << got.error().message;
    EXPECT_EQ(*got, want) << text;
  };
  f("{}", {});
  f("", {});
  f(R"({app="x"})", {{"app", "x"}});
  f(R"( { b = "2" , a='1', } )", {{"a", "1"}, {"b", "2"}});
  f(R"({a="1",a="2"})", {{"a", "1"}, {"a", "2"}});
  f(R"({a=""})", {});
  f(R"({"odd.name"=`ra\w`})", {{"odd.name", "ra\\w"}});
  f(R"(up{a="1"})", {{"__name__", "up"}, {"a", "1"}});
  f(R"({a="q\"\\\n\t\x41\u00e9\101"})", {{"a",
                                          "q\"\\\n\tA\u00e9"
                                          "A"}});
  f(R"({a="\xff"})", {{"a", "\xff"}});
}

TEST(LabelParser, Refuses) {
  const auto f = [](std::string_view text, std::string_view want) {
    const auto got = parse_label_text(text);
    ASSERT_FALSE(got.ok()) << text;
    EXPECT_EQ(got.error().message, want) << text;
  };
  f(R"({foo-bar="x"})", "1:5: parse error: unexpected character inside braces: '-'");
  f(R"({foo.bar="x"})", "1:5: parse error: unexpected character inside braces: '.'");
  f("{", "1:2: parse error: unexpected end of input inside braces");
  f(R"({a="x")", "1:7: parse error: unexpected end of input inside braces");
  f(R"({a=b})", R"(1:4: parse error: unexpected identifier "b" in label set, expected string)");
  f(R"({a})", R"(1:3: parse error: unexpected "}" in label set, expected "=")");
  f(R"({a="x" foo="y"})", R"(1:8: parse error: unexpected identifier "foo" in label set, expected "," or "}")");
  f(R"({,})", R"(1:2: parse error: unexpected "," in label set, expected identifier or "}")");
  f(R"({a="x)", "1:4: parse error: unterminated quoted string");
  f("{a=\"\xff\"}", "1:4: parse error: invalid UTF-8 rune");
  f("{a=\"\xef\xbf\xbd\"}", "1:4: parse error: invalid UTF-8 rune");
  f("{\na-b=\"\"}", "2:2: parse error: unexpected character inside braces: '-'");
  f("}", "1:1: parse error: unexpected character: '}'");
  f("{{", "1:2: parse error: unexpected left brace '{'");
}

}  // namespace
}  // namespace cordwood::ingest
