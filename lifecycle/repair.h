// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "storage/base/file_system.h"
#include "storage/base/logger.h"
#include "storage/base/object_store.h"
#include "storage/segment.h"
#include "storage/wal_format.h"

namespace cordwood::lifecycle {

/// What a manifest that was lost must have said, as far as the footers of segments tell.
struct RepairPlan {
  std::vector<SegmentMeta> named;
  struct LeftOut {
    std::string key;
    std::string why;
  };
  std::vector<LeftOut> left_out;
  std::vector<WalLog> generations_done;
};

/// Segments that others replaced do not come back: a merged segment counts when one of those it was made of is gone
/// (they go only after the manifest names the merged one), else its sources count.  Of several attempts of a generation
/// or of a merge one counts.  A generation whose WAL is still there is replayed instead, unless it was merged already.
/// `wal`: marks of the logs that are there, by number.
RepairPlan plan_repair(const std::vector<SegmentMeta>& found, const std::map<uint64_t, uint64_t>& wal);

struct RepairOptions {
  std::string node = "node-1";
  std::string data_dir;
  size_t parallel = 8;
  bool force = false;    ///< although the manifest can be read
  bool dry_run = false;  ///< only say what would be done
};
struct RepairReport {
  RepairPlan plan;
  uint64_t manifest = 0;  ///< number of the snapshot written
};

/// Makes a manifest of the segments that are there.  The server must not run.  Deletes and holds that stood in the old
/// manifest are lost with it.  invalid: the manifest can be read, and `force` is not set.
Result<RepairReport> repair(ObjectStore& store, FileSystem& fs, const RepairOptions& options, Logger& log);

}  // namespace cordwood::lifecycle
