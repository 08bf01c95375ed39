// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "storage/base/arena.h"
#include "storage/model/stream.h"

namespace cordwood {

/// One pair of structured metadata.  Names are Loki's normalised ones.
struct MetadataPair {
  std::string_view name;
  std::string_view value;
  bool operator==(const MetadataPair&) const = default;
};

/// One log line as it travels down: where its parts lie, not the parts themselves.
struct BatchRow {
  uint32_t stream = 0;  ///< index into RowBatch::streams
  int64_t time_ns = 0;
  std::string_view line;
  uint32_t metadata_begin = 0;  ///< index into RowBatch::metadata
  uint16_t metadata_count = 0;  ///< pairs sorted by name; derived ones (detected_level) last
  uint16_t derived_count = 0;   ///< how many of them the server added: they do not tell duplicates apart
};

/// What ingest hands to storage: accepted rows of one tenant in order of arrival.  Views point into the request
/// body of the caller or into `arena`, and hold while both live.
struct RowBatch {
  TenantId tenant;
  std::vector<StreamPtr> streams;
  std::vector<BatchRow> rows;
  std::vector<MetadataPair> metadata;
  Arena arena;
};

}  // namespace cordwood
