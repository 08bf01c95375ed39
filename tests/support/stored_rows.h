// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "storage/engine.h"

namespace cordwood {

/// A row by value, as a test pushes it and reads it back.
struct StoredRow {
  std::string stream;  ///< value of the label `app`; the stream has a label `kind` too
  int64_t time_ns = 0;
  std::string line;
  std::vector<std::pair<std::string, std::string>> metadata;  ///< as sent, sorted by name

  auto operator<=>(const StoredRow&) const = default;
};
std::string to_string(const StoredRow& row);

/// Rows of one tenant as ingest hands them over.  Every third stream has a second label, so there are two families.
/// The batch owns copies of everything; a detected_level is derived for each row.
RowBatch make_batch(Engine& engine, const TenantId& tenant, const std::vector<StoredRow>& rows);

/// Every row of a tenant in order of (stream, time, arrival), copies included.  Checks on the way that blocks hold
/// what their info says.
Result<std::vector<StoredRow>> read_rows(const Snapshot& snapshot, const TenantId& tenant);
/// The same with copies dropped: the earliest arrival stays.
Result<std::vector<StoredRow>> read_distinct_rows(const Snapshot& snapshot, const TenantId& tenant);

/// Reads push_body records whose body is an encoded WAL batch.
class BatchBodyDecoder final : public WalBodyDecoder {
 public:
  Result<void> decode(const WalRecord& record, std::string_view policy, RowBatch* out) override;
};

}  // namespace cordwood
