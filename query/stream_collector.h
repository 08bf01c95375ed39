// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "query/pipeline_row.h"
#include "query/query_engine.h"
#include "query/read_plan.h"

namespace cordwood::query {

/// A row as it goes into a log query's answer.
struct CapturedRow {
  LabelPairs labels;  ///< of the result stream
  LogEntry entry;
  uint64_t memory_bytes() const;
};

/// Copies what the answer needs of rows that passed the pipeline.
class RowCapture {
 public:
  explicit RowCapture(bool categorize) : categorize_(categorize) {}
  /// Fails as the row does when its block cannot be read.
  Result<CapturedRow> capture(PipelineRow& row);

 private:
  LabelPairs collect(PipelineRow& row, unsigned categories);
  bool categorize_;
  std::vector<LabelView> labels_;
};

/// Gathers captured rows, in the order of the answer, into result streams by their labels.
class StreamCollector {
 public:
  explicit StreamCollector(QueryMemory* memory) : memory_(memory) {}
  Result<void> add(CapturedRow row);
  /// Sorted by label string.
  Streams finish() &&;

 private:
  QueryMemory* memory_;
  std::vector<LogStream> streams_;
  std::unordered_map<std::string, size_t> index_;
};

}  // namespace cordwood::query
