// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "query/pipeline_row.h"
#include "query/read_plan.h"

namespace cordwood::query {

/// Rows of one planned stream in a block that lie in the query's time range.  A stream has several, in order, where
/// rows between them are hidden.
struct RowSpan {
  uint32_t ordinal = 0;
  uint32_t begin = 0;
  uint32_t end = 0;
};

uint64_t row_count(std::span<const RowSpan> spans);

/// A block being read: its view, times and the rows that count.
struct OpenBlock {
  const PlannedBlock* planned = nullptr;
  ViewPool::View view;
  std::span<const int64_t> times;
  std::vector<RowSpan> spans;
};

/// Opens a block and finds the rows.  A block that the plan's probes rule out comes back without rows, unread; so does
/// a damaged one, which is counted as a warning.
Result<OpenBlock> open_block(const QueryScope& scope, const ReadPlan& plan, const PlannedBlock& block);

/// Whether an error means "this block is damaged: go on without it"; then it has been noted.
bool skip_damaged(const QueryScope& scope, const Error& error);

/// Gives a row what does not change within a query.
void prepare_row(const QueryScope& scope, PipelineRow* row);

/// What tells two rows of one stream and time apart: hash of the line and of the sent metadata.
Result<Hash128> row_identity(BlockView& view, uint32_t row);

}  // namespace cordwood::query
