// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>

#include "api/ticker.h"
#include "storage/base/result.h"
#include "storage/writer_lease.h"

namespace cordwood::api {

/// Takes and renews the lease of a bucket on a thread of its own, and gives it back at the end.
class LeaseKeeper {
 public:
  explicit LeaseKeeper(WriterLease& lease);
  ~LeaseKeeper();
  const WriterLease& lease() const { return lease_; }
  /// Returns once it is held.  `go_on` is called some times a second with why it is not, and answers whether to go on
  /// waiting; else cancelled.  unavailable: it was held and another has it now.
  Result<void> wait(const std::function<bool(const std::string&)>& go_on) const;

 private:
  WriterLease& lease_;
  std::unique_ptr<Ticker> ticker_;
};

}  // namespace cordwood::api
