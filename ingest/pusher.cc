// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <optional>

#include "ingest/body_decoder.h"
#include "ingest/entry_validator.h"
#include "ingest/media_type.h"
#include "ingest/otlp_answer.h"
#include "ingest/push.h"
#include "ingest/rate_rules.h"

namespace cordwood::ingest {

namespace {

constexpr size_t kRememberedStreams = 16u << 10;
constexpr int kRetryAfterSeconds = 1;

/// What a push comes to before it is put into its protocol's words.
struct Answer {
  int status = 204;
  std::string text;
  uint64_t accepted = 0;  ///< entries
  uint64_t rejected = 0;
};

Answer refused(int status, std::string text) {
  Answer answer;
  answer.status = status;
  answer.text = std::move(text);
  return answer;
}

bool is_otlp(PushProtocol protocol) {
  return protocol == PushProtocol::otlp || protocol == PushProtocol::otlp_spec;
}

constexpr const char* kOverloaded = "The server cannot accept more requests at this time.";
constexpr const char* kNoStreams = "error at least one valid stream is required for ingestion";

std::string_view name_of(PushProtocol protocol) {
  switch (protocol) {
    case PushProtocol::loki: return "loki";
    case PushProtocol::loki_legacy: return "loki_legacy";
    case PushProtocol::otlp: return "otlp";
    case PushProtocol::otlp_spec: return "otlp_spec";
  }
  return "unknown";
}

/// google.rpc.Status with its message alone.
std::string encode_status(std::string_view message) {
  std::string out;
  ByteWriter w(&out);
  w.u8(2 << 3 | 2);
  w.string(message);
  return out;
}

/// What the OpenTelemetry protocol says: refused records beside stored ones are a partial success; so are those of a
/// tenant that is blocked with a status of success.
PushResponse respond_by_spec(std::string_view content_type, const Answer& answer) {
  const OtlpEncoding encoding = otlp_encoding_of(content_type);
  const bool partly = answer.status == 400 && answer.accepted > 0;
  if (partly || answer.status < 300) return otlp_export_response(encoding, answer.rejected, answer.text);
  return otlp_error_response(encoding, answer.status, answer.text);
}

PushResponse respond(const PushRequest& request, Answer answer) {
  const PushProtocol protocol = request.protocol;
  // Clients of OTLP never try again after a 500.
  if (is_otlp(protocol) && answer.status == 500) answer.status = 503;
  PushResponse response;
  response.status = answer.status;
  if (protocol == PushProtocol::otlp_spec) response = respond_by_spec(request.content_type, answer);
  if (response.status == 429 || response.status == 503) response.retry_after_s = kRetryAfterSeconds;
  if (response.status == 204 || protocol == PushProtocol::otlp_spec) return response;
  if (protocol == PushProtocol::otlp) {
    response.body = encode_status(answer.text);
    response.content_type = "application/x-protobuf";
  } else {
    response.body = answer.text + "\n";
    response.content_type = "text/plain; charset=utf-8";
  }
  return response;
}

}  // namespace

struct Pusher::Impl {
  Impl(IngestOptions o, Environment e)
      : options(o),
        environment(std::move(e)),
        streams([engine = environment.engine](
                    const TenantId& tenant, Labels labels) { return engine->stream(tenant, StreamKind::log, labels); },
                kRememberedStreams, xxh3_64("streams", seed())),
        bytes(environment.metrics->counter("cordwood_push_bytes_total", "Raw bytes of lines accepted.")),
        lines(environment.metrics->counter("cordwood_push_lines_total", "Lines accepted.")),
        duplicates(environment.metrics->counter("cordwood_push_duplicate_lines_total",
                                                "Lines dropped because the store already had them.")),
        received(environment.metrics->counter("cordwood_push_received_bytes_total", "Bytes of bodies as received.")),
        duration(environment.metrics->histogram("cordwood_push_duration_seconds", "Time to answer a push.")) {}

