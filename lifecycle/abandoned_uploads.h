// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "storage/base/clock.h"
#include "storage/base/logger.h"
#include "storage/base/metrics.h"
#include "storage/base/object_store.h"
#include "storage/model/time_range.h"

namespace cordwood::lifecycle {

struct AbandonedUploadsOptions {
  std::string node = "node-1";
  /// Longer than an upload of a segment can take.  0: none is ever given up.
  int64_t age_ns = 24 * 3600 * kNsPerSecond;
};

/// Gives up uploads of this node's segments that a killed server left unfinished in the bucket: they are in no list of
/// objects, and cost money.  One thread.
class AbandonedUploads {
 public:
  AbandonedUploads(AbandonedUploadsOptions options, ObjectStore& store, Clock& clock, Logger& log, Metrics& metrics);

  /// Looks at the first call, then each hour, or as often as `age_ns` passes; call about once a second.
  void tick();

 private:
  const AbandonedUploadsOptions options_;
  ObjectStore& store_;
  Clock& clock_;
  Logger& log_;
  Counter& aborted_;
  std::optional<int64_t> looked_at_ns_;  ///< monotonic
  bool failed_ = false;                  ///< at the last look: said once
};

}  // namespace cordwood::lifecycle
