// SPDX-License-Identifier: Apache-2.0
#include "ingest/otlp_answer.h"

#include <gtest/gtest.h>

#include "tests/ingest/fake_engine.h"
#include "tests/ingest/protobuf_body.h"
#include "tests/ingest/zstd_packed.h"

namespace cordwood::ingest {
namespace {

PushResponse push(PushBench* bench, std::string_view body, std::string_view type = kJson,
                  std::string_view encoding = "") {
  return bench->push(body, type, encoding, PushProtocol::otlp_spec);
}

std::string json_records(const std::vector<std::string>& lines) {
  std::string records;
  for (const std::string& line : lines) {
    records += (records.empty() ? "" : ",") +
               fmt::format(R"({{"timeUnixNano":"1800000000000000000","body":{{"stringValue":"{}"}}}})", line);
  }
  return R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[)" + records + "]}]}]}";
}

std::string protobuf_records(const std::vector<std::string>& lines) {
  ProtoText scope;
  for (const std::string& line : lines) {
    ProtoText body, record;
    scope.bytes(2, record.fixed64(1, 1'800'000'000'000'000'000).bytes(5, body.bytes(1, line).out).out);
  }
  ProtoText resource, request;
  return request.bytes(1, resource.bytes(2, scope.out).out).out;
}

TEST(OtlpAnswer, SuccessIsTheMessageInTheRequestsEncoding) {
  const auto f = [](const std::string& body, std::string_view type, std::string_view encoding, std::string_view want) {
    PushBench bench;
    const auto response = push(&bench, body, type, encoding);
    EXPECT_EQ(response.status, 200) << response.body;
    EXPECT_EQ(response.body, want);
    EXPECT_EQ(response.content_type, want.empty() ? kProtobuf : kJson);
    EXPECT_EQ(bench.engine.rows.size(), 1u);
  };
  f(json_records({"a"}), kJson, "", "{}");
  f(json_records({"a"}), "application/json; charset=utf-8", "identity", "{}");
  f(json_records({"a"}), "Application/JSON", "", "{}");
  f(zstd_packed(json_records({"a"})), kJson, "zstd", "{}");
  f(protobuf_records({"a"}), kProtobuf, "", "");
  f(zstd_packed(protobuf_records({"a"})), kProtobuf, "ZSTD", "");
}

TEST(OtlpAnswer, AnEmptyRequestIsASuccess) {
  PushBench bench;
  EXPECT_EQ(push(&bench, "{}").body, "{}");
  EXPECT_EQ(push(&bench, "", kProtobuf).status, 200);
  EXPECT_EQ(bench.engine.appends, 0);
}

TEST(OtlpAnswer, RefusedRecordsBesideStoredOnesAreAPartialSuccess) {
  PushBench bench;
  bench.limits.max_line_size_bytes = 5;
  const std::vector<std::string> lines = {"good", "too long", "too long again"};
  const auto json = push(&bench, json_records(lines));
  EXPECT_EQ(json.status, 200);
  EXPECT_EQ(json.retry_after_s, 0);
  EXPECT_TRUE(json.body.starts_with(R"({"partialSuccess":{"rejectedLogRecords":"2","errorMessage":")")) << json.body;
  EXPECT_NE(json.body.find("max entry size"), std::string::npos) << json.body;
  EXPECT_EQ(bench.engine.rows.size(), 1u);

  const auto protobuf = push(&bench, protobuf_records(lines), kProtobuf);
  EXPECT_EQ(protobuf.status, 200);
  ByteReader outer(protobuf.body);
  EXPECT_EQ(outer.u8(), 1 << 3 | 2);
  const std::string_view partial = outer.string();
  ByteReader inner(partial);
  EXPECT_EQ(inner.u8(), 1 << 3);
  EXPECT_EQ(inner.varint(), 2u);
  EXPECT_EQ(inner.u8(), 2 << 3 | 2);
  EXPECT_NE(inner.string().find("max entry size"), std::string_view::npos);
  EXPECT_TRUE(inner.finish("partial success").ok());
  EXPECT_TRUE(outer.finish("response").ok());
}

TEST(OtlpAnswer, ErrorsAreAStatusInTheRequestsEncoding) {
  const auto f = [](PushBench* bench, std::string_view body, std::string_view type, std::string_view encoding,
                    int status, int code, bool again) {
    const auto response = push(bench, body, type, encoding);
    EXPECT_EQ(response.status, status) << response.body;
    EXPECT_EQ(response.retry_after_s > 0, again);
    if (response.content_type == kJson) {
      EXPECT_TRUE(response.body.starts_with(fmt::format(R"({{"code":{},"message":")", code))) << response.body;
      return;
    }
    EXPECT_EQ(response.content_type, kProtobuf);
    ByteReader in(response.body);
    EXPECT_EQ(in.u8(), 1 << 3);
    EXPECT_EQ(in.varint(), static_cast<uint64_t>(code));
    EXPECT_EQ(in.u8(), 2 << 3 | 2);
    EXPECT_FALSE(in.string().empty());
    EXPECT_TRUE(in.finish("status").ok());
  };
  PushBench bench;
  f(&bench, "{\"resourceLogs\":[", kJson, "", 400, 3, false);
  f(&bench, "\xff\xff", kProtobuf, "", 400, 3, false);
  f(&bench, "{}", "text/plain", "", 415, 3, false);
  f(&bench, "{}", "", "", 415, 3, false);
  f(&bench, "{}", kJson, "br", 415, 3, false);
  f(&bench, "no gzip", kJson, "gzip", 400, 3, false);
  f(&bench, R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[{"attributes":[{"key":"","value":{"intValue":1}}]}]}]}]})",
    kJson, "", 400, 3, false);
  PushBench narrow({.max_recv_msg_size_bytes = 10});
  f(&narrow, json_records({"a"}), kJson, "", 413, 3, false);
  PushBench strict;
  strict.limits.max_line_size_bytes = 1;
  f(&strict, json_records({"nothing is stored"}), kJson, "", 400, 3, false);
  f(&strict, protobuf_records({"nothing is stored"}), kProtobuf, "", 400, 3, false);
  PushBench slow;
  slow.limits.ingestion_rate_mb = 0.000001;
  slow.limits.ingestion_burst_size_mb = 0.000001;
  f(&slow, json_records({"a line"}), kJson, "", 429, 8, true);
  f(&slow, protobuf_records({"a line"}), kProtobuf, "", 429, 8, true);
  PushBench full;
  full.engine.failure = Error::unavailable("disk full");
  f(&full, json_records({"a"}), kJson, "", 503, 14, true);
  full.engine.failure = Error::corrupt("a bug");
  f(&full, protobuf_records({"a"}), kProtobuf, "", 503, 14, true);
  full.engine.failure = Error::invalid("not stored");
  f(&full, json_records({"a"}), kJson, "", 400, 3, false);
}

TEST(OtlpAnswer, ABlockedTenantIsToldWhatWasRefused) {
  PushBench bench;
  bench.limits.block_ingestion_until_ns = bench.clock.now + 1;
  const auto response = push(&bench, json_records({"a", "b"}));
  EXPECT_EQ(response.status, 200);
  EXPECT_TRUE(response.body.starts_with(R"({"partialSuccess":{"rejectedLogRecords":"2")")) << response.body;
  bench.limits.block_ingestion_status_code = 403;
  EXPECT_TRUE(push(&bench, json_records({"a"})).body.starts_with(R"({"code":7,"message":")"));
}

}  // namespace
}  // namespace cordwood::ingest
