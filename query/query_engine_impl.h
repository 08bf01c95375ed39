// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include "query/query_engine.h"
#include "query/read_guard.h"

namespace cordwood::query {

/// What the parts of the engine share; each family of reads has its own file (range and instant queries here,
/// labels, series, stats and volume in metadata_*.cc).  Immutable after construction, thread-safe.
struct QueryEngine::Impl {
  explicit Impl(Environment e) : environment(std::move(e)) {}
  Environment environment;
};

}  // namespace cordwood::query
