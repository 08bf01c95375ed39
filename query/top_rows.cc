// SPDX-License-Identifier: Apache-2.0
#include "query/top_rows.h"

#include <algorithm>

namespace cordwood::query {

TopRows::TopRows(const QueryScope& scope, const ReadPlan& plan, Direction direction, uint64_t limit, RowCapture capture)
    : scope_(scope),
      plan_(plan),
      backward_(direction == Direction::backward),
      limit_(limit),
      capture_(std::move(capture)) {
  prepare_row(scope, &row_);
}

bool TopRows::before(const Place& a, const Place& b) const {
  if (a.time_ns != b.time_ns) return (a.time_ns > b.time_ns) == backward_;
  if (a.ordinal != b.ordinal) {
    const uint64_t hash_a = plan_.streams[a.ordinal].hash, hash_b = plan_.streams[b.ordinal].hash;
    return hash_a != hash_b ? hash_a < hash_b : a.ordinal < b.ordinal;
  }
  return backward_ ? arrived_before(b, a) : arrived_before(a, b);
}

bool TopRows::arrived_before(const Place& a, const Place& b) {
  if (a.block == b.block) return a.row < b.row;
  return a.arrival != b.arrival ? a.arrival < b.arrival : a.block < b.block;
}

bool TopRows::in_heap_order(const Candidate& a, const Candidate& b) const {
  if (tied(a.place, b.place) && plan_.streams[a.place.ordinal].contested(a.place.time_ns)) return false;
  return before(a.place, b.place);
}

bool TopRows::too_late(int64_t time_ns) const {
  if (!full()) return false;
  const int64_t last_ns = heap_.front().place.time_ns;
  return backward_ ? time_ns < last_ns : time_ns > last_ns;
}

Result<bool> TopRows::is_copy(const Place& place, BlockView& view) {
  if (!plan_.streams[place.ordinal].contested(place.time_ns)) return false;
  TRY_ASSIGN(const Hash128 identity, row_identity(view, place.row));
  const auto [known, added] = seen_.try_emplace({{place.ordinal, place.time_ns}, identity}, place);
  if (added) return false;
  ++scope_.stats->duplicates;
  if (!arrived_before(place, known->second)) return true;
  const Place& kept = known->second;
  const auto candidate = std::find_if(heap_.begin(), heap_.end(), [&kept](const Candidate& c) {
    return c.place.block == kept.block && c.place.row == kept.row;
  });
  if (candidate != heap_.end()) candidate->place = place;
  known->second = place;
  return true;
}

void TopRows::trim() {
  const auto order = [this](const Candidate& a, const Candidate& b) { return in_heap_order(a, b); };
  while (heap_.size() > limit_) {
    const Place& last = heap_.front().place;
    const auto tie = ties_.find({last.ordinal, last.time_ns});
    const size_t together = tie != ties_.end() ? tie->second : 1;
    if (heap_.size() - together < limit_) return;
    if (tie != ties_.end()) ties_.erase(tie);
    for (size_t i = 0; i < together; ++i) {
      std::pop_heap(heap_.begin(), heap_.end(), order);
      scope_.memory->release(heap_.back().row.memory_bytes());
      heap_.pop_back();
    }
  }
}

Result<void> TopRows::offer(const Place& place, BlockView& view) {
  const bool contested = plan_.streams[place.ordinal].contested(place.time_ns);
  if (full()) {
    const Place& last = heap_.front().place;
    if (!before(place, last) && !(contested && tied(place, last))) return {};
  }
  TRY_ASSIGN(const bool copy, is_copy(place, view));
  if (copy) return {};
  TRY_ASSIGN(CapturedRow captured, capture_.capture(row_));
  TRY(scope_.memory->add(captured.memory_bytes()));
  heap_.push_back({place, std::move(captured)});
  std::push_heap(heap_.begin(), heap_.end(),
                 [this](const Candidate& a, const Candidate& b) { return in_heap_order(a, b); });
  if (contested) ++ties_[{place.ordinal, place.time_ns}];
  trim();
  return {};
}

Result<void> TopRows::scan_span(const OpenBlock& block, const RowSpan& span, Pipeline* pipeline) {
  const Stream* stream = plan_.streams[span.ordinal].stream.get();
  const bool in_head = block.planned->source->in_head();
  pipeline->on_stream(block.view.get(), stream);
  const uint32_t rows = span.end - span.begin;
  const auto row_at = [&](uint32_t i) { return backward_ ? span.end - 1 - i : span.begin + i; };
  for (uint32_t i = 0; i < rows; ++i) {
    TRY_ASSIGN(const uint32_t skipped, pipeline->ruled_out(row_at(i), rows - i, backward_));
    scope_.stats->lines_processed += skipped;
    scope_.stats->column_rows += skipped;
    scope_.stats->bytes_processed += block.planned->bytes_of(skipped);
    i += skipped;
    if (i == rows) break;
    const uint32_t at = row_at(i);
    const int64_t time_ns = block.times[at];
    if (too_late(time_ns)) return {};
    if (scope_.stats->lines_processed++ % kRowsPerCheck == 0) TRY(scope_.guard->check());
    row_.begin(block.view.get(), at, stream, time_ns);
    const bool kept = pipeline->process(row_);
    if (row_.failure()) return *row_.failure();
    if (kept) {
      ++scope_.stats->post_filter_lines;
      TRY(offer({time_ns, span.ordinal, block.planned->source->info().arrival_min, block.planned, at}, *block.view));
    }
    const uint64_t bytes = row_.line_size_if_known();
    scope_.stats->bytes_processed += bytes;
    if (in_head) {
      ++scope_.stats->head_lines;
      scope_.stats->head_bytes += bytes;
    }
  }
  return {};
}

Result<void> TopRows::scan_block(const BlocksAhead::Block& opened) {
  OpenBlock& block = *opened.open;
  row_.source = opened.planned->source.get();
  // The span that begins nearest comes first: what it gives spares most of the others.
  const auto first_time = [&](const RowSpan& span) { return block.times[backward_ ? span.end - 1 : span.begin]; };
  std::stable_sort(block.spans.begin(), block.spans.end(), [&](const RowSpan& a, const RowSpan& b) {
    return backward_ ? first_time(a) > first_time(b) : first_time(a) < first_time(b);
  });
  for (const RowSpan& span : block.spans) {
    auto scanned = scan_span(block, span, opened.pipeline);
    if (!scanned.ok() && !skip_damaged(scope_, scanned.error())) return scanned;
  }
  return {};
}

Result<void> TopRows::run(Pipeline* pipeline, BlocksAhead::MakePipeline make) {
  std::vector<const PlannedBlock*> blocks;
  for (const PlannedBlock& block : plan_.blocks) blocks.push_back(&block);
  const auto first_time = [this](const PlannedBlock* b) { return backward_ ? b->time_max_ns : b->time_min_ns; };
  std::stable_sort(blocks.begin(), blocks.end(), [&](const PlannedBlock* a, const PlannedBlock* b) {
    return backward_ ? first_time(a) > first_time(b) : first_time(a) < first_time(b);
  });
  BlocksAhead ahead(scope_, plan_, std::move(blocks), pipeline, std::move(make));
  for (size_t at = 0; at < ahead.blocks().size(); ++at) {
    if (too_late(first_time(ahead.blocks()[at]))) break;
    TRY(scope_.guard->check());
    TRY_ASSIGN(const BlocksAhead::Block block, ahead.open(at));
    TRY(scan_block(block));
    ahead.close();
  }
  return {};
}

std::vector<CapturedRow> TopRows::take() && {
  std::sort(heap_.begin(), heap_.end(),
            [this](const Candidate& a, const Candidate& b) { return before(a.place, b.place); });
  std::vector<CapturedRow> out;
  out.reserve(std::min<size_t>(heap_.size(), limit_));
  for (Candidate& candidate : heap_) {
    scope_.memory->release(candidate.row.memory_bytes());
    if (out.size() < limit_) out.push_back(std::move(candidate.row));
  }
  return out;
}

}  // namespace cordwood::query
