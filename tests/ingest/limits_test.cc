// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "ingest/rate_rules.h"
#include "tests/ingest/fake_engine.h"
#include "tests/ingest/protobuf_body.h"

namespace cordwood::ingest {
namespace {

constexpr int64_t kNow = 1'800'000'000'000'000'000;
constexpr int64_t kDay = 86'400 * kNsPerSecond;

std::string json_entry(std::string_view labels, int64_t time_ns, std::string_view line,
                       std::string_view metadata = "{}") {
  return fmt::format(R"({{"streams":[{{"stream":{},"values":[["{}","{}",{}]]}}]}})", labels, time_ns, line, metadata);
}

struct Case {
  std::function<void(IngestLimits*)> change;
  std::string body;
  int status;
  std::string text;
  std::string reason;  ///< under which the discard is counted
};

void check(const Case& c) {
  PushBench bench;
  if (c.change) c.change(&bench.limits);
  const auto response = bench.push(c.body);
  EXPECT_EQ(response.status, c.status) << c.reason;
  EXPECT_EQ(response.body, c.text + "\n") << c.reason;
  EXPECT_TRUE(bench.engine.rows.empty()) << c.reason;
  const std::string metric = "cordwood_discarded_samples_total{reason=\"" + c.reason + "\",tenant=\"t1\"} 1";
  EXPECT_NE(bench.metrics.text().find(metric), std::string::npos) << bench.metrics.text();
}

TEST(Limits, Labels) {
  check({[](IngestLimits* l) { l->discover_service_name.clear(); }, json_entry("{}", kNow, "x"), 400,
         "error at least one label pair is required per stream", "missing_labels"});
  check({[](IngestLimits* l) { l->max_label_names_per_series = 2; },
         json_entry(R"({"a":"1","b":"2","service_name":"s","c":"3"})", kNow, "x"), 400,
         R"(entry for stream '{a="1", b="2", c="3", service_name="s"}' has 3 label names; limit 2)",
         "max_label_names_per_series"});
  check({[](IngestLimits* l) { l->max_label_name_length_bytes = 12; },
         json_entry(R"({"thirteen_long":"1"})", kNow, "x"), 400,
         R"(stream '{service_name="unknown_service", thirteen_long="1"}' has label name too long: 'thirteen_long')",
         "label_name_too_long"});
  check(
      {[](IngestLimits* l) { l->max_label_value_length_bytes = 15; },
       json_entry(R"({"a":"0123456789abcdef"})", kNow, "x"), 400,
       R"(stream '{a="0123456789abcdef", service_name="unknown_service"}' has label value too long: '0123456789abcdef')",
       "label_value_too_long"});
  const std::vector<std::string> enforced = {"env", "app", "team"};
  check({[&](IngestLimits* l) { l->enforced_labels = enforced; }, json_entry(R"({"app":"1"})", kNow, "x"), 400,
         R"(missing required labels 'env,team' for user 't1' for stream '{app="1", service_name="1"}' (policy: ''))",
         "missing_enforced_labels"});
}

TEST(Limits, DuplicateLabel) {
  PushBench bench;
  const auto response =
      bench.push(snappy_packed(protobuf_stream(R"({b="2",a="1",a="3"})", {{kNow, "x", {}}})), "application/x-protobuf");
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.body,
            "stream '{a=\"1\", a=\"3\", b=\"2\", service_name=\"unknown_service\"}' has duplicate label name: 'a'\n");
}

TEST(Limits, Entries) {
  const std::string stream = R"({"a":"b"})";
  const std::string name = R"({a="b", service_name="unknown_service"})";
  check({[](IngestLimits* l) { l->reject_old_samples = true; }, json_entry(stream, kNow - 8 * kDay, "x"), 400,
         "entry for stream '" + name +
             "' has timestamp too old: 2027-01-07T08:00:00Z, oldest acceptable timestamp is: 2027-01-08T08:00:00Z",
         "greater_than_max_sample_age"});
  check({nullptr, json_entry(stream, kNow + 601 * kNsPerSecond, "x"), 400,
         "entry for stream '" + name + "' has timestamp too new: 2027-01-15T08:10:01Z", "too_far_in_future"});
  check({[](IngestLimits* l) { l->max_line_size_bytes = 3; }, json_entry(stream, kNow, "four"), 400,
         "max entry size '3' bytes exceeded for stream '" + name + "' while adding an entry with length '4' bytes",
         "line_too_long"});
  check({[](IngestLimits* l) { l->allow_structured_metadata = false; }, json_entry(stream, kNow, "x", R"({"a":"b"})"),
         400,
         "stream '" + name +
             "' includes structured metadata, but this feature is disallowed. Please see "
             "`limits_config.allow_structured_metadata` or contact your Loki administrator to enable it",
         "disallowed_structured_metadata"});
  check({[](IngestLimits* l) { l->max_structured_metadata_size_bytes = 5; },
         json_entry(stream, kNow, "x", R"({"abc":"def","detected_level":"not counted"})"), 400,
         "stream '" + name +
             "' has structured metadata too large: '6' bytes, limit: '5' bytes. Please see "
             "`limits_config.max_structured_metadata_size` or contact your Loki administrator to increase it",
         "structured_metadata_too_large"});
  check({[](IngestLimits* l) { l->max_structured_metadata_entries_count = 1; },
         json_entry(stream, kNow, "x", R"({"a":"1","b":"2"})"), 400,
         "stream '" + name +
             "' has too many structured metadata labels: '2', limit: '1'. Please see "
             "`limits_config.max_structured_metadata_entries_count` or contact your Loki administrator to increase it",
         "structured_metadata_too_many"});
}

TEST(Limits, SeveralComplaints) {
  ComplaintList list;
  EXPECT_TRUE(list.empty());
  list.add("a");
  EXPECT_EQ(list.text(), "a");
  list.add("a");
  EXPECT_EQ(list.text(), "2 errors like: a");
  list.add("b");
  EXPECT_EQ(list.text(), "2 errors like: a; 1 errors like: b");
  for (int i = 0; i < 1000; ++i) list.add(fmt::format("c{}", i));
  EXPECT_TRUE(list.text().ends_with("; 952 other errors")) << list.text();
}

TEST(Limits, Blocked) {
  check({[](IngestLimits* l) { l->block_ingestion_until_ns = kNow + kDay; }, json_entry(R"({"a":"b"})", kNow, "x"), 260,
         "ingestion blocked for user 't1' until '2027-01-16T08:00:00Z' with status code '260'", "blocked_ingestion"});
  PushBench bench;
  bench.limits.block_ingestion_until_ns = kNow + kDay;
  bench.limits.block_ingestion_status_code = 200;
  EXPECT_EQ(bench.push(json_entry(R"({"a":"b"})", kNow, "x")).status, 204);
  EXPECT_TRUE(bench.engine.rows.empty());
}

TEST(Limits, TenantRate) {
  PushBench bench;
  bench.limits.ingestion_rate_mb = 1.0 / (1 << 20) * 10;  // 10 bytes a second
  bench.limits.ingestion_burst_size_mb = 1.0 / (1 << 20) * 20;
  const auto f = [&](std::string_view line, int status) {
    const auto response = bench.push(json_entry(R"({"a":"b"})", kNow, line));
    EXPECT_EQ(response.status, status) << response.body;
    EXPECT_EQ(response.retry_after_s > 0, status == 429);
    return response.body;
  };
  f("0123456789", 204);
  f("0123456789", 204);
  EXPECT_EQ(f("x", 429),
            "ingestion rate limit exceeded for user t1 (limit: 10 bytes/sec) while attempting to ingest '1' lines "
            "totaling '1' bytes, reduce log volume or contact your Loki administrator to see if the limit can be "
            "increased\n");
  bench.clock.monotonic += kNsPerSecond;
  f("0123456789a", 429);
  f("0123456789", 204);
  bench.clock.monotonic += 1000 * kNsPerSecond;
  f("0123456789012345678901", 429);
  EXPECT_EQ(bench.engine.rows.size(), 3u);
}

TEST(Limits, StreamRate) {
  PushBench bench;
  bench.limits.per_stream_rate_limit_bytes = 3u << 10;
  bench.limits.per_stream_rate_limit_burst_bytes = 4;
  const std::string body =
      snappy_packed(protobuf_stream(R"({app="a"})", {{kNow, "12", {}}}) +
                    protobuf_stream(R"({app="b"})", {{kNow + 1'500'000'000, "123", {}}, {kNow, "45", {}}}) +
                    protobuf_stream(R"({app="c"})", {{kNow, "1234", {}}}));
  const auto response = bench.push(body, "application/x-protobuf");
  EXPECT_EQ(response.status, 429);
  const std::string reason =
      "Per stream rate limit exceeded (limit: 3KB/sec) while attempting to ingest for stream '{app=\"b\", "
      "service_name=\"b\"}' totaling 5B, consider splitting a stream via additional labels or contact your Loki "
      "administrator to see if the limit can be increased";
  EXPECT_EQ(response.body,
            "entry with timestamp 2027-01-15 08:00:01.5 +0000 UTC ignored, reason: '" + reason +
                "',\nentry with timestamp 2027-01-15 08:00:00 +0000 UTC ignored, reason: '" + reason +
                "',\nuser 't1', total ignored: 2 out of 2 for stream: {app=\"b\", service_name=\"b\"}\n");
  ASSERT_EQ(bench.engine.rows.size(), 2u);
  EXPECT_EQ(bench.engine.record->refused, (std::vector<uint32_t>{1, 2}));
  EXPECT_EQ(*bench.replay(), bench.engine.last_rows);
}

TEST(Limits, TooFarBehind) {
  PushBench bench;
  bench.limits.max_chunk_age_ns = 7200 * kNsPerSecond;
  const auto f = [&](const std::string& entries, int status) {
    const auto response = bench.push(fmt::format(
        R"({{"streams":[{{"stream":{{"app":"a"}},"values":[{}]}},{{"stream":{{"app":"b"}},"values":[["{}","x"]]}}]}})",
        entries, kNow - kDay));
    EXPECT_EQ(response.status, status) << response.body;
    return response.body;
  };
  const auto entry = [](int64_t seconds) { return fmt::format(R"(["{}","x"])", kNow + seconds * kNsPerSecond); };
  f(entry(-10'000) + "," + entry(0), 204);  // what comes later in the push does not count
  f(entry(-3600), 204);
  EXPECT_EQ(
      f(entry(-3601) + "," + entry(60) + "," + entry(-3541), 400),
      "entry with timestamp 2027-01-15 06:59:59 +0000 UTC ignored, reason: 'entry too far behind, entry timestamp "
      "is: 2027-01-15T06:59:59Z, oldest acceptable timestamp is: 2027-01-15T07:00:00Z',\n"
      "entry with timestamp 2027-01-15 07:00:59 +0000 UTC ignored, reason: 'entry too far behind, entry timestamp "
      "is: 2027-01-15T07:00:59Z, oldest acceptable timestamp is: 2027-01-15T07:01:00Z',\n"
      "user 't1', total ignored: 2 out of 3 for stream: {app=\"a\", service_name=\"a\"}\n");
  EXPECT_EQ(bench.engine.record->refused, (std::vector<uint32_t>{0, 2}));
  EXPECT_EQ(*bench.replay(), bench.engine.last_rows);
}

TEST(Limits, ActiveStreams) {
  PushBench bench;
  bench.limits.max_global_streams_per_user = 2;
  const auto f = [&](std::string_view app, int status) {
    const auto response = bench.push(json_entry(fmt::format(R"({{"app":"{}"}})", app), kNow, "x"));
    EXPECT_EQ(response.status, status) << response.body;
    return response.body;
  };
  f("a", 204);
  f("b", 204);
  EXPECT_EQ(
      f("c", 429),
      "maximum active stream limit exceeded when trying to create stream {app=\"c\", service_name=\"c\"}, reduce the "
      "number of active streams (reduce labels or reduce label values), or contact your Loki administrator to see if "
      "the limit can be increased, user: 't1'\n");
  f("a", 204);
  bench.clock.monotonic += 1801 * kNsPerSecond;
  f("a", 204);
  f("c", 204);
  f("b", 429);
}

TEST(Limits, Truncation) {
  PushBench bench;
  bench.limits.max_line_size_bytes = 6;
  bench.limits.max_line_size_truncate = true;
  const auto f = [&](std::string_view identifier, std::string_view want) {
    bench.limits.max_line_size_truncate_identifier = identifier;
    EXPECT_EQ(bench.push(json_entry(R"({"a":"b"})", kNow, "12345678")).status, 204);
    EXPECT_EQ(bench.engine.last_rows[0].line, want);
    EXPECT_EQ(*bench.replay(), bench.engine.last_rows);
  };
  f("", "123456");
  f("..", "1234..");
  f("longer than all", "123456");
}

TEST(Limits, DistinctTimes) {
  PushBench bench;
  bench.limits.increment_duplicate_timestamp = true;
  const std::string body = snappy_packed(protobuf_stream(
      R"({app="a"})", {{5, "a", {}}, {5, "b", {}}, {5, "b", {}}, {5, "c", {}}, {9, "d", {}}, {9, "e", {}}}));
  EXPECT_EQ(bench.push(body, "application/x-protobuf").status, 204);
  std::vector<int64_t> times;
  for (const PlainRow& row : bench.engine.rows) times.push_back(row.time_ns);
  EXPECT_EQ(times, (std::vector<int64_t>{5, 6, 5, 6, 9, 10}));
  EXPECT_EQ(*bench.replay(), bench.engine.last_rows);
}

TEST(Limits, Sizes) {
  IngestOptions options;
  options.max_recv_msg_size_bytes = 100;
  options.max_decompressed_size_bytes = 1000;
  PushBench bench(options);
  auto response = bench.push(std::string(101, ' '));
  EXPECT_EQ(response.status, 413);
  EXPECT_EQ(response.body, "request body too large: message size too large than max (101 vs 100)\n");
  response = bench.push(snappy_packed(std::string(1001, ' ')), "application/x-protobuf");
  EXPECT_EQ(response.status, 413);
  EXPECT_EQ(response.body, "request body too large: decompressed message size too large than max (1001 vs 1000)\n");
}

TEST(Limits, Memory) {
  MemoryAccountant::Limits limits;
  limits.bytes[static_cast<size_t>(MemoryShare::requests)] = 8u << 20;
  PushBench bench({}, limits);
  const std::string large = snappy_packed(protobuf_stream(R"({a="b"})", {{kNow, std::string(5u << 20, 'x'), {}}}));
  {
    const MemoryReservation others = bench.memory.charge(MemoryShare::requests, 6u << 20);
    const auto response = bench.push(large, "application/x-protobuf");
    EXPECT_EQ(response.status, 503);
    EXPECT_EQ(response.body, "The server cannot accept more requests at this time.\n");
    EXPECT_GT(response.retry_after_s, 0);
  }
  bench.limits.max_line_size_bytes = 0;
  EXPECT_EQ(bench.push(large, "application/x-protobuf").status, 204);
  // Two bytes of body an entry: the rows they would become are what must not fit.
  std::string empty_entries;
  for (int i = 0; i < 1'000'000; ++i) empty_entries += std::string("\x12\x00", 2);
  ProtoText stream, request;
  stream.bytes(1, R"({a="b"})").out += empty_entries;
  EXPECT_EQ(bench.push(snappy_packed(request.bytes(1, stream.out).out), "application/x-protobuf").status, 413);
  EXPECT_LE(bench.memory.peak(MemoryShare::requests), 8u << 20);
  EXPECT_EQ(bench.memory.used(MemoryShare::requests), 0u);
}

TEST(Limits, EngineFailures) {
  const auto f = [](Error error, int status, bool retry) {
    PushBench bench;
    bench.engine.failure = std::move(error);
    const auto response = bench.push(json_entry(R"({"a":"b"})", kNow, "x"));
    EXPECT_EQ(response.status, status);
    EXPECT_EQ(response.retry_after_s > 0, retry);
  };
  f(Error::unavailable("disk full"), 503, true);
  f(Error::exhausted("memory"), 503, true);
  f(Error::io("EIO"), 503, true);
  f(Error::corrupt("?"), 500, false);
}

TEST(Limits, ByteSizes) {
  const auto f = [](uint64_t bytes, std::string_view want) { EXPECT_EQ(format_byte_size(bytes), want); };
  f(0, "0B");
  f(184, "184B");
  f(3u << 20, "3MB");
  f(1536u << 10, "1536KB");
  f(uint64_t{2} << 60, "2EB");
  f((1u << 20) + 1, "1048577B");
}

}  // namespace
}  // namespace cordwood::ingest
