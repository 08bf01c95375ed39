// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "storage/base/file_system.h"
#include "storage/base/logger.h"
#include "storage/model/matcher.h"
#include "storage/model/time_range.h"
#include "storage/snapshot.h"

namespace cordwood::index {

struct StreamIndexOptions {
  std::string directory = "data/index";
  uint32_t max_open_days = 32;  ///< Xapian databases kept open
};

/// Which streams match a selector: one Xapian database per UTC day for all tenants, one document per (tenant,
/// stream); streams not committed yet answer from memory.  Everything in it can be made again from the segments, so
/// a missing, stale or damaged database is rebuilt, never an error.  Thread-safe.
class StreamIndex : public StreamListener {
 public:
  static Result<std::unique_ptr<StreamIndex>> open(StreamIndexOptions options, FileSystem& fs, Logger& log);
  /// Makes sure that every published stream is found, now and, after damage found later, again; call once before
  /// serving.  Those that no database has answer from memory until commit().  `snapshot` gives the store's current
  /// state.
  virtual Result<void> sync(std::function<SnapshotPtr()> snapshot) = 0;
  /// Writes what is in memory to disk.  `catalog_version`: a version of the catalog seen before the call; the next
  /// start trusts that every stream published up to it is in.
  virtual Result<void> commit(uint64_t catalog_version) = 0;
  /// Makes the databases of the days `range` touches forget streams of a tenant that have no rows any more; nothing of
  /// them is left in the files.  After sync().
  virtual Result<void> forget(const TenantId& tenant, TimeRange range) {
    (void)tenant;
    (void)range;
    return {};
  }
  void on_stream_day(const StreamPtr& stream, int32_t day) override = 0;

  /// Streams of a tenant that have rows on the UTC days `range` touches and whose labels satisfy every matcher,
  /// sorted by label string.  A day's precision: the caller narrows by what blocks hold.
  virtual Result<std::vector<StreamPtr>> select(const TenantId& tenant, TimeRange range,
                                                std::span<const Matcher> matchers) const = 0;
  virtual uint64_t memory_bytes() const = 0;
};

}  // namespace cordwood::index
