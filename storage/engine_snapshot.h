// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "storage/base/memory_accountant.h"
#include "storage/head_block.h"
#include "storage/segment.h"
#include "storage/snapshot.h"
#include "storage/veil.h"

namespace cordwood {

/// An open segment with its blocks told apart by tenant.  Immutable.
struct PublishedSegment {
  PublishedSegment(std::shared_ptr<const Segment> opened, MemoryAccountant& memory);
  /// A tenant's, if the segment has any and may have rows in the range; else null.
  const std::vector<BlockSourcePtr>* blocks_in(const TenantId& tenant, TimeRange range) const;

  std::shared_ptr<const Segment> segment;
  std::unordered_map<TenantId, std::vector<BlockSourcePtr>> blocks_by_tenant;
  MemoryReservation reservation;
};
using PublishedSegments = std::vector<std::shared_ptr<const PublishedSegment>>;

/// What a snapshot is made of.
struct SnapshotParts {
  std::shared_ptr<const PublishedSegments> published;
  std::vector<BlockSourcePtr> sealed;  ///< blocks of unpublished generations
  std::vector<HeadPrefix> open;        ///< their rows not sealed yet
  uint64_t catalog_version = 0;
  std::shared_ptr<const Veils> veils;  ///< what is not to be seen; null: nothing
};
SnapshotPtr make_snapshot(SnapshotParts parts);

}  // namespace cordwood
