// SPDX-License-Identifier: Apache-2.0
// QueryEngine's answers about traces.
#include <fmt/core.h>

#include "query/query_engine_impl.h"
#include "query/query_limits.h"
#include "query/trace_context.h"
#include "query/trace_lookup.h"

namespace cordwood::query {

namespace {

/// A lookup in work: its scope and what the scope points to.
struct Run {
  Run(const QueryEngine::Environment& environment, const ReadContext& context)
      : guard(context, *environment.clock, environment.gate, read_kind(context.tenant, "trace", {})),
        views(environment.views),
        begun_ns(environment.clock->monotonic_ns()) {
    answer.memory = std::make_shared<QueryMemory>(environment.memory, context.limits.max_query_memory_bytes);
    scope.environment = &environment;
    scope.context = &context;
    scope.guard = &guard;
    scope.snapshot = environment.snapshot();
    scope.stats = &answer.stats;
    scope.memory = answer.memory.get();
    scope.views = &views;
    scope.warnings = &answer.warnings;
  }
  Run(const Run&) = delete;  // the scope points into it
  Run& operator=(const Run&) = delete;

  TraceAnswer finish() {
    answer.stats.execution_ns = scope.environment->clock->monotonic_ns() - begun_ns;
    return std::move(answer);
  }

  TraceAnswer answer;
  ReadGuard guard;
  ViewPool::Read views;
  QueryScope scope;
  int64_t begun_ns;
};

/// Does something with the lookup of the first reading of the id that has lines.
template <typename Use>
Result<void> look_up(Run* run, const TraceRequest& request, Use use) {
  TRY_ASSIGN(const std::vector<TraceId> readings, trace_id_readings(request.id));
  const QueryLimits& limits = run->scope.context->limits;
  if (request.limit > limits.trace_max_lines) {
    return Error::invalid(
        fmt::format("limit is {}, more than traces.max_lines ({})", request.limit, limits.trace_max_lines));
  }
  TimeRange visible = TimeRange::all();
  const int64_t now_ns = run->scope.environment->clock->now_ns();
  clamp_to_lookback(limits, now_ns, &visible.start_ns, visible.end_ns);
  const TimeRange range{std::max(request.range.start_ns, visible.start_ns), request.range.end_ns};
  for (const TraceId& id : readings) {
    TraceMatcher matcher(id, limits.trace_id_names);
    TraceLookup lookup(run->scope, &matcher, request.limit);
    if (!range.empty()) TRY(lookup.run(range));
    if (lookup.found()) return use(std::move(lookup), visible);
  }
  return Error::not_found("no line of trace " + readings.front().hex() + " found");
}

}  // namespace

Answer<TraceAnswer> QueryEngine::trace(const ReadContext& context, const TraceRequest& request) const {
  Run run(impl_->environment, context);
  auto done = look_up(&run, request, [&](TraceLookup lookup, TimeRange) -> Result<void> {
    std::move(lookup).finish(&run.answer);
    return {};
  });
  if (!done.ok()) return to_query_error(done.error());
  return run.finish();
}

Answer<TraceAnswer> QueryEngine::trace_context(const ReadContext& context, const TraceContextRequest& request) const {
  Run run(impl_->environment, context);
  auto done = look_up(&run, request.trace, [&](const TraceLookup& lookup, TimeRange visible) {
    run.answer.trace_id = lookup.id().hex();
    return read_trace_context(run.scope, lookup.parts(), request, visible, &run.answer);
  });
  if (!done.ok()) return to_query_error(done.error());
  return run.finish();
}

}  // namespace cordwood::query
