// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "storage/base/mutex.h"

namespace cordwood {

/// Stops asking a server that does not answer: after some failures in a row it is left alone for a while, then asked by
/// one request at a time until one succeeds.  Thread-safe.
class S3Breaker {
 public:
  S3Breaker(uint32_t failures, int64_t rest_ns) : failures_(failures), rest_ns_(rest_ns) {}

  /// Whether a request may be sent now.  One that may must be followed by one of the next three.
  bool may_ask(int64_t monotonic_ns);
  void succeeded();
  void failed(int64_t monotonic_ns);
  void given_up();  ///< by the one who waited: it says nothing of the server
  bool is_open() const;

 private:
  const uint32_t failures_;
  const int64_t rest_ns_;
  mutable Mutex mu_;
  uint32_t in_a_row_ GUARDED_BY(mu_) = 0;
  bool probing_ GUARDED_BY(mu_) = false;
  int64_t open_until_ns_ GUARDED_BY(mu_) = 0;
};

}  // namespace cordwood
