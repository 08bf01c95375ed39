// SPDX-License-Identifier: Apache-2.0
#include "query/detected_answer.h"
#include "tests/query/query_answers.h"

namespace cordwood::query {
namespace {

DetectedFieldsRequest hour_fields(const std::string& query) {
  DetectedFieldsRequest request;
  request.query = query;
  request.start_ns = kTestStartNs;
  request.end_ns = kTestStartNs + 3600 * kNsPerSecond;
  return request;
}

std::string field_text(const DetectedField& field) {
  std::string out = field.name + ":" + std::string(field.type) + ":" + std::to_string(field.cardinality);
  for (const std::string_view parser : field.parsers) out += ":" + std::string(parser);
  for (const std::string& key : field.json_path) out += "/" + key;
  return out;
}

/// Fields or values; an error is its status and message.
std::vector<std::string> detect(const QueryStore& store, const DetectedFieldsRequest& request,
                                const QueryLimits& limits = {}) {
  ReadContext context = store.context();
  context.limits = limits;
  const auto answer = store.queries().detected_fields(context, request);
  if (const auto* error = std::get_if<QueryError>(&answer)) {
    return {std::to_string(error->status) + " " + error->message};
  }
  const auto& found = std::get<DetectedFields>(answer);
  std::vector<std::string> out = found.values;
  for (const DetectedField& field : found.fields) out.push_back(field_text(field));
  return out;
}

class DetectedFieldsTest : public ::testing::Test {
 protected:
  /// One stream; each line a second after the one before.
  void push(const std::string& labels, const std::vector<std::pair<std::string, std::string>>& lines) {
    PushBody body(labels);
    for (const auto& [line, metadata] : lines) body.add(kTestStartNs + ++pushed_ * kNsPerSecond, line, metadata);
    store_.push_json(body.text());
  }
  /// In the head and after a flush.
  void expect(const std::vector<std::pair<DetectedFieldsRequest, std::vector<std::string>>>& table) {
    for (const char* form : {"head", "blocks"}) {
      for (const auto& [request, want] : table) {
        EXPECT_EQ(detect(store_, request), want)
            << form << " " << request.query << " " << request.line_limit << " " << request.values_of.value_or("");
      }
      store_.flush();
    }
  }
  static DetectedFieldsRequest with(DetectedFieldsRequest request, uint32_t line_limit, uint32_t limit = 1000) {
    request.line_limit = line_limit;
    request.limit = limit;
    return request;
  }
  static DetectedFieldsRequest values_of(DetectedFieldsRequest request, const std::string& name) {
    request.values_of = name;
    return request;
  }

