// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/level_detector.h"
#include "ingest/push.h"

namespace cordwood::ingest {

/// The rules of a tenant that decide what rows a body becomes, as opposed to which of them are refused.  The WAL
/// keeps them with the body, so that replay reads it by the rules of then.
struct DecodeRules {
  std::vector<std::string> discover_service_name;
  bool discover_levels = true;
  std::vector<std::string> level_fields;
  int32_t level_json_max_depth = 2;
  uint64_t truncate_lines_bytes = 0;  ///< 0 = off
  std::string truncate_identifier;
  bool increment_duplicate_timestamp = false;
  std::vector<std::string> otlp_index_labels;

  static DecodeRules of(const IngestLimits& limits);
  /// `version, fields in order`; equal rules give equal bytes.
  std::string encode() const;
  static Result<DecodeRules> decode(std::string_view encoded);
};

/// Rules ready for use, with the form the WAL keeps.  Immutable, shared.
struct DecodePolicy {
  explicit DecodePolicy(DecodeRules rules);
  const DecodeRules rules;
  const WalPolicy wal;
  const LevelDetector levels;
};
using DecodePolicyPtr = std::shared_ptr<const DecodePolicy>;

}  // namespace cordwood::ingest
