// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

#include "query/extract_json.h"
#include "query/extract_json_paths.h"
#include "query/extract_logfmt.h"
#include "query/extract_pattern.h"
#include "query/extract_regexp.h"
#include "query/extract_unpack.h"

namespace cordwood::query {
namespace {

class Recorder : public FieldSink {
 public:
  bool on_field(std::string_view name, std::string_view value) override {
    if (!text.empty()) text += " ";
    text += std::string(name) + "=<" + std::string(value) + ">";
    return true;
  }
  std::string text;
};

std::string with_outcome(const Recorder& recorder, const ExtractOutcome& outcome) {
  if (!outcome.failed) return recorder.text;
  return recorder.text + "!" + std::string(outcome.details);
}

std::string json_labels(std::string_view line) {
  static Recorder recorder;
  static JsonExtractor extractor(&recorder);
  recorder.text.clear();
  return with_outcome(recorder, extractor.extract(line));
}

TEST(JsonExtractor, FlattensObjects) {
  const auto f = [](std::string_view line, std::string_view want) { EXPECT_EQ(json_labels(line), want) << line; };
  f(R"({"a":1,"a":2})", "a=<1> a=<2>");
  f(R"({"a.b":{"c-d":1,"1x":"y"},"sp ace":"v"})", "a_b_c_d=<1> a_b_1x=<y> sp_ace=<v>");
  f(R"({"n":1e3,"f":1.0,"neg":-0,"t":true,"z":null,"arr":[{"k":1}],"empty":{},"es":""})",
    "n=<1e3> f=<1.0> neg=<-0> t=<true> es=<>");
  f(R"({"u":"\u00e9\u4e2d","sl":"a\/b","q":"\"hi\"","g":"\ud83d\ude80"})",
    "u=<\u00e9\u4e2d> sl=<a/b> q=<\"hi\"> g=<\U0001F680>");
  f(R"({"":"nokey","ü":"umlaut","9x":1,"a":{"":{"b":2}," ":3}})", "_=<umlaut> _9x=<1> a_b=<2> a=<3>");
  f(R"({"bad":"a\qb","fffd":"x\ufffdy","lone":"\ud800"})", "bad=<> fffd=<x y> lone=<>");
  f("{\"raw\":\"a\xFF\"}", "raw=<a >");
  f(R"( {"sp" : "a" , "b" :[ ], } junk)", "sp=<a>");
  f(R"({"trailing":1} junk)", "trailing=<1>");
}

/// Keys are remembered from line to line: neither their order nor their number may show.
TEST(JsonExtractor, LinesMayDifferInTheirKeys) {
  EXPECT_EQ(json_labels(R"({"p":1,"q":{"r":2,"s":3},"t":4})"), "p=<1> q_r=<2> q_s=<3> t=<4>");
  EXPECT_EQ(json_labels(R"({"t":4,"q":{"s":3,"x":0,"r":2},"p":1})"), "t=<4> q_s=<3> q_x=<0> q_r=<2> p=<1>");
  EXPECT_EQ(json_labels(R"({"q":5,"p":{"q":6,"p":{"q":7}},"q":8})"), "q=<5> p_q=<6> p_p_q=<7> q=<8>");
  EXPECT_EQ(json_labels(R"({"q\u0041":5,"qA":{"\u0041":6}})"), "qA=<5> qA_A=<6>");
  for (int round = 0; round < 3; ++round) {
    std::string line = "{", want;
    for (int i = 0; i < 3000; ++i) {
      const std::string number = std::to_string((i * 7 + round) % 3000);
      line += fmt::format(R"({}"o{}":{{"k.{}":{}}},"k{}":"v")", i == 0 ? "" : ",", number, number, i, number);
      want += fmt::format("{}o{}_k_{}=<{}> k{}=<v>", i == 0 ? "" : " ", number, number, i, number);
    }
    EXPECT_EQ(json_labels(line + "}"), want);
  }
  const std::string long_key(1000, 'l');
  EXPECT_EQ(json_labels("{\"" + long_key + "\":{\"a\":1,\"b\":2}}"), long_key + "_a=<1> " + long_key + "_b=<2>");
}

