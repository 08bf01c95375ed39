// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include "query/logql_ast.h"
#include "query/query_engine.h"
#include "query/read_guard.h"
#include "query/read_plan.h"

namespace cordwood::query {

/// What the parts of the engine share; each family of reads has its own file (range and instant queries here,
/// labels, series, stats and volume in metadata_*.cc, fields in detected_*.cc).  Immutable after construction,
/// thread-safe.
struct QueryEngine::Impl {
  explicit Impl(Environment e) : environment(std::move(e)) {}
  Environment environment;
};

/// A query in work: its scope and what the scope points to.
struct QueryRun {
  QueryRun(const QueryEngine::Environment& environment, const ReadContext& context)
      : guard(context, *environment.clock), memory(environment.memory), clock(environment.clock) {
    started_ns = clock->monotonic_ns();
    scope.environment = &environment;
    scope.context = &context;
    scope.guard = &guard;
    scope.snapshot = environment.snapshot();
    scope.stats = &result.stats;
    scope.memory = &memory;
    scope.warnings = &result.warnings;
  }
  QueryRun(const QueryRun&) = delete;  // the scope points into it
  QueryRun& operator=(const QueryRun&) = delete;

  QueryResult finish() {
    result.stats.execution_ns = clock->monotonic_ns() - started_ns;
    return std::move(result);
  }

  QueryResult result;
  ReadGuard guard;
  QueryMemory memory;
  QueryScope scope;
  Clock* clock;
  int64_t started_ns;
};

/// Checks the limits and puts the answer of a range query into the run's result.
Result<void> run_range(QueryRun* run, const Expr& expr, RangeRequest request);

}  // namespace cordwood::query
