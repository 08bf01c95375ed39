// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ingest/decode_policy.h"
#include "ingest/stream_resolver.h"
#include "storage/base/memory_accountant.h"
#include "storage/model/row_batch.h"

namespace cordwood::ingest {

/// An entry as it was sent (but for a truncated line).
struct SentEntry {
  uint32_t ordinal = 0;  ///< its place in the body
  int64_t time_ns = 0;
  std::string_view line;
  std::span<const MetadataPair> metadata;
};

/// Decides which entries of a body become rows.  Called in body order.
class EntryGate {
 public:
  virtual ~EntryGate() = default;
  /// Before the first entry of a stream; called again when the stream comes up again.
  virtual void enter_stream(const ResolvedStream& stream) = 0;
  virtual bool admits(const SentEntry& entry) = 0;
};

/// What the decoders of all protocols write to: applies a policy to what was sent and appends the rows that the gate
/// admits to a batch.  Push and replay run the same code, only with another gate.  One body, one thread.
class RowBuilder {
 public:
  /// More pairs than any sensible limit on metadata allows; decoders stop there so that memory stays bounded.
  static constexpr size_t kMaxPairs = 60'000;
  static Error too_many_pairs();

  /// `memory` may be null; else rows beyond what it grants give exhausted.  `receive_time_ns` stands in where an
  /// entry has no time of its own.
  RowBuilder(const DecodePolicy& policy, StreamResolver* streams, EntryGate* gate, int64_t receive_time_ns,
             MemoryReservation* memory, RowBatch* out);

  /// The entries that follow belong to the stream of this label text.  invalid: `couldn't parse labels: …`.
  Result<void> begin_stream(std::string_view label_text);
  /// Views must outlive the batch or lie in arena().  invalid: a metadata name nothing is left of (see
  /// metadata_name_failed()).
  Result<void> add(int64_t time_ns, std::string_view line, std::span<const MetadataPair> metadata);

  Arena* arena() { return &out_->arena; }
  /// The time of an entry that has none; the batch is then not what replay would make of the body alone.
  int64_t take_receive_time_ns() {
    used_receive_time_ = true;
    return receive_time_ns_;
  }
  /// As normalise_metadata_name(), and remembers a failure.
  Result<std::string_view> metadata_name(std::string_view name);
  bool used_receive_time() const { return used_receive_time_; }
  const DecodeRules& rules() const { return policy_.rules; }
  uint64_t streams_seen() const { return streams_seen_; }
  uint32_t entries_seen() const { return next_ordinal_; }
  /// Ordinals of the rows, in step with RowBatch::rows.
  const std::vector<uint32_t>& ordinals() const { return ordinals_; }
  /// Loki answers such a push with 500, not 400.
  bool metadata_name_failed() const { return metadata_name_failed_; }

 private:
  Result<void> account();
  std::string_view truncated(std::string_view line);
  void add_level(BatchRow* row);
  void make_times_distinct(BatchRow* row, bool first_of_stream);
  uint32_t batch_stream();

  const DecodePolicy& policy_;
  StreamResolver* streams_;
  EntryGate* gate_;
  const int64_t receive_time_ns_;
  MemoryReservation* memory_;
  RowBatch* out_;

  ResolvedStreamPtr current_;
  bool entered_ = false;            ///< the gate knows the current stream
  uint32_t current_index_ = kNone;  ///< in out_->streams
  int64_t previous_sent_time_ns_ = 0;
  std::unordered_map<const Stream*, uint32_t> stream_index_;
  std::vector<ResolvedStreamPtr> held_;  ///< levels view their labels
  std::vector<uint32_t> ordinals_;
  uint64_t streams_seen_ = 0;
  uint64_t granted_bytes_ = 0;
  uint32_t next_ordinal_ = 0;
  uint32_t rows_of_stream_ = 0;
  bool metadata_name_failed_ = false;
  bool used_receive_time_ = false;
  static constexpr uint32_t kNone = UINT32_MAX;
};

}  // namespace cordwood::ingest
