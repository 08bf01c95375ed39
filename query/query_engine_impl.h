// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include "query/logql_ast.h"
#include "query/query_engine.h"
#include "query/read_guard.h"
#include "query/read_plan.h"
#include "query/shared_reads.h"

namespace cordwood::query {

/// What the parts of the engine share; each family of reads has its own file (range and instant queries here,
/// labels, series, stats and volume in metadata_*.cc, fields in detected_*.cc).  Immutable after construction,
/// thread-safe.
struct QueryEngine::Impl {
  explicit Impl(Environment e)
      : environment(std::move(e)), shared(*environment.clock, environment.version, counter()) {}
  Counter* counter() const {
    if (environment.metrics == nullptr) return nullptr;
    return &environment.metrics->counter("cordwood_query_shared_total",
                                         "Queries answered by the execution of another.");
  }
  Environment environment;
  SharedReads<QueryResult> shared;
};

/// A query in work: its scope and what the scope points to.
struct QueryRun {
  /// `kind`: see read_kind().  `shared` may be null.
  QueryRun(const QueryEngine::Environment& environment, const ReadContext& context, uint64_t kind,
           SharedRead* shared = nullptr)
      : guard(context, *environment.clock, environment.gate, kind),
        memory(environment.memory, context.limits.max_query_memory_bytes),
        views(environment.views),
        clock(environment.clock) {
    started_ns = clock->monotonic_ns();
    started_cpu_ns = clock->thread_cpu_ns();
    scope.version = environment.version ? environment.version() : 0;
    if (shared != nullptr) shared->begin(scope.version);
    scope.environment = &environment;
    scope.context = &context;
    scope.guard = &guard;
    scope.snapshot = environment.snapshot();
    scope.stats = &result.stats;
    scope.memory = &memory;
    scope.views = &views;
    scope.warnings = &result.warnings;
  }
  QueryRun(const QueryRun&) = delete;  // the scope points into it
  QueryRun& operator=(const QueryRun&) = delete;

  QueryResult finish() {
    result.stats.execution_ns = clock->monotonic_ns() - started_ns;
    result.stats.cpu_ns += clock->thread_cpu_ns() - started_cpu_ns;
    return std::move(result);
  }

  QueryResult result;
  ReadGuard guard;
  QueryMemory memory;
  ViewPool::Read views;
  QueryScope scope;
  Clock* clock;
  int64_t started_ns;
  int64_t started_cpu_ns;
};

/// Checks the limits and puts the answer of a range query into the run's result.
Result<void> run_range(QueryRun* run, const Expr& expr, RangeRequest request);

}  // namespace cordwood::query
