// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ingest/push.h"
#include "ingest/row_builder.h"

namespace cordwood::ingest {

/// Complaints of one push, equal ones counted once.
class ComplaintList {
 public:
  void add(std::string text);
  bool empty() const { return total_ == 0; }
  /// One complaint as it is; else `N errors like: <text>` for each kind, joined by `; `.
  std::string text() const;

 private:
  static constexpr size_t kMaxKinds = 50;  ///< further kinds are only counted
  std::vector<std::pair<std::string, uint64_t>> kinds_;
  std::unordered_map<std::string, size_t> index_;
  uint64_t total_ = 0;
  uint64_t unlisted_ = 0;
};

struct DiscardCount {
  uint64_t entries = 0;
  uint64_t bytes = 0;
};

/// Applies a tenant's limits to streams and entries, in Loki's order and words, and notes what was refused.
class EntryValidator final : public EntryGate {
 public:
  EntryValidator(const TenantId& tenant, const IngestLimits& limits, int64_t now_ns);
  void enter_stream(const ResolvedStream& stream) override;
  bool admits(const SentEntry& entry) override;

  /// Counts rows that limits on rates or streams refuse after decoding.
  void discard(std::string_view reason, uint64_t entries, uint64_t bytes);

  const ComplaintList& complaints() const { return complaints_; }
  bool blocked() const { return blocked_; }
  std::vector<uint32_t>& refused() { return refused_; }
  const std::map<std::string, DiscardCount, std::less<>>& discards() const { return discards_; }
  uint64_t admitted_entries() const { return admitted_entries_; }
  uint64_t admitted_bytes() const { return admitted_bytes_; }  ///< lines and metadata
  uint64_t admitted_line_bytes() const { return admitted_line_bytes_; }

 private:
  struct Refusal {
    std::string_view reason;  ///< empty = none
    std::string text;
  };
  Refusal check_stream(const ResolvedStream& stream);
  Refusal check_labels(const ResolvedStream& stream) const;
  Refusal check_enforced_labels(const ResolvedStream& stream) const;
  Refusal check_entry(const SentEntry& entry) const;
  Refusal check_metadata(const SentEntry& entry) const;
  const std::string& stream_name() const { return stream_->label_string(); }

  const TenantId& tenant_;
  const IngestLimits& limits_;
  const int64_t newest_allowed_ns_;
  const int64_t oldest_allowed_ns_;
  const bool block_;
  const ResolvedStream* stream_ = nullptr;
  Refusal stream_refusal_;
  ComplaintList complaints_;
  std::vector<uint32_t> refused_;
  std::map<std::string, DiscardCount, std::less<>> discards_;
  uint64_t admitted_entries_ = 0;
  uint64_t admitted_bytes_ = 0;
  uint64_t admitted_line_bytes_ = 0;
  bool blocked_ = false;
};

/// Bytes a push is charged for: names and values, but not a detected_level.
uint64_t metadata_bytes(std::span<const MetadataPair> pairs);

}  // namespace cordwood::ingest
