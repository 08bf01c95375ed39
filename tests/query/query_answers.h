// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "query/number_text.h"
#include "tests/query/query_store.h"

namespace cordwood::query {

inline constexpr int64_t kTestStartNs = 1'795'046'400'000'000'000;  ///< a whole hour

inline std::string labels_text(const LabelPairs& labels) {
  std::string out = "{";
  for (const auto& [name, value] : labels) {
    if (out.size() > 1) out += ", ";
    out += name + "=";
    append_go_quoted(value, &out);
  }
  return out + "}";
}

/// An answer as lines of text, to be compared as a whole; an error is its status and message.
inline std::vector<std::string> answer_text(const Answer<QueryResult>& answer) {
  if (const auto* error = std::get_if<QueryError>(&answer))
    return {std::to_string(error->status) + " " + error->message};
  const QueryResult& result = std::get<QueryResult>(answer);
  std::vector<std::string> out;
  const auto add_series = [&out](const std::vector<Series>& all) {
    for (const Series& series : all) {
      for (const Sample& sample : series.samples) {
        out.push_back(labels_text(series.labels) + " " + std::to_string(sample.time_ms) + " " +
                      format_float(sample.value));
      }
    }
  };
  if (const auto* matrix = std::get_if<Matrix>(&result.data)) add_series(matrix->series);
  if (const auto* vector = std::get_if<Vector>(&result.data)) add_series(vector->series);
  if (const auto* streams = std::get_if<Streams>(&result.data)) {
    for (const LogStream& stream : streams->streams) {
      for (const LogEntry& entry : stream.entries) {
        out.push_back(labels_text(stream.labels) + " " + std::to_string(entry.time_ns) + " " + entry.line);
      }
    }
  }
  return out;
}

/// One minute steps over an hour from kTestStartNs.
inline RangeRequest hour_request(const std::string& query, uint32_t limit = 5000) {
  RangeRequest request;
  request.query = query;
  request.start_ns = kTestStartNs;
  request.end_ns = kTestStartNs + 3600 * kNsPerSecond;
  request.step_ns = 60 * kNsPerSecond;
  request.limit = limit;
  return request;
}

/// A push body with one stream.
class PushBody {
 public:
  explicit PushBody(std::string labels_json) : labels_(std::move(labels_json)) {}
  void add(int64_t time_ns, const std::string& line, const std::string& metadata_json = "") {
    if (!values_.empty()) values_ += ',';
    values_ += "[\"" + std::to_string(time_ns) + "\"," + quote(line);
    if (!metadata_json.empty()) values_ += "," + metadata_json;
    values_ += "]";
  }
  std::string text() const { return "{\"streams\":[{\"stream\":" + labels_ + ",\"values\":[" + values_ + "]}]}"; }

 private:
  static std::string quote(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') out += '\\';
      if (c == '\n') {
        out += "\\n";
      } else if (c == '\t') {
        out += "\\t";
      } else {
        out += c;
      }
    }
    return out + "\"";
  }
  std::string labels_, values_;
};

}  // namespace cordwood::query
