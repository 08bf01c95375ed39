// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "ingest/json_reader.h"
#include "ingest/label_parser.h"
#include "tests/ingest/fake_engine.h"

namespace cordwood::ingest {
namespace {

constexpr const char* kDataset = "../shared/conformance/dataset.jsonl";
constexpr const char* kCases = "../shared/conformance/cases.jsonl";

using LabelMap = std::map<std::string, std::string>;

std::string read_text(JsonReader* in) {
  RawString raw;
  std::string out;
  EXPECT_TRUE(in->read_string(&raw) && unescape_json(raw.text, &out)) << in->error().message;
  return out;
}

/// Every row as a query without parsers shows it: time, line, and all labels in one map.
using Shown = std::tuple<std::string, std::string, LabelMap>;

Shown shown(const PlainRow& row) {
  const auto pairs = parse_label_text(row.stream);
  const LabelMap stream(pairs.value().begin(), pairs.value().end());
  LabelMap labels = stream;
  for (const auto& [name, value] : row.metadata) labels[stream.contains(name) ? name + "_extracted" : name] = value;
  return {std::to_string(row.time_ns), row.line, labels};
}

struct Loaded {
  std::multiset<Shown> rows;
  int requests = 0;
};

Loaded load_dataset() {
  Loaded loaded;
  PushBench bench;
  std::ifstream file(kDataset);
  for (std::string line; std::getline(file, line);) {
    std::string path;
    std::string_view body;
    JsonReader top(line);
    RawString key;
    top.enter_object();
    while (top.next_key(&key)) {
      if (key.text == "path") {
        path = read_text(&top);
      } else if (key.text == "body") {
        top.skip_value(&body);
      } else {
        top.skip_value();
      }
    }
    const bool otlp = path == "/otlp/v1/logs";
    const auto response = bench.push(body, "application/json", "", otlp ? PushProtocol::otlp : PushProtocol::loki);
    EXPECT_EQ(response.status, 204) << "request " << loaded.requests << ": " << response.body;
    const auto replayed = bench.replay();
    EXPECT_TRUE(replayed.ok() && *replayed == bench.engine.last_rows) << "replay of request " << loaded.requests;
    ++loaded.requests;
  }
  for (const PlainRow& row : bench.engine.rows) loaded.rows.insert(shown(row));
  return loaded;
}

/// Whether a query shows labels as they were stored.
bool shows_stored_labels(const std::string& query) {
  if (query.empty() || query[0] != '{') return false;
  for (const char* word :
       {"json", "logfmt", "regexp", "pattern", "unpack", "format", "drop", "keep", "decolorize", "unwrap"}) {
    if (query.find(word) != std::string::npos) return false;
  }
  return true;
}

/// Rows that the recorded answer of a case shows; none when the case transforms labels.
std::vector<Shown> rows_of_case(const nlohmann::json& test_case) {
  if (test_case.contains("headers") || test_case.contains("approx")) return {};
  if (!shows_stored_labels(test_case.at("params").value("query", ""))) return {};
  const auto& body = test_case.at("expect").at("body");
  if (!body.is_object() || !body.contains("data") || !body["data"].is_object() ||
      body["data"].value("resultType", "") != "streams")
    return {};
  std::vector<Shown> rows;
  for (const auto& stream : body["data"]["result"]) {
    for (const auto& value : stream["values"]) rows.emplace_back(value[0], value[1], stream["stream"].get<LabelMap>());
  }
  return rows;
}

TEST(Conformance, StoredRowsAreThoseOfTheRecordedAnswers) {
  if (!std::ifstream(kDataset) || !std::ifstream(kCases)) GTEST_SKIP() << "no " << kDataset << " beside the project";
  const Loaded loaded = load_dataset();
  EXPECT_EQ(loaded.requests, 70);
  EXPECT_EQ(loaded.rows.size(), 5912u);

  int cases = 0;
  int rows = 0;
  std::ifstream file(kCases);
  for (std::string line; std::getline(file, line);) {
    const auto test_case = nlohmann::json::parse(line);
    const std::vector<Shown> wanted = rows_of_case(test_case);
    if (!wanted.empty()) ++cases;
    for (const Shown& want : wanted) {
      ++rows;
      EXPECT_TRUE(loaded.rows.contains(want))
          << test_case["id"] << " " << test_case["params"]["query"] << testing::PrintToString(want);
    }
  }
  EXPECT_GT(cases, 100);
  EXPECT_GT(rows, 1000);
}

}  // namespace
}  // namespace cordwood::ingest
