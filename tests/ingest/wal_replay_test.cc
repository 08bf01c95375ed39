// SPDX-License-Identifier: Apache-2.0
// Whatever is pushed, the WAL record of it gives the same rows again, by the rules of then.
#include <gtest/gtest.h>
#include <zlib.h>

#include <random>

#include "ingest/decode_policy.h"
#include "tests/ingest/fake_engine.h"
#include "tests/ingest/protobuf_body.h"
#include "tests/ingest/zlib_packed.h"
#include "tests/ingest/zstd_packed.h"

namespace cordwood::ingest {
namespace {

constexpr int64_t kReceivedNs = 1'800'000'000'000'000'000;

struct RandomStream {
  std::string app;
  std::vector<TestEntry> entries;
};

/// Streams with entries of which some break a limit or the other.
class RandomPush {
 public:
  explicit RandomPush(uint32_t seed) : random_(seed) {}

  std::vector<RandomStream> streams() {
    std::vector<RandomStream> out(1 + number(5));
    for (RandomStream& stream : out) {
      stream.app = number(4) == 0 ? std::string(40, 'a') : fmt::format("app{}", number(3));
      stream.entries.resize(number(12));
      for (TestEntry& entry : stream.entries) entry = one();
    }
    return out;
  }

 private:
  uint32_t number(uint32_t below) { return static_cast<uint32_t>(random_() % below); }