TEST(JsonExtractor, KeepsWhatCameBeforeAnError) {
  const auto f = [](std::string_view line, std::string_view want) { EXPECT_EQ(json_labels(line), want) << line; };
  const std::string object = "!Value looks like object, but can't find closing '}' symbol";
  f("not json", object);
  f("", object);
  f("[1,2]", object);
  f("\"text\"", object);
  f(R"({"broken": )", "!Malformed JSON error");
  f(R"({"a":1)", "a=<1>!Value is array, but can't find closing ']' symbol");
  f(R"({"a":1,)", "a=<1>!Value is array, but can't find closing ']' symbol");
  f(R"({"a":1 "b":2})", "a=<1>" + object);
  f(R"({"a":{"b":1)", object);
  f(R"({"a":"x)", "!Value is string, but can't find closing '\"' symbol");
  f(R"({"a":nil})", "!Unknown value type");
  f(R"({"a\q":1})", "!Encountered an invalid escape sequence in a string");
  EXPECT_EQ(json_labels(std::string(300, ' ') + std::string("{\"a\":") + "1}"), "a=<1>");
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += "{\"a\":";
  EXPECT_TRUE(json_labels(deep + "1" + std::string(1000, '}')).find("Malformed") != std::string::npos);
}

std::string json_paths(const std::vector<ExtractionExpr>& expressions, std::string_view line) {
  auto extractor = JsonPathExtractor::make(expressions);
  if (!extractor.ok()) return extractor.error().message;
  Recorder recorder;
  bool looked = false;
  const ExtractOutcome outcome = extractor->extract(line, &recorder, &looked);
  return with_outcome(recorder, outcome) + (looked ? "" : " unlooked");
}

TEST(JsonPathExtractor, FindsValues) {
  const auto f = [](const std::string& path, std::string_view line, std::string_view want) {
    EXPECT_EQ(json_paths({{"x", path}}, line), want) << path << " " << line;
  };
  const std::string line = R"({"a":{"b":"1","c d":[10,{"e":"f"},[7,"q\"q"]]},"n":null,"b":true,"s":"a\nb"})";
  f("a.b", line, "x=<1>");
  f(R"(a["c d"][0])", line, "x=<10>");
  f(R"(["a"]["c d"][1].e)", line, "x=<f>");
  f(R"(a["c d"][2][1])", line, "x=<q\"q>");
  f(R"(a["c d"][9])", line, "");
  f(R"(a["c d"])", line, R"(x=<[10,{"e":"f"},[7,"q"q"]]>)");
  f("a", line, R"(x=<{"b":"1","c d":[10,{"e":"f"},[7,"q\"q"]]}>)");
  f("n", line, "x=<>");
  f("b", line, "x=<true>");
  f("s", line, "x=<a\nb>");
  f("missing", line, "");
  f("[1]", "[1,2,3]", "x=<2>");
  f("x", "not json", "! unlooked");
  f("x", " {\"x\":1}", "! unlooked");
  f("x", "", " unlooked");
  f("x", R"({"x":nope})", "!Unknown value type");
  f("a[", "{}", "cannot parse expression [a[]: syntax error: unexpected $end, expecting STRING or INDEX");
  EXPECT_EQ(json_paths({{"p", "a.b"}, {"q", "b"}}, line), "p=<1> q=<true>");
}

std::string logfmt(std::string_view line, LogfmtStage stage = {}) {
  LogfmtExtractor extractor(std::move(stage));
  Recorder recorder;
  return with_outcome(recorder, extractor.extract(line, &recorder));
}

LogfmtStage stage(bool strict, bool keep_empty, std::vector<ExtractionExpr> expressions = {}) {
  return {strict, keep_empty, std::move(expressions)};
}

TEST(LogfmtExtractor, ReadsPairs) {
  const auto f = [](std::string_view line, std::string_view want) { EXPECT_EQ(logfmt(line), want) << line; };
  f(R"(level=info msg="a b" empty= bare q="say \"hi\" \u00e9" k-1.x=9 9lives=cat)",
    "level=<info> msg=<a b> q=<say \"hi\" \u00e9> k_1_x=<9> _9lives=<cat>");
  f("foobar====wqe=sdad1r x=1", "x=<1>");
  f(R"(a=b"c d=e)", "d=<e>");
  f(R"("a"=b c=d)", "c=<d>");
  f(R"(x="unterminated)", "");
  f(R"(x="bad \q" y=2)", "y=<2>");
  f(R"(x="it\'s \\'" y=2)", "x=<it's \\'> y=<2>");
  f("a=x\xFFy", "a=<x y>");
}

