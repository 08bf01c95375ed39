// SPDX-License-Identifier: Apache-2.0
#include "ingest/push_otlp.h"

#include <gtest/gtest.h>

#include "tests/ingest/fake_engine.h"
#include "tests/ingest/protobuf_body.h"

namespace cordwood::ingest {
namespace {

PushResponse push_otlp(PushBench* bench, std::string_view body, std::string_view type, std::string_view encoding = "") {
  return bench->push(body, type, encoding, PushProtocol::otlp);
}

std::string from_hex(std::string_view hex) {
  std::string out;
  for (size_t i = 0; i < hex.size(); i += 2)
    out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return out;
}

std::string status_text(const PushResponse& response) {
  ByteReader in(response.body);
  EXPECT_EQ(in.u8(), 2 << 3 | 2);
  return std::string(in.string());
}

/// The same record as an OpenTelemetry JS exporter sends it in both encodings.
constexpr std::string_view kCapturedJson =
    R"({"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"svc"}},)"
    R"({"key":"k8s.pod.name","value":{"stringValue":"p1"}}],"droppedAttributesCount":0},"scopeLogs":[{"scope":)"
    R"({"name":"scope","version":"1.0"},"logRecords":[{"timeUnixNano":"1795217752189000000","observedTimeUnixNano":)"
    R"("1795217752190000000","severityNumber":9,"severityText":"INFO","body":{"stringValue":"hello otlp"},"attributes":)"
    R"([{"key":"a","value":{"intValue":1}},{"key":"b","value":{"stringValue":"x"}},{"key":"c","value":{"arrayValue":)"
    R"({"values":[{"intValue":1},{"intValue":2}]}}},{"key":"d","value":{"doubleValue":1.5}},{"key":"e","value":)"
    R"({"boolValue":true}}],"droppedAttributesCount":0}]}]}]})";
constexpr std::string_view kCapturedProtobuf =
    "0aaa010a2f0a150a0c736572766963652e6e616d6512050a037376630a140a0c6b38732e706f642e6e616d6512040a027031100012770a0c0a"
    "05"
    "73636f70651203312e3012670940ef1674fde5e91810091a04494e464f2a0c0a0a68656c6c6f206f746c7032070a01611202180132080a0162"
    "12"
    "030a0178320f0a0163120a2a080a0218010a021802320e0a0164120921000000000000f83f32070a01651202100138005940ef1674fde5e91"
    "8";

TEST(PushOtlp, CapturedRecords) {
  const std::vector<std::pair<std::string, std::string>> common = {
      {"a", "1"}, {"b", "x"}, {"c", "[1,2]"}, {"d", "1.5"}, {"e", "true"}};
  for (const bool json : {true, false}) {
    PushBench bench;
    const auto response =
        json ? push_otlp(&bench, kCapturedJson, kJson) : push_otlp(&bench, from_hex(kCapturedProtobuf), kProtobuf);
    EXPECT_EQ(response.status, 204) << response.body;
    ASSERT_EQ(bench.engine.rows.size(), 1u);
    const PlainRow& row = bench.engine.rows[0];
    EXPECT_EQ(row.stream, R"({k8s_pod_name="p1", service_name="svc"})");
    EXPECT_EQ(row.line, "hello otlp");
    // The two were captured at different times; the second had the same time in both fields.
    EXPECT_EQ(row.time_ns, json ? 1'795'217'752'189'000'000 : 1'795'218'803'221'000'000);
    auto want = common;
    want.emplace_back("observed_timestamp", json ? "1795217752190000000" : "1795218803221000000");
    want.insert(want.end(), {{"scope_name", "scope"},
                             {"scope_version", "1.0"},
                             {"severity_number", "9"},
                             {"severity_text", "INFO"},
                             {"detected_level", "info"}});
    EXPECT_EQ(row.metadata, want);
  }
}

std::string record_with(std::string_view fields) {
  return fmt::format(R"({{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"timeUnixNano":1,{}}}]}}]}}]}})", fields);
}

TEST(PushOtlp, Bodies) {
  const auto f = [](std::string_view body, std::string_view want) {
    PushBench bench;
    const auto response = push_otlp(&bench, record_with(fmt::format(R"("body":{})", body)), kJson);
    ASSERT_EQ(response.status, 204) << response.body;
    EXPECT_EQ(bench.engine.rows[0].line, want);
    EXPECT_EQ(bench.engine.rows[0].stream, R"({service_name="unknown_service"})");
  };
  f(R"({"stringValue":"a\u00e9 \"b\""})", "a\u00e9 \"b\"");
  f(R"({"intValue":"-5"})", "-5");
  f(R"({"doubleValue":1e21})", "1e+21");
  f(R"({"doubleValue":0.0000001})", "1e-7");
  f(R"({"doubleValue":100000})", "100000");
  f(R"({"boolValue":false})", "false");
  f(R"({"bytesValue":"aGk/"})", "aGk/");
  f(R"({"bytesValue":"aA=="})", "aA==");
  f("{}", "");
  f("null", "");
  f(R"({"kvlistValue":{"values":[{"key":"b","value":{"stringValue":"<\n"}},{"key":"a","value":{"arrayValue":{"values":)"
    R"([{"boolValue":true},{}]}}}]}})",
    R"({"a":[true,null],"b":"<\n"})");
}

