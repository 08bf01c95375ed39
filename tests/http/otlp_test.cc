// SPDX-License-Identifier: Apache-2.0
// /v1/logs against the real binary, with bodies as OpenTelemetry's exporters for JavaScript send them.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/http/running_server.h"
#include "tests/support/raw_client.h"

namespace cordwood::api {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::string_view kJsonBody =
    R"({"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"svc"}},)"
    R"({"key":"k8s.pod.name","value":{"stringValue":"p1"}}],"droppedAttributesCount":0},"scopeLogs":[{"scope":)"
    R"({"name":"scope","version":"1.0"},"logRecords":[{"timeUnixNano":"1795217752189000000","observedTimeUnixNano":)"
    R"("1795217752190000000","severityNumber":9,"severityText":"INFO","body":{"stringValue":"hello otlp"},"attributes":)"
    R"([{"key":"a","value":{"intValue":1}},{"key":"b","value":{"stringValue":"x"}}],"droppedAttributesCount":0,)"
    R"("traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7","flags":1}]}]}]})";
constexpr std::string_view kProtobufHex =
    "0aaa010a2f0a150a0c736572766963652e6e616d6512050a037376630a140a0c6b38732e706f642e6e616d6512040a027031100012770a0c"
    "0a0573636f70651203312e3012670940ef1674fde5e91810091a04494e464f2a0c0a0a68656c6c6f206f746c7032070a0161120218013208"
    "0a016212030a0178320f0a0163120a2a080a0218010a021802320e0a0164120921000000000000f83f32070a01651202100138005940ef16"
    "74fde5e918";

std::string from_hex(std::string_view hex) {
  std::string out;
  for (size_t i = 0; i < hex.size(); i += 2) {
    out.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return out;
}

/// In chunks, as Node.js sends streams; the whole answer.
std::string send_chunked(int port, const std::string& type, std::string_view body) {
  RawClient client(static_cast<uint16_t>(port));
  client.send(
      "POST /v1/logs HTTP/1.1\r\nHost: h\r\nUser-Agent: OTel-OTLP-Exporter-JavaScript/0.301.0\r\nContent-Type: " +
      type + "\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
  for (size_t at = 0; at < body.size(); at += 100) {
    const std::string_view chunk = body.substr(at, 100);
    client.send(fmt::format("{:x}\r\n{}\r\n", chunk.size(), chunk));
  }
  client.send("0\r\n\r\n");
  return client.read_all();
}

std::vector<std::string> lines_of(RunningServer& server, const std::string& query) {
  const json answer =
      server.ask("/loki/api/v1/query_range", {{"query", query}, {"start", "1795000000"}, {"end", "1796000000"}});
  std::vector<std::string> lines;
  for (const auto& stream : answer["data"]["result"]) {
    for (const auto& value : stream["values"]) lines.push_back(value[1]);
  }
  return lines;
}

TEST(OtlpTest, RecordedRequestsOfExporters) {
  RunningServer server;
  const std::string as_json = send_chunked(server.port(), "application/json", kJsonBody);
  EXPECT_THAT(as_json, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(as_json, HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_THAT(as_json, ::testing::EndsWith("\r\n\r\n{}"));
  const std::string as_protobuf = send_chunked(server.port(), "application/x-protobuf", from_hex(kProtobufHex));
  EXPECT_THAT(as_protobuf, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(as_protobuf, HasSubstr("Content-Type: application/x-protobuf\r\n"));
  EXPECT_THAT(as_protobuf, HasSubstr("Content-Length: 0\r\n"));
  EXPECT_EQ(lines_of(server, R"({service_name="svc", k8s_pod_name="p1"} | a="1" | b="x")"),
            (std::vector<std::string>{"hello otlp", "hello otlp"}));
  const json trace = server.ask("/api/v1/traces/4bf92f3577b34da6a3ce929d0e0e4736", {});
  ASSERT_EQ(trace["lines"].size(), 1u);
  EXPECT_EQ(trace["lines"][0]["metadata"]["span_id"], "00f067aa0ba902b7");
  // The same once more, as after a lost answer.
  EXPECT_THAT(send_chunked(server.port(), "application/json", kJsonBody), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(lines_of(server, R"({service_name="svc"})").size(), 2u);
}

TEST(OtlpTest, RefusalsAreInTheRequestsEncoding) {
  RunningServer server(
      "auth_enabled: true\nlimits_config:\n  max_line_size: 5B\ndistributor:\n"
      "  max_recv_msg_size: 10KB\n");
  const auto call = [&](const std::string& type, std::string_view body, const std::string& tenant = "t") {
    HttpHeaders headers;
    headers.add("Content-Type", type);
    if (!tenant.empty()) headers.add("X-Scope-OrgID", tenant);
    return server.call("POST", "/v1/logs", headers, body);
  };
  auto reply = call("application/json; charset=utf-8", kJsonBody);
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(json::parse(reply.body)["code"], 3);
  EXPECT_THAT(json::parse(reply.body)["message"], HasSubstr("max entry size"));
  reply = call("application/x-protobuf", from_hex(kProtobufHex));
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.headers.get("Content-Type"), "application/x-protobuf");
  EXPECT_THAT(reply.body, StartsWith("\x08\x03\x12"));

  json two = json::parse(kJsonBody);
  auto& records = two["resourceLogs"][0]["scopeLogs"][0]["logRecords"];
  records.push_back(records[0]);
  records[1]["body"]["stringValue"] = "short";
  reply = call("application/json", two.dump());
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(json::parse(reply.body)["partialSuccess"]["rejectedLogRecords"], "1");

  reply = call("application/json", kJsonBody, "");
  EXPECT_EQ(reply.status, 401);
  EXPECT_EQ(json::parse(reply.body), json::parse(R"({"code":16,"message":"no org id"})"));
  reply = call("application/json", std::string(20'000, ' '));
  EXPECT_EQ(reply.status, 413);
  EXPECT_EQ(json::parse(reply.body)["code"], 3);
  EXPECT_EQ(call("text/plain", kJsonBody).status, 415);
  EXPECT_EQ(server.get("/v1/logs").status, 405);
}

TEST(OtlpTest, TooMuchIsToldToComeAgain) {
  RunningServer server("limits_config:\n  ingestion_rate_mb: 0.000001\n  ingestion_burst_size_mb: 0.000001\n");
  const auto reply = server.post("/v1/logs", "application/json", kJsonBody);
  EXPECT_EQ(reply.status, 429);
  EXPECT_EQ(reply.headers.get("Retry-After"), "1");
  EXPECT_EQ(json::parse(reply.body)["code"], 8);
}

}  // namespace
}  // namespace cordwood::api
