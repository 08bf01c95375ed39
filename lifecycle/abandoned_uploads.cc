// SPDX-License-Identifier: Apache-2.0
#include "lifecycle/abandoned_uploads.h"

#include <algorithm>

#include "storage/segment_key.h"

namespace cordwood::lifecycle {

AbandonedUploads::AbandonedUploads(AbandonedUploadsOptions options, ObjectStore& store, Clock& clock, Logger& log,
                                   Metrics& metrics)
    : options_(std::move(options)),
      store_(store),
      clock_(clock),
      log_(log),
      aborted_(metrics.counter("cordwood_store_uploads_aborted_total",
                               "Uploads that a killed server left unfinished in the bucket, given up.")) {}

void AbandonedUploads::tick() {
  constexpr int64_t kLongestPauseNs = 3600 * kNsPerSecond;
  if (options_.age_ns <= 0) return;
  const int64_t now_ns = clock_.monotonic_ns();
  if (looked_at_ns_ && now_ns - *looked_at_ns_ < std::min(options_.age_ns, kLongestPauseNs)) return;
  looked_at_ns_ = now_ns;
  const Result<uint64_t> aborted =
      store_.abort_uploads(segment_prefix(options_.node), clock_.now_ns() - options_.age_ns);
  if (!aborted.ok()) {
    // A server without the rights, or one that does not know the request, does not change from hour to hour.
    if (!failed_) log_.warn("abandoned uploads could not be given up", {{"error", aborted.error().message}});
    failed_ = true;
    return;
  }
  failed_ = false;
  aborted_.add(*aborted);
  if (*aborted > 0) log_.info("abandoned uploads given up", {{"uploads", *aborted}});
}

}  // namespace cordwood::lifecycle
