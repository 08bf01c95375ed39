// SPDX-License-Identifier: Apache-2.0
#include "api/lease_keeper.h"

#include "storage/base/clock.h"

namespace cordwood::api {

LeaseKeeper::LeaseKeeper(WriterLease& lease)
    : lease_(lease), ticker_(std::make_unique<Ticker>([this] { lease_.tick(); }, lease.tick_ns())) {}

LeaseKeeper::~LeaseKeeper() {
  ticker_.reset();
  lease_.release();
}

Result<void> LeaseKeeper::wait(const std::function<bool(const std::string&)>& go_on) const {
  constexpr int64_t kPauseNs = 20'000'000;
  while (!lease_.held()) {
    if (lease_.state() == WriterLease::State::lost) return Error::unavailable(lease_.why());
    if (!go_on(lease_.why())) return Error::cancelled("stopped while waiting for the lease of the bucket");
    sleep_ns(kPauseNs);
  }
  return {};
}

}  // namespace cordwood::api
