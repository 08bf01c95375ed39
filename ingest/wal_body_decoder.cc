// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "ingest/body_decoder.h"
#include "ingest/push.h"

namespace cordwood::ingest {

namespace {

constexpr uint64_t kMaxReplayBytes = 8ull << 30;  // what was accepted under any configuration; never in the way
constexpr size_t kReplayedStreams = 16u << 10;
constexpr size_t kRememberedPolicies = 64;

/// Lets through all but the entries that were refused then.
class RefusedList final : public EntryGate {
 public:
  explicit RefusedList(const std::vector<uint32_t>& refused) : refused_(refused) {}
  void enter_stream(const ResolvedStream& stream) override { unusable_ = stream.stream == nullptr; }
  bool admits(const SentEntry& entry) override {
    while (next_ < refused_.size() && refused_[next_] < entry.ordinal) ++next_;
    return !unusable_ && !(next_ < refused_.size() && refused_[next_] == entry.ordinal);
  }

 private:
  const std::vector<uint32_t>& refused_;
  size_t next_ = 0;
  bool unusable_ = false;
};

class BodyReplay final : public WalBodyDecoder {
 public:
  BodyReplay()
      : streams_([](const TenantId& tenant,
                    Labels labels) { return Stream::make(tenant, StreamKind::log, std::move(labels)); },
                 kReplayedStreams, 0) {}

  Result<void> decode(const WalRecord& record, std::string_view policy, RowBatch* out) override {
    TRY_ASSIGN(const DecodePolicyPtr rules, policy_of(policy));
    out->tenant = record.tenant;
    ReadableBody body(nullptr);
    if (auto failure = open_body(record.format, record.encoding, record.payload, kMaxReplayBytes, &body)) {
      return Error::corrupt("wal body: " + failure->text);
    }
    // The rows outlive the buffers, not the arena.
    const bool in_record = body.bytes.data() == record.payload.data();
    const std::string_view bytes = in_record ? body.bytes : out->arena.copy(body.bytes);
    RefusedList gate(record.refused);
    RowBuilder rows(*rules, &streams_, &gate, record.receive_time_ns, nullptr, out);
    auto decoded = decode_body(record.format, bytes, &rows);
    if (!decoded.ok()) return Error::corrupt("wal body: " + decoded.error().message);
    return {};
  }

 private:
  Result<DecodePolicyPtr> policy_of(std::string_view encoded) {
    MutexLock lock(mu_);
    for (const DecodePolicyPtr& known : policies_) {
      if (known->wal.encoded == encoded) return known;
    }
    TRY_ASSIGN(DecodeRules rules, DecodeRules::decode(encoded));
    if (policies_.size() == kRememberedPolicies) policies_.erase(policies_.begin());
    policies_.push_back(std::make_shared<const DecodePolicy>(std::move(rules)));
    return policies_.back();
  }

  StreamResolver streams_;
  Mutex mu_;
  std::vector<DecodePolicyPtr> policies_ GUARDED_BY(mu_);
};

}  // namespace

std::unique_ptr<WalBodyDecoder> make_wal_body_decoder() {
  return std::make_unique<BodyReplay>();
}

}  // namespace cordwood::ingest
