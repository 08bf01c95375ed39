// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>

#include "api/config.h"

namespace cordwood::api {

/// The whole server of one data directory: store, index, queries, HTTP, and the thread that does what time asks for.
class Server {
 public:
  /// Listens, and opens and recovers the directory; until that is done all but the status pages answer 503.  The
  /// directory must not be in use.  While a bucket is away, or another server has its lease, it waits; `stopping`,
  /// which many threads ask, ends that: cancelled.
  static Result<std::unique_ptr<Server>> start(const Config& config, std::shared_ptr<Logger> log,
                                               std::function<bool()> stopping);
  virtual ~Server() = default;
  virtual uint16_t port() const = 0;
  /// Stops listening, lets requests finish, publishes what is in the head.
  virtual Result<void> stop() = 0;
};

}  // namespace cordwood::api
