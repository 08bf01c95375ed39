// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "query/number_text.h"
#include "storage/model/utf8.h"
#include "tests/query/query_store.h"

namespace cordwood::query {

namespace {

using Json = nlohmann::json;

constexpr char kDirectory[] = "../shared/conformance";

std::vector<Json> read_lines(const std::string& name) {
  std::filesystem::path directory = kDirectory;
  if (!std::filesystem::exists(directory)) directory = "/work/shared/conformance";
  std::vector<Json> out;
  std::ifstream file(directory / name);
  for (std::string line; std::getline(file, line);) out.push_back(Json::parse(line));
  return out;
}

Json labels_json(const LabelPairs& labels) {
  Json out = Json::object();
  for (const auto& [name, value] : labels) out[name] = to_valid_utf8(value);
  return out;
}

double number(const Json& value) {
  if (value.is_number()) return value.get<double>();
  double out = NAN;
  try_parse_go_float(value.get<std::string>(), &out);
  return out;
}

bool close(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return a == b || std::abs(a - b) <= 1e-9 * std::max({std::abs(a), std::abs(b), 1.0});
}

/// What differs first; empty when nothing does.
std::string compare_samples(const Json& want, const std::vector<Sample>& got) {
  if (want.size() != got.size()) return "want " + want.dump().substr(0, 300) + " got " + std::to_string(got.size());
  for (size_t i = 0; i < got.size(); ++i) {
    if (!close(want[i][0].get<double>(), static_cast<double>(got[i].time_ms) / 1000)) {
      return "time: want " + want[i].dump() + " got " + std::to_string(got[i].time_ms);
    }
    if (!close(number(want[i][1]), got[i].value)) {
      return "value: want " + want[i].dump() + " got " + format_float(got[i].value);
    }
  }
  return {};
}

std::string compare_series(const Json& want, const std::vector<Series>& got, bool ordered, bool vector, bool approx) {
  std::map<std::string, const Series*> index;
  for (const Series& series : got) index[labels_json(series.labels).dump()] = &series;
  if (index.size() != got.size()) return "a series stands twice";
  if (want.size() != got.size()) {
    return "want " + std::to_string(want.size()) + " series, got " + std::to_string(got.size()) + "; want " +
           want.dump().substr(0, 200) + " got " + (index.empty() ? "" : index.begin()->first);
  }
  for (size_t i = 0; i < want.size(); ++i) {
    const std::string key = want[i]["metric"].dump();
    const auto at = index.find(key);
    if (at == index.end()) return key + " is missing; got " + index.begin()->first;
    if (ordered && at->second != &got[i]) return "another order";
    if (approx) continue;
    const Json samples = vector ? Json::array({want[i]["value"]}) : want[i]["values"];
    if (auto text = compare_samples(samples, at->second->samples); !text.empty()) return key + ": " + text;
  }
  return {};
}

Json entry_json(const LogEntry& entry, bool categorized) {
  Json out = Json::array({std::to_string(entry.time_ns), to_valid_utf8(entry.line)});
  if (!categorized) return out;
  Json extra = Json::object();
  if (!entry.structured_metadata.empty()) extra["structuredMetadata"] = labels_json(entry.structured_metadata);
  if (!entry.parsed.empty()) extra["parsed"] = labels_json(entry.parsed);
  out.push_back(extra);
  return out;
}

std::string compare_streams(const Json& want, const std::vector<LogStream>& got, bool categorized, bool ordered) {
  std::map<std::string, const LogStream*> index;
  for (const LogStream& stream : got) index[labels_json(stream.labels).dump()] = &stream;
  if (index.size() != got.size()) return "a stream stands twice";
  for (size_t i = 0; i < want.size(); ++i) {
    const std::string key = want[i]["stream"].dump();
    const auto at = index.find(key);
    if (at == index.end()) return key + " is missing; got " + (index.empty() ? "nothing" : index.begin()->first);
    if (ordered && (i >= got.size() || at->second != &got[i])) return "another order";
    std::vector<Json> wanted = want[i]["values"], found;
    for (const LogEntry& entry : at->second->entries) found.push_back(entry_json(entry, categorized));
    if (wanted.size() != found.size()) {
      return key + ": want " + std::to_string(wanted.size()) + " entries, got " + std::to_string(found.size());
    }
    for (size_t j = 0; j < found.size(); ++j) {
      if (wanted[j][0] != found[j][0]) return key + ": entries at other times";
    }
    std::sort(wanted.begin(), wanted.end());
    std::sort(found.begin(), found.end());
    for (size_t j = 0; j < found.size(); ++j) {
      if (wanted[j] != found[j]) return key + ": want " + wanted[j].dump() + " got " + found[j].dump();
    }
  }
  return want.size() == got.size() ? "" : "extra streams, the first is " + got.front().entries.front().line;
}

std::string compare_result(const Json& expect, const QueryResult& got, bool ordered, bool approx) {
  const Json& data = expect["body"]["data"];
  const std::string kind = data["resultType"];
  if (const auto* streams = std::get_if<Streams>(&got.data)) {
    return kind == "streams"
               ? compare_streams(data["result"], streams->streams, data.contains("encodingFlags"), ordered)
               : "want " + kind;
  }
  if (const auto* matrix = std::get_if<Matrix>(&got.data)) {
    return kind == "matrix" ? compare_series(data["result"], matrix->series, ordered, false, approx) : "want " + kind;
  }
  if (const auto* vector = std::get_if<Vector>(&got.data)) {
    return kind == "vector" ? compare_series(data["result"], vector->series, ordered, true, approx) : "want " + kind;
  }
  return kind == "scalar" && close(number(data["result"][1]), std::get<Scalar>(got.data).sample.value) ? "" : "scalar";
}

/// Integer times alone; what else the HTTP API takes is not the engine's matter.
std::optional<int64_t> time_of(const Json& params, const std::string& name) {
  if (!params.contains(name)) return std::nullopt;
  const std::string text = params[name];
  if (text.empty() || text.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
  const int64_t value = std::stoll(text);
  return text.size() <= 10 ? value * kNsPerSecond : value;
}

std::optional<int64_t> seconds_of(const Json& params, const std::string& name) {
  double seconds = 0;
  if (!params.contains(name) || !try_parse_go_float(params[name].get<std::string>(), &seconds) || seconds < 0) {
    return std::nullopt;
  }
  return static_cast<int64_t>(std::llround(seconds * 1000)) * 1'000'000;
}

/// The answer to a case; nothing when its parameters are not plain.
std::optional<Answer<QueryResult>> run_case(const QueryStore& store, const Json& c) {
  const Json& params = c["params"];
  const std::string query = params.value("query", "");
  const std::string limit_text = params.value("limit", "100");
  const std::string direction = params.value("direction", "backward");
  if (limit_text.find_first_not_of("0123456789") != std::string::npos || limit_text == "0") return std::nullopt;
  if (direction != "backward" && direction != "forward") return std::nullopt;
  const auto limit = static_cast<uint32_t>(std::stoul(limit_text));
  const Direction way = direction == "forward" ? Direction::forward : Direction::backward;
  if (c["path"] == "/loki/api/v1/query") {
    const auto time = time_of(params, "time");
    if (!time) return std::nullopt;
    return store.queries().instant(store.context(), {query, *time, limit, way});
  }
  const auto start = time_of(params, "start"), end = time_of(params, "end");
  if (!start || !end || *end < *start) return std::nullopt;
  RangeRequest request;
  request.query = query;
  request.start_ns = *start;
  request.end_ns = *end;
  request.limit = limit;
  request.direction = way;
  request.step_ns = std::max<int64_t>((*end - *start) / kNsPerSecond / 250, 1) * kNsPerSecond;
  if (params.contains("step")) {
    const auto step = seconds_of(params, "step");
    if (!step || *step == 0 || (*end - *start) / *step > 11000) return std::nullopt;
    request.step_ns = *step;
  }
  if (params.contains("interval")) {
    const auto interval = seconds_of(params, "interval");
    if (!interval) return std::nullopt;
    request.interval_ns = *interval;
  }
  request.categorize_labels = c.value("headers", Json::object()).contains("X-Loki-Response-Encoding-Flags");
  return store.queries().range(store.context(), request);
}

std::string judge(const Json& c, const Answer<QueryResult>& answer, bool* text_differs) {
  const int want = c["expect"]["status"];
  if (const auto* error = std::get_if<QueryError>(&answer)) {
    if (error->status != want) return "want " + std::to_string(want) + " got " + error->message;
    *text_differs = c["expect"]["body"] != error->message;
    return {};
  }
  if (want != 200) return "want status " + std::to_string(want) + ": " + c["expect"]["body"].dump();
  return compare_result(c["expect"], std::get<QueryResult>(answer), c.value("ordered", false),
                        c.value("approx", false));
}

/// Replays every `stride`-th case.
void replay(const QueryStore& store, size_t stride) {
  size_t number = 0;
  const char* only = std::getenv("CONFORMANCE_CASES");
  size_t passed = 0;
  std::map<std::string, std::pair<size_t, size_t>> groups;
  std::vector<std::string> failures, texts;
  for (const Json& c : read_lines("cases.jsonl")) {
    const std::string id = c["id"], path = c["path"];
    if (path != "/loki/api/v1/query_range" && path != "/loki/api/v1/query") continue;
    if (only != nullptr ? !id.starts_with(only) : number++ % stride != 0) continue;
    const auto answer = run_case(store, c);
    if (!answer) continue;
    bool text_differs = false;
    const std::string difference = judge(c, *answer, &text_differs);
    const std::string query = c["params"].value("query", "");
    if (text_differs) {
      texts.push_back(id + " " + query + "\n  want " + c["expect"]["body"].dump() + "\n  got " +
                      Json(std::get<QueryError>(*answer).message).dump());
    }
    auto& [good, all] = groups[c["group"]];
    ++all;
    if (difference.empty()) ++good, ++passed;
    if (!difference.empty()) failures.push_back(id + " " + query + "\n  " + difference.substr(0, 900));
  }
  if (std::getenv("CONFORMANCE_VERBOSE") != nullptr) {
    for (const auto& [group, counts] : groups) printf("%-14s %zu of %zu\n", group.c_str(), counts.first, counts.second);
    for (const std::string& text : texts) printf("TEXT %s\n", text.c_str());
  }
  for (const std::string& failure : failures) ADD_FAILURE() << failure;
  printf("%zu passed, %zu failed, %zu other error texts\n", passed, failures.size(), texts.size());
}

class Conformance : public testing::Test {
 protected:
  void SetUp() override {
    const std::vector<Json> pushes = read_lines("dataset.jsonl");
    if (pushes.empty()) GTEST_SKIP() << "no recorded data set";
    for (const Json& push : pushes) {
      store_.push(push["path"], push["headers"].value("Content-Type", "application/json"), push["body"].dump());
    }
  }
  QueryStore store_;
};

TEST_F(Conformance, AnswersFromTheHead) {
  replay(store_, 5);
}

TEST_F(Conformance, AnswersFromBlocks) {
  store_.flush();
  replay(store_, 1);
}

}  // namespace

}  // namespace cordwood::query
