// SPDX-License-Identifier: Apache-2.0
#include "query/detected_answer.h"
#include "tests/query/query_answers.h"

namespace cordwood::query {
namespace {

constexpr int64_t kEndNs = kTestStartNs + 3600 * kNsPerSecond;

/// Names and numbers of values; an error is its status and message.
std::string labels_of(const QueryStore& store, const ReadContext& context, const std::string& query, int64_t start_ns,
                      int64_t end_ns) {
  const auto answer = store.queries().detected_labels(context, query, start_ns, end_ns);
  if (const auto* error = std::get_if<QueryError>(&answer)) return std::to_string(error->status) + " " + error->message;
  std::string out;
  for (const DetectedLabel& label : std::get<DetectedLabels>(answer).labels) {
    out += (out.empty() ? "" : " ") + label.name + ":" + std::to_string(label.cardinality);
  }
  return out;
}

void push_one(QueryStore* store, const std::string& labels, int64_t time_ns = kTestStartNs) {
  PushBody body(labels);
  body.add(time_ns, "line");
  store->push_json(body.text());
}

TEST(DetectedLabels, LeavesOutLabelsThatAreAllIds) {
  QueryStore store;
  const std::string uuid = "f47ac10b-58cc-4372-a567-0e02b2c3d47";
  for (int i = 0; i < 3; ++i) {
    const std::string n = std::to_string(i);
    push_one(&store, R"({"app":"a","pod":")" + n + R"(","port":"80)" + n + R"(","ratio":"1e)" + n + R"(","run":")" +
                         uuid + n + R"(","urn":"urn:uuid:)" + uuid + n + R"(","braced":"{)" + uuid + n +
                         R"(}","bare":"f47ac10b58cc4372a5670e02b2c3d47)" + n + R"(","flag":")" + std::to_string(i % 2) +
                         R"(","mixed":")" + (i == 2 ? "x" : n) + "\"}");
  }
  push_one(&store, R"({"app":"b","cluster":"7","one":"1","two":"2"})");
  const std::string want = "app:2 cluster:1 flag:2 mixed:3 one:1 pod:3 service_name:2";
  const auto f = [&](const std::string& query, const std::string& expected) {
    EXPECT_EQ(labels_of(store, store.context(), query, kTestStartNs, kEndNs), expected) << query;
  };
  for (const char* form : {"head", "blocks"}) {
    SCOPED_TRACE(form);
    f("", want);
    f(R"({app=~".+"})", want);
    f(R"({app="a"})", "app:1 flag:2 mixed:3 pod:3 service_name:1");
    f(R"({app="a", port="802"})", "app:1 flag:1 mixed:1 pod:1 service_name:1");
    f(R"({app="a", mixed=~"[01]"})", "app:1 flag:2 mixed:2 pod:2 service_name:1");
    f(R"({app="none"})", "");
    store.flush();
  }
}

TEST(DetectedLabels, LooksAtStreamsOfTheRangeAlone) {
  QueryStore store;
  push_one(&store, R"({"app":"a","old":"x"})", kTestStartNs);
  push_one(&store, R"({"app":"a","new":"x"})", kTestStartNs + 60 * kNsPerSecond);
  store.flush();
  const int64_t later_ns = kTestStartNs + 30 * kNsPerSecond;
  EXPECT_EQ(labels_of(store, store.context(), "", kTestStartNs, later_ns), "app:1 old:1 service_name:1");
  EXPECT_EQ(labels_of(store, store.context(), "", later_ns, kEndNs), "app:1 new:1 service_name:1");
  EXPECT_EQ(labels_of(store, store.context(), "", kEndNs, kEndNs + 1), "");
}

TEST(DetectedLabels, Errors) {
  QueryStore store;
  const auto f = [&](const std::string& query, const std::string& want) {
    EXPECT_EQ(labels_of(store, store.context(), query, kTestStartNs, kEndNs), want) << query;
  };
  f(R"({app="x)", "400 parse error at line 1, col 6: literal not terminated");
  f(R"({app="x"} | json)", "400 only label matchers are supported");
  f(R"(rate({app="x"}[1m]))", "400 only label matchers are supported");
  ReadContext context = store.context();
  context.limits.max_query_length_ns = 60 * kNsPerSecond;
  EXPECT_EQ(labels_of(store, context, "", kTestStartNs, kEndNs),
            "400 the query time range exceeds the limit (query length: 1h0m0s, limit: 1m)");
}

}  // namespace
}  // namespace cordwood::query
