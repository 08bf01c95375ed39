// SPDX-License-Identifier: Apache-2.0
#include "query/delete_predicate.h"

#include "query/block_probes.h"
#include "query/logql_parser.h"
#include "query/pipeline.h"

namespace cordwood::query {

namespace {

class DeletePredicate final : public RowPredicate {
 public:
  explicit DeletePredicate(LogQuery query) : query_(std::move(query)), probes_(BlockProbes::of(query_.stages)) {}

  bool matches(const Stream& stream) const override {
    return stream.kind == StreamKind::log && matches_all(stream.labels, query_.matchers.data(), query_.matchers.size());
  }
  bool takes_all_rows() const override { return query_.stages.empty(); }
  Result<bool> may_match(const BlockSource& source, ReadStats* stats) const override {
    return probes_.may_pass(source, stats);
  }
  Result<void> mark(const BlockSource& source, BlockView& view, std::span<const Span> spans,
                    RowBits* rows) const override {
    TRY_ASSIGN(const std::unique_ptr<Pipeline> pipeline, Pipeline::make(query_.stages, {}, /*rows_one_by_one=*/0));
    uint64_t asked = 0;
    for (const Span& span : spans) asked += span.end - span.begin;
    pipeline->on_block(asked);
    PipelineRow row;
    row.source = &source;
    TRY_ASSIGN(const std::span<const int64_t> times, view.times());
    for (const Span& span : spans) {
      pipeline->on_stream(&view, span.stream);
      for (uint32_t at = span.begin; at < span.end; ++at) {
        TRY_ASSIGN(const uint32_t skipped, pipeline->ruled_out(at, span.end - at, /*downwards=*/false));
        at += skipped;
        if (at >= span.end) break;
        row.begin(&view, at, span.stream, times[at]);
        if (pipeline->process(row)) rows->set(at);
        if (row.failure()) return *row.failure();
      }
    }
    return {};
  }

 private:
  const LogQuery query_;
  const BlockProbes probes_;
};

}  // namespace

Result<std::shared_ptr<const RowPredicate>> DeletePredicateCompiler::compile(std::string_view query) const {
  TRY_ASSIGN(LogQuery parsed, parse_log_selector(query));
  // What a stage cannot be made of is told now, not when rows are looked at.
  TRY(Pipeline::make(parsed.stages, {}, 0));
  return std::shared_ptr<const RowPredicate>(std::make_shared<const DeletePredicate>(std::move(parsed)));
}

}  // namespace cordwood::query
