// SPDX-License-Identifier: Apache-2.0
// Answers from merged segments, whose Xapian part rules blocks out, against answers from rows that were never sealed.
#include "tests/query/merged_store.h"
#include "tests/query/query_answers.h"
#include "tests/query/reference/random_source.h"

namespace cordwood::query {
namespace {

using reference::Random;

constexpr const char* kKeys[] = {"status",      "code", "a_b", "a.b", "lvl",  "x y",      "took",      "0digit",
                                 "k_extracted", "k",    "app", "who", "size", "\xd0\xb6", "\\u0061_b", "\xef\xbf\xbd"};
constexpr const char* kLabels[] = {"status",        "code", "a_b",   "lvl",           "x_y",         "took",
                                   "_0digit",       "k",    "app",   "size",          "k_extracted", "who",
                                   "who_extracted", "_",    "n_a_b", "app_extracted", "n_status",    "only"};
constexpr const char* kValues[] = {
    "200",  "404", "503", "500", "error", "info",     "1.5s",    "20ms",    "5KB",          "1MB",       "", "true",
    "null", "007", "1e3", "-0",  "a\\tb", "\xc3\xa9", "\\u0041", "\\ud800", "\xef\xbf\xbd", "two words", "x"};
constexpr const char* kPlainValues[] = {"200",  "404", "503", "500",       "error", "info", "1.5s",
                                        "20ms", "5KB", "1MB", "",          "true",  "null", "\xc3\xa9",
                                        "A",    " ",   "007", "two words", "x",     "only"};

/// Lines of one stretch of time are alike, so that blocks differ.
struct Phase {
  std::vector<std::string> keys;
  std::vector<std::string> values;
  size_t form = 0;
  size_t odd = 40;     ///< one line in so many has another form
  size_t numbers = 0;  ///< if not 0, most values are numbers from here on, too many to be listed