  /// Differs from run to run, so that nobody can choose colliding labels.
  uint64_t seed() const {
    return static_cast<uint64_t>(environment.clock->now_ns()) ^ reinterpret_cast<uintptr_t>(this);
  }

  PushResponse push(const PushRequest& request) {
    const int64_t begun_ns = environment.clock->monotonic_ns();
    PushResponse response = respond(request, handle(request));
    duration.observe_ns(environment.clock->monotonic_ns() - begun_ns);
    received.add(request.body.size());
    environment.metrics
        ->counter("cordwood_push_requests_total", "Pushes answered.",
                  {{"protocol", std::string(name_of(request.protocol))}, {"status", std::to_string(response.status)}})
        .add();
    return response;
  }

  Answer handle(const PushRequest& request) {
    auto kind = kind_of(request);
    if (!kind.ok()) return refused(request.protocol == PushProtocol::otlp_spec ? 415 : 400, kind.error().message);
    if (request.body.size() > options.max_recv_msg_size_bytes) {
      return refused(413, fmt::format("request body too large: message size too large than max ({} vs {})",
                                      request.body.size(), options.max_recv_msg_size_bytes));
    }
    MemoryReservation memory = environment.memory->charge(MemoryShare::requests, 0);
    ReadableBody body(&memory);
    if (auto failure =
            open_body(kind->format, kind->encoding, request.body, options.max_decompressed_size_bytes, &body)) {
      return unpack_refusal(*failure, memory.bytes());
    }
    return store(request, *kind, body.bytes, &memory);
  }

  static Result<BodyKind> kind_of(const PushRequest& request) {
    const std::string_view type = request.content_type, encoding = request.content_encoding;
    switch (request.protocol) {
      case PushProtocol::otlp: return otlp_body_kind(type, encoding);
      case PushProtocol::otlp_spec: return otlp_spec_body_kind(type, encoding);
      case PushProtocol::loki:
      case PushProtocol::loki_legacy: break;
    }
    return loki_body_kind(type, encoding, request.protocol == PushProtocol::loki_legacy);
  }

  Answer unpack_refusal(const UnpackFailure& failure, uint64_t held) {
    switch (failure.kind) {
      case UnpackFailure::Kind::malformed: return refused(400, failure.text);
      case UnpackFailure::Kind::too_large: return refused(413, "request body too large: " + failure.text);
      case UnpackFailure::Kind::no_memory: break;
    }
    return overloaded(held);
  }

  /// 503 asks to try again; that is no use when the request alone fills the share.
  Answer overloaded(uint64_t held) const {
    const uint64_t share = environment.memory->limit(MemoryShare::requests);
    if (held > share - share / 8) {
      return refused(413, fmt::format("request body too large: decompressed message size too large than max ({} vs {})",
                                      held, share));
    }
    return refused(503, kOverloaded);
  }

  Answer store(const PushRequest& request, BodyKind kind, std::string_view body, MemoryReservation* memory) {
    const IngestLimits limits = environment.limits(request.tenant);
    const DecodePolicyPtr policy = policy_of(limits);
    const int64_t now_ns = environment.clock->now_ns();
    RowBatch batch;
    batch.tenant = request.tenant;
    EntryValidator validator(request.tenant, limits, now_ns);
    RowBuilder rows(*policy, &streams, &validator, now_ns, memory, &batch);
    auto decoded = decode_body(kind.format, body, &rows);
    if (!decoded.ok()) {
      if (decoded.error().kind == ErrorKind::exhausted) return overloaded(memory->bytes());
      const bool names_are_500 = rows.metadata_name_failed() && request.protocol != PushProtocol::otlp_spec;
      return refused(names_are_500 ? 500 : 400, decoded.error().message);
    }
    const bool nothing_sent = is_otlp(request.protocol) ? rows.entries_seen() == 0 : rows.streams_seen() == 0;
    if (nothing_sent) return request.protocol == PushProtocol::otlp_spec ? Answer{} : refused(422, kNoStreams);
    Answer answer = append(request, kind, limits, *policy, rows, &validator, &batch);
    for (const auto& [reason, count] : validator.discards()) answer.rejected += count.entries;
    count_discards(request.tenant, validator);
    return answer;
  }

