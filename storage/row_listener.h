// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "storage/model/row_batch.h"

namespace cordwood {

/// Told of rows as they become visible, for whoever follows the store.  Called under the lock of the rows' generation,
/// so it must be quick and must not come back to the engine.  A snapshot that shows a row was taken after the call
/// for it returned; one taken before may show it all the same.
class RowListener {
 public:
  virtual ~RowListener() = default;
  /// Whether rows of the tenant are wanted.
  virtual bool wants(const TenantId& tenant) const = 0;
  /// `rows` are indexes into `batch.rows`, ascending, without those that were there already.  Row i arrived as
  /// `sequence + i`.  The batch lives only as long as the call.
  virtual void on_rows(const RowBatch& batch, uint64_t sequence, std::span<const uint32_t> rows) = 0;
};

}  // namespace cordwood
