// SPDX-License-Identifier: Apache-2.0
#include "query/row_merge.h"

#include <algorithm>
#include <set>

namespace cordwood::query {

RowMerge::RowMerge(const QueryScope& scope, const ReadPlan& plan, Direction direction)
    : scope_(scope), plan_(plan), backward_(direction == Direction::backward) {
  for (const PlannedBlock& block : plan.blocks) {
    Cursor cursor;
    cursor.planned = &block;
    cursor.time_ns = backward_ ? block.time_max_ns : block.time_min_ns;
    push(cursor);
  }
}

bool RowMerge::later(const Cursor& a, const Cursor& b) const {
  if (a.time_ns != b.time_ns) return backward_ ? a.time_ns < b.time_ns : a.time_ns > b.time_ns;
  // A block that may hold rows of this time is opened before any of them is taken.
  if ((a.block == nullptr) != (b.block == nullptr)) return a.block != nullptr;
  if (a.block == nullptr) return a.planned > b.planned;
  if (a.ordinal == b.ordinal && a.planned == b.planned) return backward_ ? a.at < b.at : a.at > b.at;
  if (a.ordinal == b.ordinal) return a.planned > b.planned;
  const uint64_t hash_a = plan_.streams[a.ordinal].hash;
  const uint64_t hash_b = plan_.streams[b.ordinal].hash;
  return hash_a != hash_b ? hash_a > hash_b : a.ordinal > b.ordinal;
}

void RowMerge::push(Cursor cursor) {
  heap_.push_back(cursor);
  std::push_heap(heap_.begin(), heap_.end(), [this](const Cursor& a, const Cursor& b) { return later(a, b); });
}

RowMerge::Cursor RowMerge::pop() {
  std::pop_heap(heap_.begin(), heap_.end(), [this](const Cursor& a, const Cursor& b) { return later(a, b); });
  const Cursor cursor = heap_.back();
  heap_.pop_back();
  return cursor;
}

Result<void> RowMerge::open(const PlannedBlock& planned) {
  TRY(scope_.guard->check());
  TRY_ASSIGN(OpenBlock opened, open_block(scope_, plan_, planned));
  ++generation_;
  if (opened.spans.empty()) return {};
  open_.push_back({std::move(opened), 0});
  Held& held = open_.back();
  held.cursors = static_cast<uint32_t>(held.block.spans.size());
  for (const RowSpan& span : held.block.spans) {
    Cursor cursor;
    cursor.block = &held.block;
    cursor.planned = &planned;
    cursor.ordinal = span.ordinal;
    cursor.at = backward_ ? span.end - 1 : span.begin;
    cursor.left = span.end - span.begin;
    cursor.time_ns = held.block.times[cursor.at];
    push(cursor);
  }
  return {};
}

void RowMerge::release(OpenBlock* block) {
  for (auto it = open_.begin(); it != open_.end(); ++it) {
    if (&it->block != block) continue;
    if (--it->cursors == 0) closing_.push_back(block);
    return;
  }
}

void RowMerge::advance(Cursor cursor) {
  if (--cursor.left == 0) return release(cursor.block);
  cursor.at += backward_ ? UINT32_MAX : 1;
  cursor.time_ns = cursor.block->times[cursor.at];
  push(cursor);
}

Result<void> RowMerge::collect_ties(Cursor first) {
  std::vector<Queued> rows;
  const auto take = [&](Cursor cursor) {
    rows.push_back({{cursor.block->view.get(), cursor.at, cursor.ordinal, cursor.time_ns, cursor.planned->source.get()},
                    cursor.planned->source->info().arrival_min,
                    cursor.block});
    advance(cursor);
  };
  const Cursor place = first;
  take(first);
  while (!heap_.empty() && heap_.front().block != nullptr && same_place(heap_.front(), place)) take(pop());
  std::stable_sort(rows.begin(), rows.end(), [](const Queued& a, const Queued& b) {
    if (a.block != b.block) return a.arrival != b.arrival ? a.arrival < b.arrival : a.block < b.block;
    return a.row.row < b.row.row;
  });
  std::set<Hash128> seen;
  std::vector<Queued> kept;
  for (const Queued& queued : rows) {
    auto identity = row_identity(*queued.row.view, queued.row.row);
    if (!identity.ok()) {
      if (!skip_damaged(scope_, identity.error())) return std::move(identity).error();
      continue;
    }
    if (seen.insert(*identity).second) {
      kept.push_back(queued);
    } else {
      ++scope_.stats->duplicates;
    }
  }
  if (!backward_) std::reverse(kept.begin(), kept.end());
  queue_ = std::move(kept);
  return {};
}

Result<bool> RowMerge::next(Row* out) {
  while (true) {
    if (!queue_.empty()) {
      *out = queue_.back().row;
      queue_.pop_back();
      return true;
    }
    for (OpenBlock* block : closing_) {
      open_.remove_if([block](const Held& held) { return &held.block == block; });
      ++generation_;
    }
    closing_.clear();
    if (heap_.empty()) return false;
    const Cursor cursor = pop();
    if (cursor.block == nullptr) {
      TRY(open(*cursor.planned));
      continue;
    }
    const bool tie = plan_.streams[cursor.ordinal].contested(cursor.time_ns) && !heap_.empty() &&
                     heap_.front().block != nullptr && same_place(heap_.front(), cursor);
    if (tie) {
      TRY(collect_ties(cursor));
      continue;
    }
    *out = {cursor.block->view.get(), cursor.at, cursor.ordinal, cursor.time_ns, cursor.planned->source.get()};
    advance(cursor);
    return true;
  }
}

}  // namespace cordwood::query