  Answer append(const PushRequest& request, BodyKind kind, const IngestLimits& limits, const DecodePolicy& policy,
                const RowBuilder& rows, EntryValidator* validator, RowBatch* batch) {
    std::optional<RateRefusal> rate;
    uint64_t accepted = 0;
    if (!batch->rows.empty()) {
      rate = apply_rates(limits, &limiters, environment.clock->monotonic_ns(), rows.ordinals(), validator, batch);
    }
    if (!batch->rows.empty()) {
      WalBody wal;
      wal.format = kind.format;
      wal.encoding = kind.encoding;
      wal.body = request.body;
      wal.refused = std::move(validator->refused());
      wal.policy = &policy.wal;
      // Where the receive time stands in for a time that was not sent, the rows say more than the body.
      auto appended = environment.engine->append(*batch, rows.used_receive_time() ? nullptr : &wal);
      if (!appended.ok()) return engine_refusal(appended.error());
      uint64_t line_bytes = 0;
      for (const BatchRow& row : batch->rows) line_bytes += row.line.size();
      bytes.add(line_bytes);
      lines.add(batch->rows.size());
      duplicates.add(appended->duplicates);
      accepted = batch->rows.size();
    }
    if (rate) return refused(rate->status, std::move(rate->text));
    if (validator->blocked()) {
      if (limits.block_ingestion_status_code == 200) return {};
      return refused(limits.block_ingestion_status_code, validator->complaints().text());
    }
    Answer answer;
    answer.accepted = accepted;
    if (!validator->complaints().empty()) {
      answer.status = 400;
      answer.text = validator->complaints().text();
    }
    return answer;
  }

  static Answer engine_refusal(const Error& error) {
    switch (error.kind) {
      case ErrorKind::invalid: return refused(400, error.message);
      case ErrorKind::unavailable:
      case ErrorKind::exhausted:
      case ErrorKind::timeout:
      case ErrorKind::io: return refused(503, error.message);
      default: return refused(500, error.message);
    }
  }

  DecodePolicyPtr policy_of(const IngestLimits& limits) {
    DecodeRules rules = DecodeRules::of(limits);
    const std::string encoded = rules.encode();
    MutexLock lock(mu);
    if (const auto it = policies.find(encoded); it != policies.end()) return it->second;
    constexpr size_t kMaxPolicies = 1024;
    if (policies.size() >= kMaxPolicies) policies.clear();
    auto policy = std::make_shared<const DecodePolicy>(std::move(rules));
    policies.emplace(encoded, policy);
    return policy;
  }

  void count_discards(const TenantId& tenant, const EntryValidator& validator) {
    for (const auto& [reason, count] : validator.discards()) {
      const MetricLabels labels = {{"reason", reason}, {"tenant", tenant}};
      environment.metrics->counter("cordwood_discarded_samples_total", "Entries refused.", labels).add(count.entries);
      environment.metrics->counter("cordwood_discarded_bytes_total", "Bytes of entries refused.", labels)
          .add(count.bytes);
    }
  }

  const IngestOptions options;
  const Environment environment;
  StreamResolver streams;
  TenantLimiters limiters;
  Counter& bytes;
  Counter& lines;
  Counter& duplicates;
  Counter& received;
  Histogram& duration;
  Mutex mu;
  std::map<std::string, DecodePolicyPtr> policies GUARDED_BY(mu);
};

Pusher::Pusher(IngestOptions options, Environment environment)
    : impl_(std::make_unique<Impl>(options, std::move(environment))) {}
Pusher::~Pusher() = default;

PushResponse Pusher::push(const PushRequest& request) {
  return impl_->push(request);
}

}  // namespace cordwood::ingest
