// SPDX-License-Identifier: Apache-2.0
#include "query/log_execution.h"

#include <algorithm>
#include <cstdlib>
#include <unordered_map>

#include "query/pipeline.h"
#include "query/row_merge.h"

namespace cordwood::query {

namespace {

constexpr uint64_t kRowsPerCheck = 1000;

void sort_by_name(std::vector<LabelView>* labels) {
  std::sort(labels->begin(), labels->end(), [](const auto& a, const auto& b) { return a.name < b.name; });
}

LabelPairs to_pairs(const std::vector<LabelView>& labels) {
  LabelPairs out;
  out.reserve(labels.size());
  for (const LabelView& label : labels) out.emplace_back(label.name, label.value);
  return out;
}

/// Gathers rows into result streams by their labels.
class StreamCollector {
 public:
  StreamCollector(bool categorize, QueryMemory* memory) : categorize_(categorize), memory_(memory) {}

  Result<void> add(PipelineRow& row) {
    const unsigned categories = categorize_ ? LabelBuilder::kStream : LabelBuilder::kAll;
    collect(row, categories);
    key_.clear();
    for (const LabelView& label : labels_) {
      key_ += label.name;
      key_ += '\xff';
      key_ += label.value;
      key_ += '\xff';
    }
    const auto [at, is_new] = index_.try_emplace(key_, streams_.size());
    uint64_t bytes = sizeof(LogEntry);
    if (is_new) {
      streams_.push_back({to_pairs(labels_), {}});
      bytes += 2 * key_.size() + sizeof(LogStream);
    }
    LogEntry entry;
    entry.time_ns = row.time_ns();
    entry.line = std::string(row.line());
    bytes += entry.line.size();
    if (categorize_) {
      collect(row, LabelBuilder::kMetadata);
      entry.structured_metadata = to_pairs(labels_);
      collect(row, LabelBuilder::kParsed);
      entry.parsed = to_pairs(labels_);
      bytes += 64 * (entry.structured_metadata.size() + entry.parsed.size());
    }
    if (row.failure()) return *row.failure();
    streams_[at->second].entries.push_back(std::move(entry));
    return memory_->add(bytes);
  }

  Streams finish() && {
    std::vector<std::pair<std::string, size_t>> order;
    for (size_t i = 0; i < streams_.size(); ++i) order.emplace_back(label_string(streams_[i].labels), i);
    std::sort(order.begin(), order.end());
    Streams out;
    for (const auto& [text, i] : order) out.streams.push_back(std::move(streams_[i]));
    return out;
  }

 private:
  static std::string label_string(const LabelPairs& labels) {
    std::string out = "{";
    for (const auto& [name, value] : labels) {
      if (out.size() > 1) out += ", ";
      out += name;
      out += '=';
      append_go_quoted(value, &out);
    }
    return out + "}";
  }

  void collect(PipelineRow& row, unsigned categories) {
    labels_.clear();
    if (categories == LabelBuilder::kStream) row.labels.load_metadata();
    row.labels.append(categories, &labels_);
    sort_by_name(&labels_);
  }

  bool categorize_;
  QueryMemory* memory_;
  std::vector<LogStream> streams_;
  std::unordered_map<std::string, size_t> index_;
  std::vector<LabelView> labels_;
  std::string key_;
};

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

void count_row(const QueryScope& scope, uint64_t line_bytes) {
  ++scope.stats->lines_processed;
  scope.stats->bytes_processed += line_bytes;
}

}  // namespace

Result<Streams> run_log_query(const QueryScope& scope, const LogQuery& query, const RangeRequest& request) {
  const int64_t end_ns = request.end_ns == request.start_ns ? request.end_ns + 1 : request.end_ns;
  TRY_ASSIGN(const ReadPlan plan, make_read_plan(scope, {request.start_ns, end_ns}, query.matchers));
  // Stages that cannot be built are an error only where there are lines for them.
  if (plan.blocks.empty()) return Streams{};
  TRY_ASSIGN(const auto pipeline, Pipeline::make(query.stages, {}));
  RowMerge merge(scope, plan, request.direction);
  StreamCollector collector(request.categorize_labels, scope.memory);
  IntervalGate gate(request.interval_ns, scope.context->limits.split_queries_by_interval_ns);
  PipelineRow row;
  prepare_row(scope, &row);
  RowMerge::Row place;
  uint64_t generation = 0;
  while (scope.stats->entries_returned < request.limit) {
    TRY_ASSIGN(const bool more, merge.next(&place));
    if (!more) break;
    if (scope.stats->lines_processed % kRowsPerCheck == 0) TRY(scope.guard->check());
    if (generation != merge.generation()) pipeline->on_block();
    generation = merge.generation();
    row.begin(place.view, place.row, plan.streams[place.ordinal].stream.get(), place.time_ns);
    bool kept = pipeline->process(row);
    if (!row.failure() && kept) ++scope.stats->post_filter_lines;
    kept = kept && gate.passes(place.time_ns);
    if (kept) {
      auto added = collector.add(row);
      if (!added.ok() && !row.failure()) return std::move(added).error();
      if (added.ok()) ++scope.stats->entries_returned;
    }
    if (row.failure() && !skip_damaged(scope, *row.failure())) return *row.failure();
    count_row(scope, row.line_size_if_known());
  }
  return std::move(collector).finish();
}

}  // namespace cordwood::query
