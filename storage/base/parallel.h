// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>

#include "storage/base/result.h"

namespace cordwood {

/// Calls body(0) … body(count - 1), at most `width` at the same time, on threads that live for this call (on the
/// calling one alone when `width` is 1), and returns when all that began are over.  For work that waits: reads from a
/// bucket.  After a failure no further ones begin; of several errors that of the smallest number is answered.
Result<void> run_parallel(size_t count, size_t width, const std::function<Result<void>(size_t)>& body);

}  // namespace cordwood