  QueryStore store_;
  int64_t pushed_ = 0;
};

TEST_F(DetectedFieldsTest, FindsMetadataJsonAndLogfmt) {
  push(R"({"app":"x","env":"prod"})",
       {{R"({"status":200,"ok":true,"o":{"ms":1.5},"n":null})", R"({"trace.id":"t1","env":"shadow"})"},
        {R"({"status":404,"ok":false,"env":"inner","user":"json"})", R"({"trace.id":"t2","user":"meta"})"},
        {R"(status=500 took=12ms size="1 KiB" level=error)", ""},
        {"no fields at all", ""}});
  expect({{hour_fields(R"({app="x"})"),
           {"detected_level:string:2", "env_extracted:string:2:json/env", "level:string:1:logfmt",
            "o_ms:float:1:json/o/ms", "ok:boolean:2:json/ok", "size:bytes:1:logfmt", "status:int:3:logfmt:json/status",
            "took:duration:1:logfmt", "trace_id:string:2", "user:string:2:json/user"}},
          {hour_fields(R"({app="x"} |= "no fields")"), {"detected_level:string:1"}},
          {hour_fields(R"({app="none"})"), {}}});
}

TEST_F(DetectedFieldsTest, LooksAtTheNewestLines) {
  push(R"({"app":"x"})", {{"a=1", ""}, {"b=1", ""}});
  push(R"({"app":"x","pod":"p"})", {{"c=1", ""}, {"d=1", ""}});
  expect({{with(hour_fields(R"({app="x"})"), 1), {"d:int:1:logfmt", "detected_level:string:1"}},
          {with(hour_fields(R"({app="x"})"), 3),
           {"b:int:1:logfmt", "c:int:1:logfmt", "d:int:1:logfmt", "detected_level:string:1"}},
          {with(hour_fields(R"({app="x"} |= "a")"), 1), {"a:int:1:logfmt", "detected_level:string:1"}},
          {values_of(with(hour_fields(R"({app="x"})"), 3), "a"), {}}});
}

TEST_F(DetectedFieldsTest, TheOldestLineOfTheLastStreamTellsTheType) {
  push(R"({"app":"x","pod":"1"})", {{"v=1", ""}, {"v=2ms", ""}});
  push(R"({"app":"x","pod":"2"})", {{"v=1.5", ""}, {"v=word", ""}});
  expect({{with(hour_fields(R"({app="x"})"), 1), {"detected_level:string:1", "v:string:1:logfmt"}},
          {with(hour_fields(R"({app="x"})"), 100), {"detected_level:string:1", "v:float:4:logfmt"}},
          {with(hour_fields(R"({app="x", pod="1"})"), 100), {"detected_level:string:1", "v:int:2:logfmt"}}});
}

TEST_F(DetectedFieldsTest, CountsLabelsThatTheQueryParsed) {
  push(R"({"app":"x","level":"l"})", {{R"({"status":200,"level":"warn","a":{"b":"x"}})", ""},
                                      {R"({"status":500,"level":"warn","a":{"b":"y"}})", ""}});
  const std::vector<std::string> parsed = {"a_b:string:1:json/a/b", "detected_level:string:1",
                                           "level_extracted:string:1:json/level", "status:int:1:json/status"};
  std::vector<std::string> renamed = parsed;
  renamed.insert(renamed.begin() + 2, "first:string:1:json");
  expect({{hour_fields(R"({app="x"} | json | status >= 500)"), parsed},
          {hour_fields(R"({app="x"} | json first="a.b" | first="y")"), renamed},
          {hour_fields(R"({app="x"} |= "500" | line_format "n=1" | logfmt)"),
           {"detected_level:string:1", "n:int:1:logfmt"}},
          {hour_fields(R"({app="x"} |= "500" | line_format "plain" | json)"), {"detected_level:string:1"}}});
}

TEST_F(DetectedFieldsTest, ValuesOfOneField) {
  push(R"({"app":"x"})", {{R"({"size":"1500B","status":200})", R"({"size":"1500B"})"},
                          {"size=\"489 KiB\" status=404", ""},
                          {R"({"size":"","status":200})", ""}});
  const auto base = hour_fields(R"({app="x"})");
  expect({{values_of(base, "status"), {"200", "404"}},
          {values_of(base, "size"), {"", "1.5kB", "1500B", "501kB"}},
          {values_of(with(base, 2), "size"), {"", "501kB"}},
          {values_of(with(base, 100, 1), "status"), {"200"}},
          {values_of(base, "detected_level"), {"unknown"}},
          {values_of(base, "nosuch"), {}},
          {values_of(base, "app"), {}}});
}

TEST_F(DetectedFieldsTest, AtMostSoManyFields) {
  push(R"({"app":"x"})", {{"a=1 b=2 c=3", ""}, {"d=4 a=5", ""}});
  expect({{with(hour_fields(R"({app="x"})"), 100, 3), {"a:int:2:logfmt", "d:int:1:logfmt", "detected_level:string:1"}},
          {with(hour_fields(R"({app="x"})"), 100, 1), {"detected_level:string:1"}}});
}

TEST_F(DetectedFieldsTest, Errors) {
  push(R"({"app":"x"})", {{"a=1", ""}});
  QueryLimits limits;
  limits.max_entries_limit_per_query = 50;
  limits.required_labels = {"team"};
  const auto f = [&](const std::string& query, const QueryLimits& with_limits, const std::string& want) {
    EXPECT_EQ(detect(store_, hour_fields(query), with_limits), std::vector<std::string>{want}) << query;
  };
  f(R"({app="x)", {}, "400 parse error at line 1, col 6: literal not terminated");
  f("", {}, "400 parse error : syntax error: unexpected $end");
  f(R"(rate({app="x"}[1m]))", {}, "400 only log selector is supported");
  f("1", {}, "400 only log selector is supported");
  f(R"({app="x"})", limits, "400 max entries limit per query exceeded, limit > max_entries_limit_per_query (100 > 50)");
  limits.max_entries_limit_per_query = 0;
  f(R"({app="x"})", limits,
    "400 stream selector is missing required matchers [team], labels present in the query were [app]");
}

TEST_F(DetectedFieldsTest, OpensNoMoreBlocksThanTheLinesNeed) {
  for (int block = 0; block < 6; ++block) {
    std::vector<std::pair<std::string, std::string>> lines;
    for (int i = 0; i < 50; ++i) lines.emplace_back("n=" + std::to_string(block * 50 + i), "");
    push(R"({"app":"x"})", lines);
    store_.flush();
  }
  const auto answer = store_.queries().detected_fields(store_.context(), with(hour_fields(R"({app="x"})"), 60));
  const auto& found = std::get<DetectedFields>(answer);
  EXPECT_LE(found.stats.read.blocks_opened, 2U);
  EXPECT_EQ(found.stats.lines_processed, 60U);
  ASSERT_EQ(found.fields.size(), 2U);
  EXPECT_EQ(field_text(found.fields[1]), "n:int:60:logfmt");
}

}  // namespace
}  // namespace cordwood::query
