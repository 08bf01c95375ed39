// SPDX-License-Identifier: Apache-2.0
#include "query/block_probes.h"

#include "query/logql_parser.h"
#include "tests/query/query_answers.h"

namespace cordwood::query {

namespace {

const std::string kId = "4bf92f3577b34da6a3ce929d0e0e4736";

const std::string kWords[] = {"gateway", "checkout", "parcel", "ledger", "mailer", "search"};

size_t clauses(const std::string& query) {
  const auto parsed = parse_logql(query);
  EXPECT_TRUE(parsed.ok()) << query << ": " << parsed.error().message;
  return BlockProbes::of(std::get<LogQuery>((*parsed)->node).stages).clauses();
}

TEST(BlockProbes, FindsWhatRowsMustHold) {
  const auto f = [](const std::string& stages, size_t want) {
    EXPECT_EQ(clauses("{a=\"b\"} " + stages), want) << stages;
  };
  f("", 0);
  f(R"(|= "deadlock")", 1);
  f(R"(|= "deadlock" |= "shard")", 2);
  f(R"(!= "deadlock")", 0);
  f(R"(|= "deadlock" or "shard")", 1);
  f(R"(|= "deadlock" or "")", 1);  // what takes everything does not count beside others
  f(R"(|= "deadlock" or "-")", 0);
  f(R"q(|= ip("10.0.0.1"))q", 0);
  f(R"(|~ "deadlock|livelock")", 1);
  f(R"q(|~ "(?i)deadlock")q", 1);
  f(R"q(|~ "(?i)task")q", 0);  // s and k have other forms: no part is left to ask for
  f(R"(| json | name="deadlock")", 1);
  f(R"(| json | name="deadlock" or other="livelock")", 1);
  f(R"(| json | name="deadlock" or status >= 500)", 1);
  f(R"(| json | name="deadlock" and status >= 500)", 2);
  f(R"(| json | name!="deadlock")", 0);
  f(R"(| json | name!="")", 1);
  f(R"(| json | name=~"a|b")", 1);
  f(R"(| json | name=~"a|b|")", 0);
  f(R"(| json | took > 1s and size < 5KB)", 2);
  f(R"q(| json | addr = ip("10.0.0.0/8"))q", 0);
  f(R"(| logfmt | status >= 500)", 1);
  f(R"(| logfmt --keep-empty | status >= 500)", 0);
  f(R"(| logfmt status | status >= 500)", 0);
  f(R"(| json status="a.b" | status >= 500)", 0);
  f(R"(| unpack | status >= 500)", 0);
  f(R"(| pattern "<status> <_>" | status >= 500)", 0);
  f(R"q(| regexp "(?P<status>[0-9]+)" | status >= 500)q", 0);
  f("| line_format `{{.x}}` | logfmt | status >= 500", 0);
  f(R"(| label_format status="{{.x}}" | status >= 500)", 0);
  f(R"(| json | __error__="JSONParserErr")", 0);
  f(R"(| json inner="a.b" | inner="deadlock")", 0);
  f(R"(| label_format name="{{.x}}" | name="deadlock")", 0);
  f("| line_format `{{.x}}` |= \"deadlock\"", 0);
  f("| line_format `{{.x}}` | json | name=\"deadlock\"", 0);
  f("| json | line_format `{{.x}}` | name=\"deadlock\"", 1);
  f(R"(| decolorize | json | name="deadlock")", 0);
  f("| label_format told=`{{ contains \"" + kId + "\" __line__  }}` | told=\"true\" OR trace_id=\"" + kId + "\"", 1);
  f("| label_format told=`{{ contains \"" + kId + "\" __line__  }}` | told=\"false\"", 0);
}

/// Six services, each in blocks of its own, with what makes indexes and filters disagree if anything does.
void fill_probed(QueryStore* store, bool flush) {
  for (int service = 0; service < 6; ++service) {
    const std::string s = std::to_string(service);
    PushBody body("{\"app\":\"s" + s + "\",\"only" + s + "\":\"x\"}");
    int64_t time_ns = kTestStartNs + service;
    const auto add = [&](const std::string& line, const std::string& metadata = "") {
      body.add(time_ns += kNsPerSecond, line, metadata);
    };
    add("plain words of " + kWords[service] + " number" + s + " took 1" + s + "7ms");
    add(R"({"name":"json)" + s + R"(","id":")" + kId.substr(0, 31) + s + R"(","nested":{"deep":"value)" + s + "\"}}");
    add(R"({"name":"plain)" + s + R"(","n":12345)" + s + "}");
    if (service == 5) add(R"({"name":"esc\u0061pe5"})");
    add("name=logfmt" + s + " text=\"two words" + s + "\" id=" + kId.substr(0, 31) + s);
    add("a line with metadata", R"({"who":"meta)" + s + "\"}");
    add("pre" + s + "fix<middle" + s + ">post");
    add("\x1b[31mr\x1b[32med" + s + "\x1b[0m");
    add(R"({"_entry":"packed)" + s + R"(","name":"inpack)" + s + "\"}");
    store->push_json(body.text());
    if (flush) store->flush();
  }
}

