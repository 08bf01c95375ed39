// SPDX-License-Identifier: Apache-2.0
#include "api/query_printer.h"

#include <fmt/core.h>
#include <simdjson.h>

#include <algorithm>
#include <cmath>

#include "api/http_dates.h"
#include "api/json_text.h"
#include "storage/model/labels.h"

namespace cordwood::api {
namespace {

using simdjson::dom::element;

constexpr const char* kReset = "\x1b[0m";
constexpr const char* kDim = "\x1b[2m";
constexpr const char* kCyan = "\x1b[36m";

const char* colour_of_level(const FetchedLine& line) {
  std::string_view level;
  for (const auto& [name, value] : line.metadata) {
    if (name == "detected_level") level = value;
  }
  if (level == "error" || level == "fatal" || level == "critical") return "\x1b[31m";
  if (level == "warn") return "\x1b[33m";
  if (level == "debug" || level == "trace") return kDim;
  return "";
}

TextPairs all_labels(const FetchedLine& line) {
  TextPairs all = line.labels;
  all.insert(all.end(), line.metadata.begin(), line.metadata.end());
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  return all;
}

void append_json_pairs(const TextPairs& pairs, std::string* out) {
  out->push_back('{');
  for (size_t i = 0; i < pairs.size(); ++i) {
    if (i != 0) out->push_back(',');
    append_json_string(pairs[i].first, JsonEscape::plain, out);
    out->push_back(':');
    append_json_string(pairs[i].second, JsonEscape::plain, out);
  }
  out->push_back('}');
}

TextPairs pairs_of(const element& object) {
  TextPairs pairs;
  simdjson::dom::object fields;
  if (object.get(fields) != simdjson::SUCCESS) return pairs;
  for (const auto field : fields) {
    std::string_view value;
    if (field.value.get(value) == simdjson::SUCCESS) pairs.emplace_back(std::string(field.key), std::string(value));
  }
  return pairs;
}

std::string time_of(const element& sample) {
  double seconds = 0;
  if (sample.at(0).get(seconds) != simdjson::SUCCESS) return "?";
  return rfc3339_nano(std::llround(seconds * 1000) * 1'000'000);
}

}  // namespace

void QueryPrinter::paint(const char* colour, std::string_view text, std::string* out) const {
  if (!colours_ || *colour == '\0') {
    out->append(text);
    return;
  }
  out->append(colour).append(text).append(kReset);
}

void QueryPrinter::append_labels(const TextPairs& labels, std::string* out) const {
  std::string text = "{";
  for (const auto& [name, value] : labels) {
    if (text.size() > 1) text += ", ";
    text += name + "=";
    append_go_quoted(value, &text);
  }
  paint(kCyan, text + "}", out);
}

void QueryPrinter::append_line(const FetchedLine& line, std::string* out) const {
  switch (form_) {
    case OutputForm::raw: out->append(line.line); break;
    case OutputForm::jsonl:
      out->append("{\"timestamp\":\"").append(rfc3339_nano(line.time_ns)).append("\",\"labels\":");
      append_json_pairs(all_labels(line), out);
      out->append(",\"line\":");
      append_json_string(line.line, JsonEscape::plain, out);
      out->push_back('}');
      break;
    case OutputForm::standard:
      paint(kDim, rfc3339_nano(line.time_ns), out);
      out->push_back(' ');
      append_labels(all_labels(line), out);
      out->push_back(' ');
      paint(colour_of_level(line), line.line, out);
      break;
  }
  out->push_back('\n');
}

void QueryPrinter::append_series(const FetchedPage& page, std::string* out) const {
  simdjson::dom::parser parser;
  element result;
  simdjson::dom::array series;
  if (parser.parse(page.raw_result).get(result) != simdjson::SUCCESS || result.get(series) != simdjson::SUCCESS) return;
  if (page.result_type == "scalar") {
    std::string_view value;
    if (result.at(1).get(value) == simdjson::SUCCESS) out->append(value).append("\n");
    return;
  }
  for (const auto one : series) {
    if (form_ == OutputForm::jsonl) {
      out->append(simdjson::minify(one)).append("\n");
      continue;
    }
    std::string labels;
    element metric;
    if (one["metric"].get(metric) == simdjson::SUCCESS) append_labels(pairs_of(metric), &labels);
    const auto append_sample = [&](const element& sample) {
      std::string_view value;
      if (sample.at(1).get(value) != simdjson::SUCCESS) return;
      if (form_ == OutputForm::standard) {
        paint(kDim, time_of(sample), out);
        out->append(" ").append(labels).append(" ");
      }
      out->append(value).append("\n");
    };
    element value;
    if (one["value"].get(value) == simdjson::SUCCESS) append_sample(value);
    simdjson::dom::array values;
    if (one["values"].get(values) != simdjson::SUCCESS) continue;
    for (const auto sample : values) append_sample(sample);
  }
}

std::string QueryPrinter::print(const FetchedPage& page) const {
  std::string out;
  if (page.result_type != "streams") append_series(page, &out);
  for (const FetchedLine& line : page.lines) append_line(line, &out);
  return out;
}

std::string print_stats(const std::string& stats_json) {
  simdjson::dom::parser parser;
  element stats;
  std::string out;
  if (parser.parse(stats_json).get(stats) != simdjson::SUCCESS) return out;
  for (const char* section : {"summary", "cordwood"}) {
    simdjson::dom::object fields;
    if (stats[section].get(fields) != simdjson::SUCCESS) continue;
    for (const auto field : fields) {
      out += fmt::format("{}.{}: {}\n", section, field.key, std::string(simdjson::minify(field.value)));
    }
  }
  return out;
}

}  // namespace cordwood::api