TEST(PushOtlp, Attributes) {
  PushBench bench;
  const auto response = push_otlp(
      &bench,
      R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"5","attributes":[{"key":"n.x","value":)"
      R"({"kvlistValue":{"values":[{"key":"p q","value":{"intValue":3}}]}}},{"key":"event_name","value":{"stringValue":"old"}}],)"
      R"("eventName":"new","flags":1,"traceId":"0AF7651916CD43DD8448EB211C80319C","spanId":"0000000000000000",)"
      R"("droppedAttributesCount":2}],"scope":{"attributes":[{"key":"s","value":{"stringValue":"1"}}],)"
      R"("droppedAttributesCount":4}}],"resource":{"attributes":[{"key":"container.name","value":{"stringValue":"c"}},)"
      R"({"key":"host","value":{"stringValue":"h"}}]}}]})",
      kJson);
  ASSERT_EQ(response.status, 204) << response.body;
  const PlainRow& row = bench.engine.rows[0];
  EXPECT_EQ(row.stream, R"({container_name="c", service_name="c"})");
  const std::vector<std::pair<std::string, std::string>> want = {{"dropped_attributes_count", "2"},
                                                                 {"event_name", "new"},
                                                                 {"flags", "1"},
                                                                 {"host", "h"},
                                                                 {"n_x_p_q", "3"},
                                                                 {"s", "1"},
                                                                 {"scope_dropped_attributes_count", "4"},
                                                                 {"trace_id", "0af7651916cd43dd8448eb211c80319c"},
                                                                 {"detected_level", "unknown"}};
  EXPECT_EQ(row.metadata, want);
}

TEST(PushOtlp, Answers) {
  const auto f = [](std::string_view body, std::string_view type, std::string_view encoding, int status,
                    std::string_view text) {
    PushBench bench;
    const auto response = push_otlp(&bench, body, type, encoding);
    EXPECT_EQ(response.status, status) << body;
    EXPECT_EQ(status_text(response), text) << body;
  };
  f("{}", kJson, "", 422, "error at least one valid stream is required for ingestion");
  f("", kProtobuf, "", 422, "error at least one valid stream is required for ingestion");
  f("{}", "application/json; charset=utf-8", "", 400, "content type: application/json; charset=utf-8 is not supported");
  f("{}", kJson, "deflate", 400, "unsupported content encoding deflate: only gzip, lz4 and zstd are supported");
  f(record_with(R"("attributes":[{"key":"_","value":{"intValue":1}}])"), kJson, "", 503,
    R"(normalization for label name "_" resulted in invalid name "_")");
  f(record_with(R"("traceId":"xyz")"), kJson, "", 400, "invalid id: 32 hex digits expected");
  f(record_with(R"("observedTimeUnixNano":"18446744073709551615","timeUnixNano":"9223372036854775808")"), kJson, "",
    400, "timestamp: 9223372036854775808 does not fit 64-bit signed nanoseconds");
  f("\x0a\x7f", kProtobuf, "", 400, "proto: malformed ExportLogsServiceRequest");
}

TEST(PushOtlp, RecordsWithoutTime) {
  PushBench bench;
  const auto f = [&](std::string_view times, int64_t want) {
    const auto response = push_otlp(
        &bench, fmt::format(R"({{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{{}"body":{{}}}}]}}]}}]}})", times),
        kJson);
    ASSERT_EQ(response.status, 204) << response.body;
    EXPECT_EQ(bench.engine.last_rows[0].time_ns, want);
  };
  f(R"("timeUnixNano":"7","observedTimeUnixNano":"8",)", 7);
  EXPECT_TRUE(bench.engine.record.has_value());
  f(R"("observedTimeUnixNano":"8",)", 8);
  EXPECT_TRUE(bench.engine.record.has_value());
  f("", bench.clock.now);
  EXPECT_FALSE(bench.engine.record.has_value()) << "the WAL must keep the rows: the body does not hold their time";
}

TEST(PushOtlp, DeepNestingIsRefused) {
  std::string json = "{}";
  std::string message;
  for (int i = 0; i < 1000; ++i) {
    json = R"({"arrayValue":{"values":[)" + json + "]}}";
    ProtoText array, value;
    message = value.bytes(5, array.bytes(1, message).out).out;
  }
  PushBench bench;
  EXPECT_EQ(push_otlp(&bench, record_with("\"body\":" + json), kJson).status, 400);
  ProtoText record, scope, resource, request;
  request.bytes(1, resource.bytes(2, scope.bytes(2, record.bytes(5, message).out).out).out);
  EXPECT_EQ(push_otlp(&bench, request.out, kProtobuf).status, 400);
}

}  // namespace
}  // namespace cordwood::ingest