TEST(BlockProbes, AnswersStayTheSame) {
  QueryStore head, sealed;
  fill_probed(&head, false);
  fill_probed(&sealed, true);
  const auto f = [&](const std::string& stages, bool rules_out) {
    const std::string query = "{app=~\".+\"} " + stages;
    const auto want = head.queries().range(head.context(), hour_request(query));
    const auto got = sealed.queries().range(sealed.context(), hour_request(query));
    EXPECT_EQ(answer_text(got), answer_text(want)) << query;
    const auto* result = std::get_if<QueryResult>(&got);
    ASSERT_NE(result, nullptr) << query;
    if (rules_out) {
      EXPECT_FALSE(answer_text(got).empty()) << query;
      EXPECT_GE(result->stats.blocks_ruled_out, 3u) << query;
    }
  };
  f(R"(|= "ledger")", true);
  f(R"(|= "ords of ledg")", true);
  f(R"(|~ "ledger|mailer")", true);
  f(R"(|= " number3 ")", true);
  f(R"(|= "number3")", false);  // cut open at both ends, and digits are alike to grams
  f(R"(|= "took 137ms")", false);
  f("|= \"" + kId.substr(0, 31) + "2\"", true);
  f("| json | id=\"" + kId.substr(0, 31) + "2\"", true);
  f("| logfmt | id=\"" + kId.substr(0, 31) + "2\"", true);
  f("| logfmt | json | drop __error__ | id=\"" + kId.substr(0, 31) + "2\"", true);
  f("| label_format told=`{{ contains \"" + kId.substr(0, 31) + "2\" __line__ }}` | told=\"true\" OR trace_id=\"" +
        kId + "\"",
    true);
  f(R"(| who="meta4")", true);
  f(R"(| json | nested_deep="value1")", true);
  f(R"(| json | name="escape5")", true);
  f(R"(| json | n="123453")", false);
  f(R"(| logfmt | text="two words5")", true);
  f(R"(| app="s2")", false);
  f(R"(| only2="x")", false);
  f(R"(| pattern "pre<a>fix<_>" | a="3")", false);
  f(R"q(| regexp "mid(?P<part>dle3)" | part="dle3")q", false);
  f(R"(| unpack | name="inpack2")", false);
  f(R"(| unpack |= "packed2")", false);
  f(R"(| decolorize |= "red3")", false);
  f(R"q(| decolorize | regexp "^(?P<all>.*)$" | all="red3")q", false);
  f("| line_format `made {{.app}}` |= \"made s4\"", false);
  f(R"(| label_format app="{{.app}}x" | app="s1x")", false);
}

}  // namespace
}  // namespace cordwood::query
