// SPDX-License-Identifier: Apache-2.0
#include "query/template.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <string>

namespace cordwood::query {
namespace {

class MapLabels : public TemplateLabels {
 public:
  explicit MapLabels(std::map<std::string, std::string, std::less<>> labels) : labels_(std::move(labels)) {}
  std::optional<std::string_view> find(std::string_view name) const override {
    const auto found = labels_.find(name);
    if (found == labels_.end()) return std::nullopt;
    return found->second;
  }
  void list(std::vector<std::pair<std::string_view, std::string_view>>* out) const override {
    for (const auto& [name, value] : labels_) out->emplace_back(name, value);
  }

 private:
  std::map<std::string, std::string, std::less<>> labels_;
};

std::string render(std::string_view text) {
  static const MapLabels labels({{"method", "GET"},
                                 {"status", "500"},
                                 {"msg", "payment declined"},
                                 {"user", "Ümit"},
                                 {"currency", "USD"},
                                 {"path", "/api/v1/users/52"},
                                 {"took", "37.25"},
                                 {"size", "13MB"},
                                 {"latency", "1m30.5s"},
                                 {"ok", "true"}});
  static const ZoneSource zones = [](std::string_view name) {
    std::ifstream file("/usr/share/zoneinfo/" + std::string(name), std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  auto parsed = Template::parse("line", text);
  if (!parsed.ok()) return parsed.error().message;
  TemplateInput input;
  input.line = R"({"method":"GET","tags":["a","b"],"n":null,"geo":{"cc":"FR"},"big":1234567})";
  input.time_ns = 1795046422854790731;
  input.labels = &labels;
  input.zones = &zones;
  std::string out;
  std::string error;
  return parsed->execute(input, &out, &error) ? out : error;
}

TEST(Template, RendersText) {
  const auto f = [](std::string_view text, std::string_view want) { EXPECT_EQ(render(text), want) << text; };
  f("{{.method}} {{.nosuch}}|", "GET |");
  f("{{ToLower .currency}} {{.user | upper}} {{ title .msg }}", "usd \u00dcMIT Payment Declined");
  f(R"({{ Replace .msg "a" "4" -1 }} {{ Replace .msg "" "-" 2 }})", "p4yment declined -p-ayment declined");
  f(R"({{ Trim .msg "pd" }}|{{ trimAll "$d" .msg }}|{{ trimPrefix "pay" .msg }})",
    "ayment decline|payment decline|ment declined");
  f("{{ trunc -3 .msg }}|{{ substr 0 5 .msg }}|{{ substr 3 -1 .msg }}|{{ substr -1 4 .msg }}",
    "ned|payme|ment declined|paym");
  f("{{ indent 2 \"a\\nb\" }}{{ nindent 1 `x` }}", "  a\n  b\n x");
  f(R"({{ regexReplaceAll "[0-9]+" .path "<$0>" }} {{ regexReplaceAllLiteral "[0-9]+" .path "$1" }})",
    "/api/v<1>/users/<52> /api/v$1/users/$1");
  f(R"({{ count "a*" "baac" }} {{ repeat 3 "ab" }} {{ default "-" .nosuch }} {{ .msg | replace "a" "b" }})",
    "3 ababab - pbyment declined");
  f(R"({{ b64enc "cache" }} {{ b64dec "aGVsbG8" }} {{ b64dec "not base64!" }})",
    "Y2FjaGU= hello illegal base64 data at input byte 3");
  f(R"({{ urlencode "a b/c" }} {{ urldecode "a%20b%2Fc+d" }} {{ html "<a&'\">" }} {{ js "it's <b>" }})",
    R"(a+b%2Fc a b/c d &lt;a&amp;&#39;&#34;&gt; it\'s \u003Cb\u003E)");
  f("{{ alignLeft 5 .currency }}|{{ alignRight 5 .currency }}|{{ alignLeft 2 .user }}|{{ alignRight 3 .user }}|",
    "USD  |  USD|\u00dcm|mit|");
}

TEST(Template, Computes) {
  const auto f = [](std::string_view text, std::string_view want) { EXPECT_EQ(render(text), want) << text; };
  f("{{ int .took }} {{ add (int .status) 1 2 }} {{ mul 2 3 .status }} {{ div -7 2 }} {{ mod -7 3 }} {{ int \"12abc\" "
    "}}",
    "37 503 3000 -3 -1 0");
  f("{{ addf 0.1 0.2 }} {{ subf 1 0.9 }} {{ mulf 3 0.1 }} {{ divf 1 3 }} {{ divf 10 4 2 }} {{ divf 2 3 }}",
    "0.3 0.1 0.3 0.3333333333333333 1.25 0.6666666666666667");
  f("{{ round 123.555 2 }} {{ round -2.5 0 }} {{ round 20.4 0 0.4 }} {{ ceil -1.5 }} {{ max 1 5 3 }} {{ minf 2 1.5 }}",
    "123.56 -3 20 -1 5 1.5");
  f("{{ bytes .size }} {{ bytes \"2 KiB\" }} {{ duration .latency }}", "1.3e+07 2048 90.5");
  f("{{ lt .status \"600\" }} {{ ge 2 1 }} {{ eq 1 2 1 }} {{ ne `a` `b` }} {{ not .nosuch }}",
    "true true true true true");
  f("{{ or .nosuch .method }} {{ and .ok .method }} {{ or 0 false }}", "GET GET false");
  f("{{ len .path }} {{ index .path 0 }} {{ slice .path 1 4 }} {{ index . `method` }} {{ index . `no` }}|",
    "16 47 api GET |");
}

TEST(Template, Prints) {
  const auto f = [](std::string_view text, std::string_view want) { EXPECT_EQ(render(text), want) << text; };
  f(R"({{ printf "%-6s|%5s|%q|%x|%t" .method .status .path .method false }})",
    "GET   |  500|\"/api/v1/users/52\"|474554|false");
  f(R"({{ printf "%6.2f|%+d%%|%05d|%e|%v|%T" 3.14159 5 42 28.802 1234567.0 .status }})",
    "  3.14|+5%|00042|2.880200e+01|1.234567e+06|string");
  f(R"({{ printf "%d" .status }} {{ printf "%s" }} {{ printf "%s" 1 2 }})",
    "%!d(string=500) %!s(MISSING) %!s(int=1)%!(EXTRA int=2)");
  f(R"({{ print .status .ok 1 2 3.5 }}{{ println "a" "b" }})", "500true1 2 3.5a b\n");
  f("{{ $j := fromJson __line__ }}{{ $j.geo.cc }} {{ index $j.tags 1 }} {{ $j.n }} {{ $j.no }} {{ $j.tags }} {{ $j.geo "
    "}}",
    "FR b <no value> <no value> [a b] map[cc:FR]");
  f("{{ fromJson `nope` }} {{ (fromJson __line__).big }}", "<no value> 1.234567e+06");
}

TEST(Template, Branches) {
  const auto f = [](std::string_view text, std::string_view want) { EXPECT_EQ(render(text), want) << text; };
  f("{{ if eq .method `POST` }}a{{ else if eq .status `500` }}b{{ else }}c{{ end }}", "b");
  f("{{ with .nosuch }}x{{ else with .method }}[{{ . }}]{{ end }}", "[GET]");
  f("{{ range $i, $t := (fromJson __line__).tags }}{{ $i }}={{ $t }};{{ end }}", "0=a;1=b;");
  f("{{ range (fromJson `[]`) }}x{{ else }}none{{ end }}", "none");
  f("{{ range 5 }}{{ if eq . 1 }}{{ continue }}{{ end }}{{ if eq . 3 }}{{ break }}{{ end }}{{ . }}{{ end }}", "02");
  f("{{ $m := `x` }}{{ if .ok }}{{ $m = `y` }}{{ end }}{{ $m }}{{ $.method }}", "yGET");
  f("{{/* note */}}  {{- .method -}}  !{{ `` -}} ", "GET!");
  f("{{ define `t` }}[{{ . }}]{{ end }}{{ template `t` .method }}{{ block `b` .status }}<{{ . }}>{{ end }}",
    "[GET]<500>");
}

TEST(Template, KnowsTime) {
  const auto f = [](std::string_view text, std::string_view want) { EXPECT_EQ(render(text), want) << text; };
  f("{{ __timestamp__ }}", "2026-11-19 00:00:22.854790731 +0000 UTC");
  f("{{ __timestamp__ | date `2006-01-02T15:04:05.000Z07:00 Mon Jan _2 3PM .999` }}",
    "2026-11-19T00:00:22.854Z Thu Nov 19 12AM .854");
  f("{{ unixEpoch __timestamp__ }} {{ __timestamp__ | unixEpochMillis }} {{ unixEpochNanos __timestamp__ }}",
    "1795046422 1795046422854 1795046422854790731");
  f("{{ unixToTime `1673798889902000` | unixEpochNanos }} {{ unixToTime `19500` | date `2006-01-02` }}",
    "1673798889902000000 2023-05-23");
  f("{{ toDate `2006-01-02` `2021-11-02` | date `02.01.2006` }} {{ toDate `2006-01-02` `bad` | unixEpoch }}",
    "02.11.2021 -62135596800");
  f("{{ toDateInZone `2006-01-02 15:04` `UTC` `2026-07-01 12:30` | unixEpoch }}", "1782909000");
  f("{{ toDateInZone `2006-01-02 15:04` `Europe/Berlin` `2026-07-01 12:30` | unixEpoch }}", "1782901800");
}

TEST(Template, ReportsErrorsLikeGo) {
  const auto f = [](std::string_view text, std::string_view want) { EXPECT_EQ(render(text), want) << text; };
  const std::string executing = "template: line:1:3: executing \"line\" at ";
  f("{{ div 1 0 }}", executing + "<div 1 0>: error calling div: runtime error: integer divide by zero");
  f("{{ gt .status 300 }}",
    executing + "<gt .status 300>: error calling gt: incompatible types for comparison: string and int");
  f("{{ substr 5 99 .currency }}",
    executing + "<substr 5 99 .currency>: error calling substr: runtime error: slice bounds out of range [5:3]");
  f("{{ index .path 500 }}", executing + "<index .path 500>: error calling index: index out of range: 500");
  f("{{ duration .msg }}",
    executing + "<duration .msg>: error calling duration: time: invalid duration \"payment declined\"");
  f("{{ urldecode `%zz` }}", executing + "<urldecode `%zz`>: error calling urldecode: invalid URL escape \"%zz\"");
  f("{{ unixToTime \"12345678\" }}",
    executing + "<unixToTime \"12345678\">: error calling unixToTime: unable to parse time '12345678': %!w(<nil>)");
  f("\n a {{ .method.x }}",
    "template: line:2:13: executing \"line\" at <.method.x>: can't evaluate field x in type string");
  f("{{ repeat (add 1 2) `x` }}",
    "template: line:1:17: executing \"line\" at <2>: wrong type for value; expected int; got int64");
  f("{{ lower }}", executing + "<lower>: wrong number of args for lower: want 1 got 0");
  f("{{ nosuch }}", "template: line:1: function \"nosuch\" not defined");
  f("{{ .method", "template: line:1: unclosed action");
  f("{{ if .x }}", "template: line:1: unexpected EOF");
  f("{{ }}", "template: line:1: missing value for command");
  f("{{ .a } }}", "template: line:1: unexpected \"}\" in operand");
  f("{{ $x }}", "template: line:1: undefined variable \"$x\"");
  f("{{ end }}", "template: line:1: unexpected {{end}}");
}

TEST(Template, BoundsItsWork) {
  EXPECT_NE(render("{{ repeat 1000000000 `x` }}").find("result too large"), std::string::npos);
  EXPECT_NE(render("{{ range 1000000000 }}x{{ end }}").find("result too large"), std::string::npos);
  EXPECT_NE(render("{{ define `t` }}{{ template `t` }}{{ end }}{{ template `t` }}").find("maximum template depth"),
            std::string::npos);
  EXPECT_NE(render(std::string(5000, '(')).size(), 0U);
  EXPECT_NE(render("{{" + std::string(5000, '(') + "}}").find("nested too deeply"), std::string::npos);
}

TEST(Template, FindsSingleField) {
  EXPECT_EQ(*Template::parse("line", "{{.a}}").value().single_field(), "a");
  EXPECT_EQ(Template::parse("line", "{{.a}}x").value().single_field(), nullptr);
  EXPECT_EQ(Template::parse("line", "{{.a | lower}}").value().single_field(), nullptr);
}

}  // namespace
}  // namespace cordwood::query
