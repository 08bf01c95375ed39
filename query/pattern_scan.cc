// SPDX-License-Identifier: Apache-2.0
// Patterns of lines: those of sealed blocks from their shapes, without rendering lines; others are cut as they would be
// when sealed.
#include <algorithm>
#include <map>
#include <unordered_map>

#include "query/copy_filter.h"
#include "query/line_template.h"
#include "query/logql_parser.h"
#include "query/open_block.h"
#include "query/pattern_answer.h"
#include "query/pipeline.h"
#include "query/query_engine_impl.h"
#include "query/query_limits.h"
#include "storage/line_shredder.h"

namespace cordwood::query {

namespace {

constexpr size_t kMaxPatterns = 20'000;  // lines of further ones count for the pattern that takes all

/// Lines by pattern, level and bucket.
class PatternTable {
 public:
  PatternTable(int64_t step_ns, QueryMemory* memory) : step_ns_(step_ns), memory_(memory) {}

  Result<void> add(std::string_view pattern, std::string_view level, int64_t time_ns) {
    key_.assign(pattern);
    key_ += '\0';
    key_ += level;
    auto found = counts_.find(key_);
    if (found == counts_.end()) {
      if (counts_.size() >= kMaxPatterns && pattern != kAny) return add(kAny, level, time_ns);
      TRY(memory_->add(key_.size() * 2 + sizeof(Counts) + kNodeBytes));
      found = counts_.emplace(key_, Counts{std::string(pattern), std::string(level)}).first;
    }
    Counts& counts = found->second;
    const int64_t bucket = floor_div(time_ns, step_ns_);
    if (counts.last == nullptr || counts.last_bucket != bucket) {
      const auto [at, is_new] = counts.buckets.try_emplace(bucket, 0);
      if (is_new) TRY(memory_->add(kNodeBytes));
      counts.last = &at->second;
      counts.last_bucket = bucket;
    }
    ++*counts.last;
    return {};
  }

  std::vector<PatternCounts> finish(uint32_t limit) {
    std::vector<PatternCounts> out;
    for (auto& [key, counts] : counts_) {
      PatternCounts one{std::move(counts.pattern), std::move(counts.level), 0, {}};
      for (const auto& [bucket, lines] : counts.buckets) {
        one.total += lines;
        one.samples.emplace_back(bucket * (step_ns_ / kNsPerSecond), lines);
      }
      out.push_back(std::move(one));
    }
    std::sort(out.begin(), out.end(), [](const PatternCounts& a, const PatternCounts& b) {
      if (a.total != b.total) return a.total > b.total;
      return std::tie(a.pattern, a.level) < std::tie(b.pattern, b.level);
    });
    if (out.size() > limit) out.resize(limit);
    return out;
  }

 private:
  static constexpr std::string_view kAny = "<_>";
  struct Counts {
    std::string pattern;
    std::string level;
    std::map<int64_t, uint64_t> buckets = {};
    int64_t last_bucket = 0;
    uint64_t* last = nullptr;  ///< its count: rows of a stream come in order of time
  };
  int64_t step_ns_;
  QueryMemory* memory_;
  std::string key_;
  std::unordered_map<std::string, Counts> counts_;
};

/// Tells the pattern of a row.
class RowPatterns {
 public:
  RowPatterns() : shredder_({.hash_seed = reinterpret_cast<uintptr_t>(this)}) {}

  void on_block() { of_shape_.clear(); }

  /// Good until the next call.
  Result<std::string_view> of(PipelineRow& row) {
    if (row.line_is_stored()) {
      TRY_ASSIGN(const Shape* shape, row.block().shape(row.row()));
      if (shape != nullptr) return of_sealed(row, *shape);
    }
    return of_text(row.line());
  }

 private:
  Result<std::string_view> of_sealed(PipelineRow& row, const Shape& shape) {
    auto known = of_shape_.find(&shape);
    if (known == of_shape_.end()) known = of_shape_.emplace(&shape, template_of(shape)).first;
    const ShapeTemplate& found = known->second;
    if (found.message == nullptr) return std::string_view(found.fixed);
    TRY_ASSIGN(const std::string_view message, row.block().cell(row.row(), *found.message, &scratch_));
    return templates_.of_message(message, found.message_ends);
  }

  std::string_view of_text(std::string_view line) {
    cells_.clear();
    const uint32_t shape = shredder_.shred(line, &cells_);
    if (shape == LineShredder::kRawShape) {
      if (++raw_rows_ % kRawRowsPerReset == 0) forget_shapes();
      return templates_.of_line(line);
    }
    while (of_cut_shape_.size() <= shape) {
      of_cut_shape_.push_back(template_of(shredder_.shapes()[of_cut_shape_.size()]));
    }
    const ShapeTemplate& found = of_cut_shape_[shape];
    if (found.message == nullptr) return found.fixed;
    return templates_.of_message(cells_[found.message_slot], found.message_ends);
  }

  /// The shredder takes no new shapes past its limits: what it learnt from earlier lines goes.
  void forget_shapes() {
    shredder_.reset();
    of_cut_shape_.clear();
  }

