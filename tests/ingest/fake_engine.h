// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ingest/push.h"
#include "storage/base/mutex.h"

namespace cordwood::ingest {

inline constexpr std::string_view kJson = "application/json";
inline constexpr std::string_view kProtobuf = "application/x-protobuf";

/// A row as text, for comparing.
struct PlainRow {
  std::string stream;
  int64_t time_ns = 0;
  std::string line;
  std::vector<std::pair<std::string, std::string>> metadata;
  int derived = 0;
  bool operator==(const PlainRow&) const = default;
};

inline std::vector<PlainRow> plain_rows(const RowBatch& batch) {
  std::vector<PlainRow> out;
  for (const BatchRow& row : batch.rows) {
    PlainRow plain{batch.streams[row.stream]->label_string, row.time_ns, std::string(row.line), {}, row.derived_count};
    for (size_t i = 0; i < row.metadata_count; ++i) {
      const MetadataPair& pair = batch.metadata[row.metadata_begin + i];
      plain.metadata.emplace_back(pair.name, pair.value);
    }
    out.push_back(std::move(plain));
  }
  return out;
}

inline std::string metadata_value(const PlainRow& row, std::string_view name) {
  for (const auto& [n, v] : row.metadata) {
    if (n == name) return v;
  }
  return {};
}

/// Remembers what was appended, in the form the WAL would give it back.
class FakeEngine final : public Engine {
 public:
  Result<Appended> append(const RowBatch& batch, const WalBody* body) override {
    if (failure) return *failure;
    for (PlainRow& row : plain_rows(batch)) rows.push_back(std::move(row));
    last_rows = plain_rows(batch);
    record.reset();
    if (body != nullptr) {
      WalRecord r;
      r.tenant = batch.tenant;
      r.format = body->format;
      r.encoding = body->encoding;
      r.refused = body->refused;
      r.payload = body->body;
      r.policy_id = body->policy->id;
      record = r;
      policy = body->policy->encoded;
    }
    ++appends;
    return Appended{batch.rows.size(), 0};
  }
  SnapshotPtr snapshot() const override { return nullptr; }
  uint64_t version() const override { return 0; }
  int64_t oldest_since(const TenantId&, uint64_t) const override { return 0; }
  Result<void> flush() override { return {}; }
  void tick() override {}
  Status status() const override { return {}; }
  StreamPtr stream(const TenantId& tenant, StreamKind kind, const Labels& labels) override {
    return Stream::make(tenant, kind, labels);
  }

  std::optional<Error> failure;
  std::vector<PlainRow> rows;
  std::vector<PlainRow> last_rows;
  std::optional<WalRecord> record;
  std::string policy;
  int appends = 0;
};

class FakeClock final : public Clock {
 public:
  int64_t now_ns() override { return now; }
  int64_t monotonic_ns() override { return monotonic; }
  int64_t now = 1'800'000'000'000'000'000;
  int64_t monotonic = 0;
};

/// A pusher over the fakes.
struct PushBench {
  explicit PushBench(IngestOptions options = {}, MemoryAccountant::Limits memory_limits = {})
      : memory(memory_limits),
        pusher(options, {&engine, &memory, &clock, &metrics, [this](const TenantId&) { return limits; }}) {}

  PushResponse push(std::string_view body, std::string_view type = "application/json", std::string_view encoding = "",
                    PushProtocol protocol = PushProtocol::loki) {
    return pusher.push({"t1", protocol, type, encoding, body});
  }
  /// What replay makes of the last push.
  Result<std::vector<PlainRow>> replay() {
    RowBatch batch;
    TRY(make_wal_body_decoder()->decode(engine.record.value(), engine.policy, &batch));
    return plain_rows(batch);
  }

  FakeEngine engine;
  FakeClock clock;
  Metrics metrics;
  MemoryAccountant memory;
  IngestLimits limits = default_ingest_limits();
  Pusher pusher;
};

}  // namespace cordwood::ingest