  std::string value(Random& random) const {
    if (numbers != 0 && !random.one_in(odd)) return std::to_string(numbers + random.below(900));
    return values[random.below(values.size())];
  }
};

Phase make_phase(Random& random) {
  Phase phase;
  for (size_t i = 1 + random.below(4); i > 0; --i) phase.keys.push_back(random.of(kKeys));
  for (size_t i = 1 + random.below(4); i > 0; --i) phase.values.push_back(random.of(kValues));
  phase.form = random.below(8);
  phase.odd = random.one_in(3) ? 8 : 1000;
  if (random.one_in(3)) phase.numbers = random.one_in(2) ? 1 + random.below(600) : 1'000'000;
  return phase;
}

std::string json_scalar(Random& random, const Phase& phase) {
  const std::string value = phase.value(random);
  const bool bare = value == "true" || value == "null" ||
                    (!value.empty() && value.find_first_not_of("0123456789") == std::string::npos && value[0] != '0');
  if (random.one_in(30)) return "[\"" + value + "\"]";
  return bare && random.one_in(2) ? value : "\"" + value + "\"";
}

std::string json_line(Random& random, const Phase& phase) {
  std::string line = "{";
  for (const std::string& key : phase.keys) {
    if (random.one_in(10)) continue;
    if (line.size() > 1) line += ",";
    line += "\"" + key + "\":";
    line += random.one_in(12) ? "{\"a\":{\"b\":" + json_scalar(random, phase) + "}}" : json_scalar(random, phase);
  }
  if (random.one_in(6))
    line += std::string(line.size() > 1 ? "," : "") + "\"n\":{\"status\":" + json_scalar(random, phase) + "}";
  return line + "}";
}

std::string logfmt_line(Random& random, const Phase& phase) {
  std::string line = "id=" + std::to_string(random.below(1000000));
  for (const std::string& key : phase.keys) {
    if (key.find(' ') != std::string::npos || random.one_in(10)) continue;
    const std::string value = phase.value(random);
    const bool quoted = value.find(' ') != std::string::npos || random.one_in(4);
    line += " " + key + "=" + (quoted ? "\"" + value + "\"" : value);
  }
  return line;
}

std::string make_line(Random& random, const Phase& phase, size_t form) {
  const std::string& key = phase.keys[0];
  const std::string& value = phase.values[0];
  switch (form) {
    case 0:
    case 1:
    case 2: return json_line(random, phase);
    case 3:
    case 4: return logfmt_line(random, phase);
    case 5: return "took " + std::to_string(random.below(90)) + " ms for " + value;
    case 6: return "request " + std::to_string(random.below(90)) + " had " + key + "=" + value;
    default: return json_line(random, phase) + " trailing " + std::to_string(random.below(90));
  }
}

std::string make_metadata(Random& random, const Phase& phase) {
  if (random.one_in(2)) return "";
  std::string value = phase.value(random);
  if (const size_t at = value.find('\\'); at != std::string::npos) value.insert(at, 1, '\\');
  return "{\"" + random.of({"who", "status", "app", "k"}) + "\":\"" + value + "\"}";
}

void fill(uint64_t seed, QueryStore* store, bool flush) {
  Random random(seed);
  int64_t time_ns = kTestStartNs;
  for (int round = 0; round < 2; ++round) {
    for (int stream = 0; stream < 4; ++stream) {
      PushBody body(stream == 3 ? R"({"app":"three","k":"503"})"
                                : "{\"app\":\"" + std::string(1, 'a' + stream) + "\"}");
      Phase phase = make_phase(random);
      for (int row = 0; row < 300; ++row) {
        if (row % 60 == 0) phase = make_phase(random);
        const size_t form = random.one_in(phase.odd) ? random.below(8) : phase.form;
        body.add(time_ns += 1'000'000, make_line(random, phase, form), make_metadata(random, phase));
      }
      if (round == 1 && stream == 0) body.add(time_ns += 1'000'000, R"({"only":"only"})");
      store->push_json(body.text());
    }
    if (flush) store->flush();
  }
}

std::string make_filter(Random& random) {
  const std::string label = random.of(kLabels);
  std::string value = random.of(kPlainValues);
  switch (random.below(9)) {
    case 0: return label + "!=\"" + value + "\"";
    case 1: return label + "=~\"" + value + "|" + random.of(kPlainValues) + "\"";
    case 2: return label + " >= " + random.of({"0", "300", "500", "503", "600", "1000000"});
    case 3: return label + " < " + random.of({"0", "300", "500", "1000000"});
    case 4: return label + random.of({" > ", " == ", " != ", " <= "}) + random.of({"1s", "10ms", "503", "1000500"});
    case 5: return label + " > " + random.of({"1KB", "10B"});
    default: return label + "=\"" + value + "\"";
  }
}

std::string make_query(Random& random) {
  std::string query = random.of({R"({app=~".+"})", R"({app="a"})", R"({app="three"})"});
  query += random.of({" | json", " | json", " | json", " | logfmt", " | logfmt", "", " | json | logfmt",
                      " | logfmt | json", " | unpack", " | logfmt --keep-empty", " | json | drop app",
                      " | json | label_format k=code", " | json status=\"code\", code"});
  query += " | " + make_filter(random);
  if (random.one_in(3)) query += random.of({" or ", " and "}) + make_filter(random);
  return query;
}

std::string first_difference(std::vector<std::string> got, std::vector<std::string> want) {
  std::sort(got.begin(), got.end());
  std::sort(want.begin(), want.end());
  for (size_t i = 0; i < std::max(got.size(), want.size()); ++i) {
    const std::string& a = i < got.size() ? got[i] : "nothing";
    const std::string& b = i < want.size() ? want[i] : "nothing";
    if (a != b) return "got " + a + "\nwant " + b;
  }
  return "";
}

TEST(FieldProbes, AnswersOfMergedSegmentsStayTheSame) {
  const char* wanted = std::getenv("CORDWOOD_FIELD_QUERIES");
  const size_t queries = wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 1200;
  uint64_t ruled_out = 0;
  uint64_t found = 0;
  for (uint64_t seed = 1, asked = 0; asked < queries && !HasFailure(); ++seed) {
    MergedStore merged;
    QueryStore head;
    fill(seed, &merged.store, true);
    fill(seed, &head, false);
    merged.merge();
    Random random(seed * 1000);
    for (int i = 0; i < 400 && asked < queries && !HasFailure(); ++i, ++asked) {
      const std::string query = make_query(random);
      const auto want = head.queries().range(head.context(), hour_request(query));
      const auto got = merged.store.queries().range(merged.store.context(), hour_request(query));
      EXPECT_EQ(first_difference(answer_text(got), answer_text(want)), "") << "seed " << seed << ": " << query;
      if (const auto* result = std::get_if<QueryResult>(&got)) ruled_out += result->stats.blocks_ruled_out;
      found += answer_text(got).size();
    }
  }
  EXPECT_GT(ruled_out, queries);
  EXPECT_GT(found, queries);
}

}  // namespace
}  // namespace cordwood::query