  static constexpr uint64_t kRawRowsPerReset = 100'000;
  LineShredder shredder_;
  LineTemplates templates_;
  std::unordered_map<const Shape*, ShapeTemplate> of_shape_;  ///< of the block
  std::vector<ShapeTemplate> of_cut_shape_;
  std::vector<std::string_view> cells_;
  std::string scratch_;
  uint64_t raw_rows_ = 0;
};

class PatternScan {
 public:
  PatternScan(const QueryScope& scope, const ReadPlan& plan, Pipeline* pipeline, int64_t step_ns)
      : scope_(scope), plan_(plan), pipeline_(pipeline), copies_(scope, plan), table_(step_ns, scope.memory) {
    prepare_row(scope, &row_);
  }

  Result<void> run() {
    TRY(copies_.prepare());
    std::vector<const PlannedBlock*> blocks;
    for (const PlannedBlock& block : plan_.blocks) blocks.push_back(&block);
    std::sort(blocks.begin(), blocks.end(), [](const PlannedBlock* a, const PlannedBlock* b) {
      return a->source->info().arrival_min < b->source->info().arrival_min;
    });
    for (const PlannedBlock* planned : blocks) {
      TRY(scope_.guard->check());
      TRY_ASSIGN(const OpenBlock block, open_block(scope_, plan_, *planned));
      pipeline_->on_block(row_count(block.spans));
      patterns_.on_block();
      row_.source = planned->source.get();
      for (const RowSpan& span : block.spans) {
        auto scanned = scan(block, span);
        if (!scanned.ok() && !skip_damaged(scope_, scanned.error())) return scanned;
      }
    }
    return {};
  }
  std::vector<PatternCounts> finish(uint32_t limit) { return table_.finish(limit); }

 private:
  Result<void> scan(const OpenBlock& block, const RowSpan& span) {
    const Stream* stream = plan_.streams[span.ordinal].stream.get();
    pipeline_->on_stream(block.view.get(), stream);
    for (uint32_t row = span.begin; row < span.end; ++row) {
      TRY_ASSIGN(const uint32_t skipped, pipeline_->ruled_out(row, span.end - row, false));
      scope_.stats->lines_processed += skipped;
      scope_.stats->column_rows += skipped;
      row += skipped;
      if (row == span.end) break;
      if (++scope_.stats->lines_processed % kRowsPerCheck == 0) TRY(scope_.guard->check());
      const int64_t time_ns = block.times[row];
      if (block.planned->contested && copies_.active()) {
        TRY_ASSIGN(const bool copy, copies_.is_copy(*block.view, row, span.ordinal, time_ns));
        if (copy) continue;
      }
      row_.begin(block.view.get(), row, stream, time_ns);
      TRY(count(time_ns));
    }
    return {};
  }

  Result<void> count(int64_t time_ns) {
    const bool kept = pipeline_->process(row_);
    if (row_.failure()) return *row_.failure();
    if (!kept) return {};
    ++scope_.stats->post_filter_lines;
    TRY_ASSIGN(const auto level, row_.block().metadata_value(row_.row(), "detected_level"));
    TRY_ASSIGN(const std::string_view pattern, patterns_.of(row_));
    if (row_.failure()) return *row_.failure();
    if (pattern.empty()) return {};  // nothing to show of an empty line
    return table_.add(pattern, level.value_or(std::string_view()), time_ns);
  }

  const QueryScope& scope_;
  const ReadPlan& plan_;
  Pipeline* pipeline_;
  CopyFilter copies_;
  PatternTable table_;
  RowPatterns patterns_;
  PipelineRow row_;
};

Result<std::vector<PatternCounts>> run_patterns(QueryRun* run, PatternRequest request) {
  TRY_ASSIGN(const ExprPtr expr, parse_logql(request.query));
  const LogQuery* query = as_log_query(*expr);
  if (query == nullptr) return Error::invalid("only log selector is supported");
  const QueryLimits& limits = run->scope.context->limits;
  TRY(check_expression(limits, *expr));
  if (!clamp_to_lookback(limits, run->clock->now_ns(), &request.start_ns, request.end_ns)) {
    return std::vector<PatternCounts>();
  }
  TRY(check_length(limits, request.start_ns, request.end_ns));
  TRY_ASSIGN(const ReadPlan plan, make_read_plan(run->scope, {request.start_ns, request.end_ns}, *query));
  if (!plan.has_blocks()) return std::vector<PatternCounts>();
  TRY_ASSIGN(const auto pipeline, Pipeline::make(query->stages, {}, run->scope.environment->rows_one_by_one));
  const int64_t step_s = std::max<int64_t>(-floor_div(-request.step_ns, kNsPerSecond), 1);
  PatternScan scan(run->scope, plan, pipeline.get(), step_s * kNsPerSecond);
  TRY(scan.run());
  return scan.finish(request.limit);
}

}  // namespace

Answer<PatternAnswer> QueryEngine::patterns(const ReadContext& context, const PatternRequest& request) const {
  const TimeRange range{request.start_ns, request.end_ns};
  QueryRun run(impl_->environment, context, read_kind(context.tenant, "patterns " + request.query, range));
  auto patterns = run_patterns(&run, request);
  if (!patterns.ok()) return to_query_error(patterns.error());
  return PatternAnswer{std::move(*patterns), run.finish().stats};
}

}  // namespace cordwood::query
