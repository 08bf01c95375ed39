// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <algorithm>

#include "query/log_execution.h"
#include "query/logql_parser.h"
#include "query/metric_execution.h"
#include "query/query_engine_impl.h"
#include "query/query_limits.h"

namespace cordwood::query {

namespace {

constexpr int64_t kNsPerMs = 1'000'000;
constexpr uint32_t kMaxSteps = 1 << 20;

/// Evaluation times of a range query: with splitting on, start and end lie on multiples of the step.
Result<StepGrid> make_grid(const QueryLimits& limits, const RangeRequest& request) {
  StepGrid grid;
  grid.step_ns = std::max<int64_t>(request.step_ns, 1);
  int64_t start_ns = request.start_ns, end_ns = request.end_ns;
  if (limits.split_queries_by_interval_ns > 0) {
    const int64_t floor_ns = floor_div(start_ns, grid.step_ns) * grid.step_ns;
    const int64_t ceil_ns = -floor_div(-end_ns, grid.step_ns) * grid.step_ns;
    if (floor_ns < ceil_ns) {
      start_ns = floor_ns;
      end_ns = ceil_ns;
    }
  }
  const int64_t steps = (end_ns - start_ns) / grid.step_ns + 1;
  if (steps > kMaxSteps || end_ns < start_ns) return Error::invalid("too many steps in the query's range");
  grid.start_ns = start_ns;
  grid.count = static_cast<uint32_t>(steps);
  return grid;
}

void sort_by_labels(StepVector* vector) {
  std::stable_sort(vector->begin(), vector->end(),
                   [](const StepSeries& a, const StepSeries& b) { return a.labels < b.labels; });
}

/// Series with equal labels become one, as they do in Loki's answers.
StepVector merge_equal(StepVector vector) {
  StepVector out;
  for (StepSeries& series : vector) {
    if (!out.empty() && out.back().labels == series.labels) {
      auto& points = out.back().points;
      points.insert(points.end(), series.points.begin(), series.points.end());
      std::stable_sort(points.begin(), points.end(), [](const auto& a, const auto& b) { return a.step < b.step; });
    } else {
      out.push_back(std::move(series));
    }
  }
  return out;
}

std::vector<Series> to_series(StepVector vector, const StepGrid& grid) {
  std::vector<Series> out;
  out.reserve(vector.size());
  for (StepSeries& series : vector) {
    Series answer;
    answer.labels = std::move(series.labels);
    answer.samples.reserve(series.points.size());
    for (const StepPoint& point : series.points) {
      answer.samples.push_back({floor_div(grid.time_ns(point.step), kNsPerMs), point.value});
    }
    out.push_back(std::move(answer));
  }
  return out;
}

Matrix to_matrix(StepValue value, const StepGrid& grid) {
  if (const double* number = std::get_if<double>(&value)) {
    StepSeries series;
    for (uint32_t step = 0; step < grid.count; ++step) series.points.push_back({step, *number});
    return Matrix{to_series({std::move(series)}, grid)};
  }
  StepVector vector = std::get<StepVector>(std::move(value));
  sort_by_labels(&vector);
  return Matrix{to_series(merge_equal(std::move(vector)), grid)};
}

bool is_empty(const QueryResult& result) {
  if (const auto* streams = std::get_if<Streams>(&result.data)) return streams->streams.empty();
  if (const auto* matrix = std::get_if<Matrix>(&result.data)) return matrix->series.empty();
  if (const auto* vector = std::get_if<Vector>(&result.data)) return vector->series.empty();
  return false;
}

void note_empty(QueryRun* run, const Expr& expr, TimeRange range) {
  if (!is_empty(run->result)) return;
  const auto queries = selectors(expr);
  if (queries.empty()) return;
  run->result.stats.empty_reason = run->result.stats.lines_processed > 0
                                       ? "lines in range but none passed the filters"
                                       : explain_empty(run->scope, range, queries.front()->matchers);
}

}  // namespace

Result<void> run_range(QueryRun* run, const Expr& expr, RangeRequest request) {
  const QueryLimits& limits = run->scope.context->limits;
  const auto* log = as_log_query(expr);
  if (log != nullptr) TRY(check_entries_limit(limits, request.limit));
  TRY(check_expression(limits, expr));
  const int64_t now_ns = run->clock->now_ns();
  const bool visible = clamp_to_lookback(limits, now_ns, &request.start_ns, request.end_ns);
  TRY(check_length(limits, request.start_ns, request.end_ns));
  if (log != nullptr) {
    run->result.data = Streams{};
    if (!visible) return {};
    TRY_ASSIGN(run->result.data, run_log_query(run->scope, *log, request));
  } else {
    run->result.data = Matrix{};
    if (!visible) return {};
    TRY_ASSIGN(const StepGrid grid, make_grid(limits, request));
    TRY_ASSIGN(StepValue value, run_metric_query(run->scope, expr, grid));
    Matrix matrix = to_matrix(std::move(value), grid);
    TRY_ASSIGN(const uint64_t admitted, admit_series(*run->scope.context, matrix.series.size(), run->scope.warnings));
    matrix.series.resize(admitted);
    run->result.data = std::move(matrix);
  }
  note_empty(run, expr, {request.start_ns, request.end_ns + 1});
  return {};
}

namespace {

Result<void> run_instant(QueryRun* run, const Expr& expr, const InstantRequest& request) {
  const QueryLimits& limits = run->scope.context->limits;
  if (as_log_query(expr) != nullptr) {
    return Error::invalid(
        "log queries are not supported as an instant query type, please change your query to a range query type");
  }
  TRY(check_expression(limits, expr));
  int64_t start_ns = request.time_ns;
  run->result.data = Vector{};
  if (!clamp_to_lookback(limits, run->clock->now_ns(), &start_ns, request.time_ns)) return {};
  const StepGrid grid{request.time_ns, 1, 1};
  TRY_ASSIGN(StepValue value, run_metric_query(run->scope, expr, grid));
  if (const double* number = std::get_if<double>(&value)) {
    run->result.data = Scalar{{floor_div(request.time_ns, kNsPerMs), *number}};
    return {};
  }
  StepVector vector = std::get<StepVector>(std::move(value));
  if (!has_sort(expr)) sort_by_labels(&vector);
  TRY_ASSIGN(const uint64_t admitted, admit_series(*run->scope.context, vector.size(), run->scope.warnings));
  vector.resize(admitted);
  run->result.data = Vector{to_series(std::move(vector), grid)};
  note_empty(run, expr, {request.time_ns, request.time_ns + 1});
  return {};
}

/// All that the answer depends on.  Ranges of metric queries that are aligned to the same steps are the same.
std::string range_key(const QueryLimits& limits, const Expr& expr, const RangeRequest& request) {
  int64_t start_ns = request.start_ns, end_ns = request.end_ns;
  const bool may_move = limits.max_query_lookback_ns <= 0 && check_length(limits, start_ns, end_ns).ok();
  if (may_move && as_log_query(expr) == nullptr) {
    if (const auto grid = make_grid(limits, request); grid.ok()) {
      start_ns = grid->start_ns;
      end_ns = grid->time_ns(grid->count);
    }
  }
  return fmt::format("range {} {} {} {} {} {} {} {} {} {}", may_move, start_ns, end_ns, request.step_ns,
                     request.interval_ns, request.limit, request.skip, request.direction == Direction::forward,
                     request.categorize_labels, request.query);
}

std::string instant_key(const InstantRequest& request) {
  return fmt::format("instant {} {} {} {}", request.time_ns, request.limit, request.direction == Direction::forward,
                     request.query);
}

}  // namespace

QueryEngine::QueryEngine(Environment environment) : impl_(std::make_unique<Impl>(std::move(environment))) {}
QueryEngine::~QueryEngine() = default;

Answer<QueryResult> QueryEngine::range(const ReadContext& context, const RangeRequest& request) const {
  const auto expr = parse_logql(request.query);
  if (!expr.ok()) return to_query_error(expr.error());
  return impl_->shared.get(range_key(context.limits, **expr, request), context,
                           [&](const ReadContext& own, SharedRead* shared) -> Answer<QueryResult> {
                             const TimeRange range{request.start_ns, request.end_ns};
                             QueryRun run(impl_->environment, own, read_kind(own.tenant, request.query, range), shared);
                             auto done = run_range(&run, **expr, request);
                             if (!done.ok()) return to_query_error(done.error());
                             return run.finish();
                           });
}

Answer<QueryResult> QueryEngine::instant(const ReadContext& context, const InstantRequest& request) const {
  const auto expr = parse_logql(request.query);
  if (!expr.ok()) return to_query_error(expr.error());
  return impl_->shared.get(instant_key(request), context,
                           [&](const ReadContext& own, SharedRead* shared) -> Answer<QueryResult> {
                             QueryRun run(impl_->environment, own, read_kind(own.tenant, request.query, {}), shared);
                             auto done = run_instant(&run, **expr, request);
                             if (!done.ok()) return to_query_error(done.error());
                             return run.finish();
                           });
}

}  // namespace cordwood::query
