// SPDX-License-Identifier: Apache-2.0
#include "query/log_execution.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "query/kept_lines.h"
#include "query/logql_print.h"
#include "query/pipeline.h"
#include "query/row_merge.h"
#include "query/stream_collector.h"
#include "query/top_rows.h"

namespace cordwood::query {

namespace {

/// Whether an entry is far enough from the one returned before it.  Each piece of a split query counts for itself.
class IntervalGate {
 public:
  IntervalGate(int64_t interval_ns, int64_t split_ns) : interval_ns_(interval_ns), split_ns_(split_ns) {}
  bool passes(int64_t time_ns) {
    if (interval_ns_ <= 0) return true;
    const bool same_piece =
        last_ns_ && (split_ns_ <= 0 || floor_div(time_ns, split_ns_) == floor_div(*last_ns_, split_ns_));
    if (same_piece && std::llabs(time_ns - *last_ns_) < interval_ns_) return false;
    last_ns_ = time_ns;
    return true;
  }

 private:
  int64_t interval_ns_;
  int64_t split_ns_;
  std::optional<int64_t> last_ns_;
};

void count_row(const QueryScope& scope, bool in_head, uint64_t line_bytes) {
  ++scope.stats->lines_processed;
  scope.stats->bytes_processed += line_bytes;
  if (!in_head) return;
  ++scope.stats->head_lines;
  scope.stats->head_bytes += line_bytes;
}

/// Whether a stage drops rows.
bool filters(const LogQuery& query) {
  return std::any_of(query.stages.begin(), query.stages.end(), [](const Stage& stage) {
    return std::holds_alternative<LineFilterStage>(stage) || std::holds_alternative<LabelFilterStage>(stage);
  });
}

/// Rows of all blocks in order, until there are enough.
Result<void> run_merged(const QueryScope& scope, const LogQuery& query, const RangeRequest& request, TimeRange range,
                        StreamCollector* collector) {
  TRY_ASSIGN(const ReadPlan plan, make_read_plan(scope, range, query));
  // Stages that cannot be built are an error only where there are lines for them.
  if (!plan.has_blocks()) return {};
  TRY_ASSIGN(const auto pipeline, Pipeline::make(query.stages, {}, scope.environment->rows_one_by_one));
  RowMerge merge(scope, plan, request.direction);
  RowCapture capture(request.categorize_labels);
  IntervalGate gate(request.interval_ns, scope.context->limits.split_queries_by_interval_ns);
  PipelineRow row;
  prepare_row(scope, &row);
  RowMerge::Row place;
  uint64_t generation = 0;
  uint64_t to_skip = request.skip;
  while (scope.stats->entries_returned < request.limit) {
    TRY_ASSIGN(const bool more, merge.next(&place));
    if (!more) break;
    if (scope.stats->lines_processed % kRowsPerCheck == 0) TRY(scope.guard->check());
    if (generation != merge.generation()) pipeline->on_block();
    generation = merge.generation();
    row.source = place.source;
    row.begin(place.view, place.row, plan.streams[place.ordinal].stream.get(), place.time_ns);
    const bool kept = pipeline->process(row);
    if (kept) ++scope.stats->post_filter_lines;
    const bool answers = kept && gate.passes(place.time_ns);
    if (answers && to_skip > 0) {
      --to_skip;
    } else if (answers) {
      auto captured = capture.capture(row);
      if (captured.ok()) {
        TRY(collector->add(std::move(*captured)));
        ++scope.stats->entries_returned;
      }
    }
    if (row.failure() && !skip_damaged(scope, *row.failure())) return *row.failure();
    count_row(scope, place.source->in_head(), row.line_size_if_known());
  }
  return {};
}

/// The rows that pass, in the order of the answer, sought block by block.
Result<std::vector<CapturedRow>> filtered_rows(const QueryScope& scope, const LogQuery& query,
                                               const RangeRequest& request, TimeRange range) {
  TRY_ASSIGN(const ReadPlan plan, make_read_plan(scope, range, query));
  // Stages that cannot be built are an error only where there are lines for them.
  if (!plan.has_blocks()) return std::vector<CapturedRow>();
  const auto make = [&query](uint64_t rows_one_by_one) { return Pipeline::make(query.stages, {}, rows_one_by_one); };
  TRY_ASSIGN(const auto pipeline, make(scope.environment->rows_one_by_one));
  TopRows top(scope, plan, request.direction, uint64_t{request.limit} + request.skip,
              RowCapture(request.categorize_labels));
  TRY(top.run(pipeline.get(), [&make] { return make(0); }));
  return std::move(top).take();
}

/// The same, by what an answer before has told; nothing when that is not enough.
Result<std::optional<std::vector<CapturedRow>>> rows_since(const QueryScope& scope, const LogQuery& query,
                                                           const RangeRequest& request, TimeRange range,
                                                           const NewestLines& known) {
  using Rows = std::vector<CapturedRow>;
  const int64_t changed_ns = scope.environment->oldest_since(scope.context->tenant, known.version);
  const int64_t from_ns = std::min({changed_ns, known.range.end_ns, range.end_ns});
  if (from_ns <= range.start_ns) return std::optional<Rows>();
  TRY_ASSIGN(const uint64_t all_bytes, planned_bytes_of_all(scope, range, query));
  const uint64_t before_bytes = scope.stats->planned_bytes;
  Rows rows;
  if (from_ns < range.end_ns) {
    TRY_ASSIGN(rows, filtered_rows(scope, query, request, {from_ns, range.end_ns}));
  }
  const auto taken = append_older(known, range, from_ns, request.limit, &rows);
  if (!taken) {
    scope.stats->planned_bytes = before_bytes;
    return std::optional<Rows>();
  }
  scope.stats->planned_bytes = std::max(scope.stats->planned_bytes, all_bytes);
  scope.environment->kept_lines->count(*taken);
  return std::optional(std::move(rows));
}

/// The rows that pass, of which the newest are kept for the next refresh.
Result<std::vector<CapturedRow>> newest_rows(const QueryScope& scope, const LogQuery& query,
                                             const RangeRequest& request, TimeRange range) {
  KeptLines* const keeper = scope.environment->kept_lines;
  const bool keeps = keeper != nullptr && request.direction == Direction::backward && request.skip == 0 &&
                     depends_on_rows_alone(query);
  if (!keeps) return filtered_rows(scope, query, request, range);
  const std::string question =
      fmt::format("{} {} {} {}", to_string(query), request.limit, request.categorize_labels, scope.context->tenant);
  const std::shared_ptr<const NewestLines> known = keeper->find(question);
  const size_t warnings = scope.warnings->size();
  std::optional<std::vector<CapturedRow>> rows;
  if (known != nullptr) {
    TRY_ASSIGN(rows, rows_since(scope, query, request, range, *known));
  }
  if (!rows) {
    TRY_ASSIGN(rows, filtered_rows(scope, query, request, range));
  }
  NewestLines newest{range, scope.version, rows->size() < request.limit, std::move(*rows)};
  if (scope.warnings->size() == warnings && keeper->takes(newest.memory_bytes())) {
    keeper->keep(question, std::make_shared<const NewestLines>(newest));
  }
  return std::move(newest.rows);
}

Result<void> run_filtered(const QueryScope& scope, const LogQuery& query, const RangeRequest& request, TimeRange range,
                          StreamCollector* collector) {
  TRY_ASSIGN(std::vector<CapturedRow> rows, newest_rows(scope, query, request, range));
  for (size_t i = request.skip; i < rows.size(); ++i) {
    TRY(collector->add(std::move(rows[i])));
    ++scope.stats->entries_returned;
  }
  return {};
}

}  // namespace

Result<Streams> run_log_query(const QueryScope& scope, const LogQuery& query, const RangeRequest& request) {
  const int64_t end_ns = request.end_ns == request.start_ns ? request.end_ns + 1 : request.end_ns;
  const TimeRange range{request.start_ns, end_ns};
  StreamCollector collector(scope.memory);
  // An interval counts from the row before it in the answer, so its rows have to come in order.
  const bool in_order = !filters(query) || request.interval_ns > 0;
  TRY(in_order ? run_merged(scope, query, request, range, &collector)
               : run_filtered(scope, query, request, range, &collector));
  return std::move(collector).finish();
}

}  // namespace cordwood::query
