// SPDX-License-Identifier: Apache-2.0
#include "query/tail.h"

#include <algorithm>
#include <deque>
#include <limits>
#include <queue>
#include <tuple>

#include "query/logql_parser.h"
#include "query/pipeline.h"
#include "query/query_limits.h"
#include "query/stream_collector.h"
#include "storage/model/time_range.h"

namespace cordwood::query {

namespace {

constexpr int64_t kTurnNs = 50'000'000;  // a worker's time for one page
constexpr uint64_t kPageBytes = 1 << 20;
constexpr uint64_t kRowsPerLook = 500;  // at the clock
constexpr int64_t kEarliestNs = std::numeric_limits<int64_t>::min() / 2;

/// A row that was taken and not looked at yet.
struct HeldRow {
  int64_t due_ns = 0;  ///< monotonic
  int64_t time_ns = 0;
  uint64_t arrival = 0;
  TailRowsPtr rows;
  uint32_t row = 0;

  /// The queue has the greatest on top.
  bool operator<(const HeldRow& other) const {
    return std::tie(due_ns, time_ns, arrival) > std::tie(other.due_ns, other.time_ns, other.arrival);
  }
};

/// Which rows a snapshot shows, of those that arrived from a certain one on.
class SnapshotRows {
 public:
  SnapshotRows(const Snapshot& snapshot, const TenantId& tenant, uint64_t first_arrival) {
    for (BlockSourcePtr& block : snapshot.blocks(tenant, TimeRange::all())) {
      if (block->info().arrival_max >= first_arrival) blocks_.push_back(std::move(block));
    }
  }
  /// Blocks of one stream and day have arrivals that do not overlap: the one that spans the row's arrival has it.
  bool show(const Stream& stream, int64_t time_ns, uint64_t arrival) const {
    return std::any_of(blocks_.begin(), blocks_.end(), [&](const BlockSourcePtr& block) {
      const BlockInfo& info = block->info();
      if (arrival < info.arrival_min || arrival > info.arrival_max) return false;
      if (day_of(info.time_min_ns) != day_of(time_ns)) return false;
      return std::any_of(info.streams.begin(), info.streams.end(),
                         [&](const BlockStream& part) { return part.stream->same_as(stream); });
    });
  }

 private:
  std::vector<BlockSourcePtr> blocks_;
};

class TailImpl final : public Tail {
 public:
  TailImpl(const QueryEngine::Environment& environment, ReadContext context, const TailRequest& request, ExprPtr expr,
           std::unique_ptr<Pipeline> pipeline, std::unique_ptr<TailInbox> inbox, int64_t max_duration_ns)
      : environment_(environment),
        context_(std::move(context)),
        request_(request),
        expr_(std::move(expr)),
        pipeline_(std::move(pipeline)),
        capture_(request.categorize_labels),
        end_ns_(environment.clock->monotonic_ns() + max_duration_ns),
        inbox_(std::move(inbox)) {
    if (environment_.zone_file) row_.zones = &environment_.zone_file;
  }

  Result<TailPage> next(const std::atomic<bool>* cancelled) override {
    TailPage page;
    Clock& clock = *environment_.clock;
    if (clock.monotonic_ns() >= end_ns_) return Error::timeout("reached tail max duration limit");
    if (!begun_) TRY(begin(cancelled));
    begun_ = true;
    if (!stored_.empty()) {
      take_stored(&page);
    } else {
      take_inbox(&page);
      process(&page);
    }
    page.again = page.again || !stored_.empty();
    page.wait_ns = std::max<int64_t>(end_ns_ - clock.monotonic_ns(), 0);
    if (!held_.empty()) {
      page.wait_ns = std::clamp<int64_t>(held_.top().due_ns - clock.monotonic_ns(), 0, page.wait_ns);
    }
    return page;
  }

  void set_wake(std::function<void()> wake) override { inbox_->set_wake(std::move(wake)); }

 private:
  /// Reads the stored lines.  The inbox is there since before the snapshot was taken, so that no row is missed; what
  /// both have counts as stored.
  Result<void> begin(const std::atomic<bool>* cancelled) {
    const SnapshotPtr snapshot = environment_.snapshot();
    TailInbox::Taken taken = inbox_->take();
    const TimeRange range{request_.start_ns, environment_.clock->now_ns()};
    if (range.start_ns < range.end_ns) TRY(read_stored(snapshot, range, cancelled));
    early_dropped_ = std::move(taken.dropped);
    if (taken.rows.empty()) return {};
    uint64_t first_arrival = std::numeric_limits<uint64_t>::max();
    for (const TailRowsPtr& rows : taken.rows) first_arrival = std::min(first_arrival, rows->row(0).arrival);
    const SnapshotRows shown(*snapshot, context_.tenant, first_arrival);
    for (const TailRowsPtr& rows : taken.rows) {
      hold(rows, [&](uint32_t i) {
        const TailRows::Row& row = rows->row(i);
        return row.time_ns >= range.start_ns && row.time_ns < range.end_ns &&
               shown.show(*rows->stream_of(i), row.time_ns, row.arrival);
      });
    }
    return {};
  }

