// SPDX-License-Identifier: Apache-2.0
#include "tests/query/reference/log_answer.h"

#include <xxhash.h>

#include <algorithm>

namespace cordwood::query::reference {

namespace {

/// Loki's hash of a stream: XXH64 over names and values, each closed by a byte of ones.
uint64_t stream_hash(const LabelMap& labels) {
  std::string bytes;
  for (const auto& [name, value] : labels) bytes += name + '\xff' + value + '\xff';
  return XXH64(bytes.data(), bytes.size(), 0);
}

}  // namespace

Streams answer_log(const LogQuery& query, const RangeRequest& request, const std::vector<Entry>& entries) {
  Regexes regexes;
  const Pipeline pipeline(query, {}, &regexes);
  std::vector<Row> rows;
  for (const Entry& entry : entries) {
    if (entry.time_ns < request.start_ns || entry.time_ns >= request.end_ns) continue;
    if (auto row = pipeline.run(entry)) rows.push_back(std::move(*row));
  }
  // Rows of one time by stream, rows of one stream and time as they came, or the other way round.
  const bool backward = request.direction == Direction::backward;
  if (backward) std::reverse(rows.begin(), rows.end());
  std::stable_sort(rows.begin(), rows.end(), [backward](const Row& a, const Row& b) {
    const Entry &x = *a.entry, &y = *b.entry;
    if (x.time_ns != y.time_ns) return backward ? x.time_ns > y.time_ns : x.time_ns < y.time_ns;
    return stream_hash(x.stream) < stream_hash(y.stream);
  });
  if (rows.size() > request.limit) rows.erase(rows.begin() + request.limit, rows.end());
  std::map<std::string, LogStream> streams;
  for (const Row& row : rows) {
    const LabelMap labels = row.labels();
    LogStream& stream = streams[label_string(labels)];
    stream.labels.assign(labels.begin(), labels.end());
    LogEntry entry;
    entry.time_ns = row.entry->time_ns;
    entry.line = row.line;
    stream.entries.push_back(std::move(entry));
  }
  Streams out;
  for (auto& [unused, stream] : streams) out.streams.push_back(std::move(stream));
  return out;
}

}  // namespace cordwood::query::reference