  TestEntry one() {
    static const char* const kLines[] = {
        "level=warn a=1",      R"({"level":"err","x":"\n"})", "plain", "", "an error: x", "quote \" and \\ and \t tab",
        "\xc3\xa9 caf\xc3\xa9"};
    TestEntry entry;
    entry.time_ns = kReceivedNs - static_cast<int64_t>(number(3));
    if (number(5) == 0) entry.time_ns = kReceivedNs + 3600 * kNsPerSecond;
    if (number(7) == 0) entry.time_ns = kReceivedNs - 30 * kNsPerDay;
    entry.line = kLines[number(7)];
    if (number(6) == 0) entry.line = std::string(70, 'l');
    for (uint32_t i = number(4); i > 0; --i)
      entry.metadata.emplace_back(fmt::format("k.{}", number(3)), number(3) ? "v" : "");
    if (number(9) == 0) entry.metadata.emplace_back("level", "odd");
    return entry;
  }
  std::mt19937 random_;
};

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

template <typename T, typename F>
std::string joined(const std::vector<T>& items, F f) {
  std::string out;
  for (const T& item : items) out += (out.empty() ? "" : ",") + f(item);
  return out;
}

std::string to_json(const std::vector<RandomStream>& streams) {
  const auto pair = [](const auto& p) { return json_string(p.first) + ":" + json_string(p.second); };
  const auto entry = [&](const TestEntry& e) {
    return fmt::format(R"(["{}",{},{{{}}}])", e.time_ns, json_string(e.line), joined(e.metadata, pair));
  };
  const auto stream = [&](const RandomStream& s) {
    return fmt::format(R"({{"stream":{{"app":"{}"}},"values":[{}]}})", s.app, joined(s.entries, entry));
  };
  return R"({"streams":[)" + joined(streams, stream) + "]}";
}

std::string to_json_v0(const std::vector<RandomStream>& streams) {
  const auto entry = [](const TestEntry& e) {
    const bool past = e.time_ns < kReceivedNs - kNsPerDay;
    return fmt::format(R"({{"ts":"{}","line":{}}})", past ? "2020-01-01T00:00:00Z" : "2027-01-15T08:00:00.5Z",
                       json_string(e.line));
  };
  const auto stream = [&](const RandomStream& s) {
    return fmt::format(R"({{"labels":"{{app=\"{}\"}}","entries":[{}]}})", s.app, joined(s.entries, entry));
  };
  return R"({"streams":[)" + joined(streams, stream) + "]}";
}

std::string to_protobuf(const std::vector<RandomStream>& streams) {
  std::string out;
  for (const RandomStream& s : streams) out += protobuf_stream(fmt::format("{{app=\"{}\"}}", s.app), s.entries);
  return out;
}

std::string to_otlp_json(const std::vector<RandomStream>& streams) {
  const auto pair = [](const auto& p) {
    return fmt::format(R"({{"key":{},"value":{{"stringValue":{}}}}})", json_string(p.first), json_string(p.second));
  };
  const auto record = [&](const TestEntry& e) {
    return fmt::format(R"({{"timeUnixNano":"{}","body":{{"stringValue":{}}},"attributes":[{}]}})", e.time_ns,
                       json_string(e.line), joined(e.metadata, pair));
  };
  const auto resource = [&](const RandomStream& s) {
    return fmt::format(
        R"({{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"{}"}}}}]}},"scopeLogs":[{{"logRecords":[{}]}}]}})",
        s.app, joined(s.entries, record));
  };
  return R"({"resourceLogs":[)" + joined(streams, resource) + "]}";
}

std::string to_otlp_protobuf(const std::vector<RandomStream>& streams) {
  const auto attribute = [](std::string_view key, std::string_view value) {
    ProtoText text, out;
    return out.bytes(1, key).bytes(2, text.bytes(1, value).out).out;
  };
  ProtoText request;
  for (const RandomStream& s : streams) {
    ProtoText resource, scope, logs;
    for (const TestEntry& e : s.entries) {
      ProtoText record, body;
      record.fixed64(1, static_cast<uint64_t>(e.time_ns)).bytes(5, body.bytes(1, e.line).out);
      for (const auto& [name, value] : e.metadata) record.bytes(6, attribute(name, value));
      scope.bytes(2, record.out);
    }
    logs.bytes(1, resource.bytes(1, attribute("service.name", s.app)).out).bytes(2, scope.out);
    request.bytes(1, logs.out);
  }
  return request.out;
}

struct Form {
  std::string_view type;
  std::string_view encoding;
  PushProtocol protocol;
  std::function<std::string(const std::vector<RandomStream>&)> body;
};

std::vector<Form> forms() {
  const auto gzip = [](const std::string& raw) { return zlib_packed(raw, MAX_WBITS + 16); };
  const auto deflate = [](const std::string& raw) { return zlib_packed(raw, -MAX_WBITS); };
  using S = const std::vector<RandomStream>&;
  return {
      {kJson, "", PushProtocol::loki, to_json},
      {kJson, "gzip", PushProtocol::loki, [=](S s) { return gzip(to_json(s)); }},
      {kJson, "deflate", PushProtocol::loki, [=](S s) { return deflate(to_json(s)); }},
      {kJson, "zstd", PushProtocol::loki, [](S s) { return zstd_packed(to_json(s)); }},
      {kProtobuf, "", PushProtocol::loki, [](S s) { return snappy_packed(to_protobuf(s)); }},
      {kProtobuf, "snappy", PushProtocol::loki_legacy, [](S s) { return snappy_packed(to_protobuf(s)); }},
      {kProtobuf, "gzip", PushProtocol::loki, [=](S s) { return gzip(snappy_packed(to_protobuf(s))); }},
      {kJson, "", PushProtocol::loki_legacy, to_json_v0},
      {kJson, "gzip", PushProtocol::otlp, [=](S s) { return gzip(to_otlp_json(s)); }},
      {kJson, "", PushProtocol::otlp, to_otlp_json},
      {kProtobuf, "", PushProtocol::otlp, to_otlp_protobuf},
      {"application/json; charset=utf-8", "gzip", PushProtocol::otlp_spec, [=](S s) { return gzip(to_otlp_json(s)); }},
      {kProtobuf, "zstd", PushProtocol::otlp, [](S s) { return zstd_packed(to_otlp_protobuf(s)); }},
  };
}

TEST(WalReplay, GivesTheRowsThatWereAccepted) {
  const std::vector<Form> all = forms();
  int refused = 0;
  int stored = 0;
  for (size_t form = 0; form < all.size(); ++form) {
    for (uint32_t seed = 0; seed < 40; ++seed) {
      PushBench bench;
      bench.limits.max_line_size_bytes = 60;
      bench.limits.max_line_size_truncate = seed % 4 == 0;
      bench.limits.max_label_value_length_bytes = 30;
      bench.limits.reject_old_samples = seed % 3 == 0;
      bench.limits.increment_duplicate_timestamp = seed % 2 == 0;
      bench.limits.max_structured_metadata_entries_count = 2;
      bench.limits.max_global_streams_per_user = seed % 5 == 0 ? 2 : 0;
      const std::string body = all[form].body(RandomPush(seed).streams());
      const auto response = bench.push(body, all[form].type, all[form].encoding, all[form].protocol);
      ASSERT_TRUE(response.status == 200 || response.status == 204 || response.status == 400 ||
                  response.status == 422 || response.status == 429)
          << "form " << form << " seed " << seed << ": " << response.status << " " << response.body;
      if (!bench.engine.record) continue;
      refused += static_cast<int>(bench.engine.record->refused.size());
      stored += static_cast<int>(bench.engine.last_rows.size());
      bench.limits = default_ingest_limits();
      const auto replayed = bench.replay();
      ASSERT_TRUE(replayed.ok()) << "form " << form << " seed " << seed << ": " << replayed.error().message;
      ASSERT_EQ(*replayed, bench.engine.last_rows) << "form " << form << " seed " << seed;
    }
  }
  EXPECT_GT(refused, 1000);
  EXPECT_GT(stored, 1000);
}

TEST(WalReplay, KeepsToTheRecordedPolicy) {
  DecodeRules rules = DecodeRules::of(default_ingest_limits());
  rules.discover_service_name = {"x"};
  rules.level_fields = {"mood"};
  rules.level_json_max_depth = -1;
  rules.truncate_lines_bytes = 5;
  rules.truncate_identifier = "!";
  rules.increment_duplicate_timestamp = true;
  rules.otlp_index_labels = {"host.name"};
  const auto again = DecodeRules::decode(rules.encode());
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->encode(), rules.encode());
  const std::string encoded = rules.encode();
  for (size_t size = 0; size < encoded.size(); ++size) EXPECT_FALSE(DecodeRules::decode(encoded.substr(0, size)).ok());
  std::string newer = encoded;
  newer[0] = 99;
  EXPECT_FALSE(DecodeRules::decode(newer).ok());
}

TEST(WalReplay, DamagedBodiesAreReported) {
  PushBench bench;
  bench.push(snappy_packed(protobuf_stream("{a=\"b\"}", {{kReceivedNs, "x", {}}})), "application/x-protobuf");
  WalRecord record = bench.engine.record.value();
  const auto decoder = make_wal_body_decoder();
  for (size_t i = 0; i < record.payload.size(); ++i) {
    WalRecord bad = record;
    bad.payload[i] = static_cast<char>(bad.payload[i] ^ 0xFF);
    RowBatch batch;
    static_cast<void>(decoder->decode(bad, bench.engine.policy, &batch));
  }
  record.payload.resize(3);
  RowBatch batch;
  const auto decoded = decoder->decode(record, bench.engine.policy, &batch);
  ASSERT_FALSE(decoded.ok());
  EXPECT_EQ(decoded.error().kind, ErrorKind::corrupt);
}

}  // namespace
}  // namespace cordwood::ingest