  Result<void> read_stored(const SnapshotPtr& snapshot, TimeRange range, const std::atomic<bool>* cancelled) {
    QueryEngine::Environment fixed = environment_;
    fixed.snapshot = [snapshot] { return snapshot; };
    ReadContext context = context_;
    context.cancelled = cancelled;
    context.arrived_monotonic_ns = 0;  // of the tail, which may have been long ago
    const QueryEngine queries(std::move(fixed));
    auto answer = queries.range(context, {.query = request_.query,
                                          .start_ns = range.start_ns,
                                          .end_ns = range.end_ns,
                                          .limit = request_.limit,
                                          .direction = Direction::backward,
                                          .categorize_labels = request_.categorize_labels});
    if (const auto* error = std::get_if<QueryError>(&answer)) return Error::invalid(error->message);
    auto& streams = std::get<Streams>(std::get<QueryResult>(answer).data).streams;
    for (LogStream& stream : streams) {
      for (auto entry = stream.entries.rbegin(); entry != stream.entries.rend(); ++entry) {
        stored_.push_back({stream.labels, std::move(*entry)});
      }
    }
    std::stable_sort(stored_.begin(), stored_.end(),
                     [](const TailEntry& a, const TailEntry& b) { return a.entry.time_ns < b.entry.time_ns; });
    return {};
  }

  void take_stored(TailPage* page) {
    uint64_t bytes = 0;
    while (!stored_.empty() && page->entries.size() < kPageEntries && bytes < kPageBytes) {
      bytes += stored_.front().entry.line.size();
      page->entries.push_back(std::move(stored_.front()));
      stored_.pop_front();
    }
    page->again = true;  // what came meanwhile
  }

  void take_inbox(TailPage* page) {
    TailInbox::Taken taken = inbox_->take();
    page->dropped = std::exchange(early_dropped_, {});
    page->dropped.insert(page->dropped.end(), taken.dropped.begin(), taken.dropped.end());
    for (const TailRowsPtr& rows : taken.rows) {
      hold(rows, [](uint32_t) { return false; });
    }
  }

  template <typename Skip>
  void hold(const TailRowsPtr& rows, Skip skip) {
    // A row waits until it is `delay` old by its own time, but never longer than that after it came.
    const int64_t wall_minus_monotonic_ns = environment_.clock->now_ns() - environment_.clock->monotonic_ns();
    uint64_t skipped_bytes = 0;
    for (uint32_t i = 0; i < rows->row_count(); ++i) {
      if (skip(i)) {
        skipped_bytes += rows->row_bytes(i);
        continue;
      }
      const TailRows::Row& row = rows->row(i);
      const int64_t time_ns = std::max(row.time_ns, kEarliestNs) - wall_minus_monotonic_ns;
      const int64_t due_ns = std::max(std::min(time_ns, rows->seen_ns()) + request_.delay_ns, rows->seen_ns());
      held_.push({due_ns, row.time_ns, row.arrival, rows, i});
    }
    inbox_->release(skipped_bytes);
  }

  /// Runs rows that are due through the pipeline, until a page is full or the turn is over.
  void process(TailPage* page) {
    Clock& clock = *environment_.clock;
    const int64_t start_ns = clock.monotonic_ns();
    row_.now_ns = clock.now_ns();
    uint64_t released_bytes = 0;
    uint64_t page_bytes = 0;
    for (uint64_t looked_at = 1; !held_.empty() && held_.top().due_ns <= start_ns; ++looked_at) {
      const bool turn_over = looked_at % kRowsPerLook == 0 && clock.monotonic_ns() - start_ns > kTurnNs;
      if (page->entries.size() == kPageEntries || page_bytes >= kPageBytes || turn_over) {
        page->again = true;
        break;
      }
      const HeldRow held = held_.top();
      held_.pop();
      page_bytes += run(held, page);
      released_bytes += held.rows->row_bytes(held.row);
    }
    inbox_->release(released_bytes);
    std::stable_sort(page->entries.begin(), page->entries.end(),
                     [](const TailEntry& a, const TailEntry& b) { return a.entry.time_ns < b.entry.time_ns; });
  }

  /// Bytes that went onto the page.
  uint64_t run(const HeldRow& held, TailPage* page) {
    if (held.rows != block_) pipeline_->on_block();
    block_ = held.rows;
    row_.begin(held.rows.get(), held.row, held.rows->stream_of(held.row).get(), held.time_ns);
    if (!pipeline_->process(row_)) return 0;
    auto captured = capture_.capture(row_);
    if (!captured.ok()) return 0;
    const uint64_t bytes = captured->memory_bytes();
    page->entries.push_back({std::move(captured->labels), std::move(captured->entry)});
    return bytes;
  }

  const QueryEngine::Environment& environment_;
  const ReadContext context_;
  const TailRequest request_;
  const ExprPtr expr_;  ///< the pipeline looks into it
  const std::unique_ptr<Pipeline> pipeline_;
  RowCapture capture_;
  PipelineRow row_;
  const int64_t end_ns_;
  bool begun_ = false;
  std::deque<TailEntry> stored_;
  std::vector<DroppedRow> early_dropped_;
  std::priority_queue<HeldRow> held_;
  TailRowsPtr block_;  ///< that the pipeline may point into
  const std::unique_ptr<TailInbox> inbox_;
};

}  // namespace

Result<void> TailReader::check(const std::string& query) {
  TRY(parse_logql(query));
  return {};
}

Result<std::unique_ptr<Tail>> TailReader::open(const ReadContext& context, const TailRequest& request) const {
  TRY_ASSIGN(auto expr, parse_logql(request.query));
  const LogQuery* query = as_log_query(*expr);
  if (query == nullptr) return Error::invalid("only log selector is supported");
  TRY(check_expression(context.limits, *expr));
  TRY_ASSIGN(auto inbox, hub_.subscribe(context.tenant, query->matchers, context.limits.max_concurrent_tail_requests));
  TRY_ASSIGN(auto pipeline, Pipeline::make(query->stages, {}, environment_.rows_one_by_one));
  ReadContext kept = context;
  kept.cancelled = nullptr;
  return std::unique_ptr<Tail>(std::make_unique<TailImpl>(environment_, std::move(kept), request, std::move(expr),
                                                          std::move(pipeline), std::move(inbox),
                                                          hub_.options().max_duration_ns));
}

}  // namespace cordwood::query
