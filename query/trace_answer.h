// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "query/query_engine.h"

namespace cordwood::query {

struct TraceRequest {
  std::string id;  ///< in any spelling of trace_id.h
  TimeRange range = TimeRange::all();
  uint64_t limit = 5000;  ///< lines returned; the counts of services know no limit
};

/// How far around a trace to look: so many lines of each stream, or a time.
struct TraceReach {
  uint64_t lines = 10;
  int64_t time_ns = 0;
  bool by_time = false;
};

struct TraceContextRequest {
  TraceRequest trace;
  TraceReach before;
  TraceReach after;
};

struct TraceLine {
  int64_t time_ns = 0;
  StreamPtr stream;
  std::string line;
  LabelPairs metadata;
};

/// What one service has to do with the trace.
struct TraceService {
  uint64_t lines = 0;
  std::map<std::string, uint64_t> levels;  ///< by detected_level
};

struct TraceAnswer {
  std::string trace_id;                          ///< 32 hex digits
  int64_t start_ns = 0, end_ns = 0;              ///< of the first and the last line
  std::map<std::string, TraceService> services;  ///< by service_name
  std::vector<TraceLine> lines;                  ///< by time, then label string, then arrival
  std::vector<std::string> warnings;
  QueryStats stats;
  std::shared_ptr<class QueryMemory> memory;  ///< what the lines take of the query share
};

}  // namespace cordwood::query