TEST(LogfmtExtractor, ObeysFlags) {
  EXPECT_EQ(logfmt("a=1 b==2 c=3", stage(true, false)), "a=<1>!logfmt syntax error at pos 7 : unexpected '='");
  EXPECT_EQ(logfmt("a=1 x=\"un", stage(true, false)),
            "a=<1>!logfmt syntax error at pos 10 : unterminated quoted value");
  EXPECT_EQ(logfmt("a= b c=\"\"", stage(false, true)), "a=<> b=<> c=<>");
  EXPECT_EQ(logfmt("a=1 b=2 k-x=3", stage(false, false, {{"x", "b"}, {"y", "k_x"}, {"z", "b"}})), "x=<2> z=<2> y=<3>");
}

TEST(UnpackExtractor, NeedsAnEntry) {
  const auto f = [](std::string_view line, std::string_view want, std::string_view want_entry) {
    UnpackExtractor extractor;
    Recorder recorder;
    std::string_view entry;
    const ExtractOutcome outcome = extractor.extract(line, &recorder, &entry);
    EXPECT_EQ(with_outcome(recorder, outcome), want) << line;
    EXPECT_EQ(entry, want_entry);
  };
  f(R"({"a-b":"1","n":5,"_entry":"li\"ne","c":"2"})", "a_b=<1> c=<2>", "li\"ne");
  f(R"({"a":"1"})", "", R"({"a":"1"})");
  f("plain", "!expecting json object(6), but it is not", "plain");
  f("", "", "");
  f(R"({"_entry":"x","broken": )", "!Malformed JSON error", R"({"_entry":"x","broken": )");
}

TEST(PatternExtractor, TakesCaptures) {
  const auto f = [](std::string_view pattern, std::string_view line, std::string_view want) {
    Recorder recorder;
    PatternExtractor::make(pattern).value().extract(line, &recorder);
    EXPECT_EQ(recorder.text, want) << pattern << " " << line;
  };
  f("<ip> - <_> [<ts>] <rest>", "1.2.3.4 - bob [now] GET /", "ip=<1.2.3.4> ts=<now> rest=<GET />");
  f("a <x> b <y>", "a 1 c 2", "x=<1 c 2>");
  f("a <x>", "b 1", "");
  f("<a>,", ",tail", "a=<>");
  f("x<<y>>", "x<1>", "y=<1>");
}

TEST(LinePattern, MatchesWholeLines) {
  const auto f = [](std::string_view pattern, std::string_view line, bool want) {
    EXPECT_EQ(LinePattern::make(pattern).value().matches(line), want) << pattern << " " << line;
  };
  f("", "", true);
  f("", "x", false);
  f("abc", "abc", true);
  f("abc", "abcd", false);
  f("<_>", "x", true);
  f("<_>", "", false);
  f("a<_>c", "abc", true);
  f("a<_>c", "ac", false);
  f("a<_>", "a", false);
  f("<_>c", "abc", true);
  f("<_>c", "abcd", false);
  EXPECT_EQ(LinePattern::make("<a>").error().message, "named captures are not allowed: found '<a>'");
  EXPECT_EQ(LinePattern::make("<_><_>").error().message, "found consecutive capture '<_><_>': invalid expression");
}

TEST(RegexpExtractor, GivesNamedGroups) {
  const auto f = [](std::string_view regex, std::string_view line, std::string_view want) {
    Recorder recorder;
    RegexpExtractor::make(regex).value().extract(line, &recorder);
    EXPECT_EQ(recorder.text, want) << regex << " " << line;
  };
  f(R"((GET|POST) (?P<p>/[a-z]*)(?:/v(?P<ver>\d))?)", "x GET /login y", "p=</login> ver=<>");
  f("(?P<x>nomatch)", "line", "");
  f("(?<word>[a-z]+)", "1 abc", "word=<abc>");
}

}  // namespace
}  // namespace cordwood::query
