// SPDX-License-Identifier: Apache-2.0
#include "tests/query/reference/random_entries.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <tuple>

#include "tests/query/query_answers.h"

namespace cordwood::query::reference {

namespace {

constexpr const char* kKeys[] = {"status", "code", "took", "lvl", "k",          "app",
                                 "who",    "size", "x-y",  "0d",  "k_extracted"};
constexpr const char* kWords[] = {"error", "info", "GET", "POST", "PUT", "true", "x", "only", "prealpha", "\xc3\xa9"};
constexpr const char* kNumbers[] = {"200", "404", "500", "503", "1.5", "0.25", "-7", "1e3", "0", "12.50"};
constexpr const char* kSizes[] = {"1.5s", "20ms", "2m30s", "1h", "5KB", "1MiB", "10B", "0.5kb", "-3s", "90xb"};
constexpr const char* kLevels[] = {"info", "error", "warn", "debug"};

/// Lines of one stretch of time are alike, so that blocks differ.
struct Phase {
  std::vector<std::string> keys;
  size_t form = 0;
  size_t odd = 0;       ///< one line in so many has another form
  bool sizes = false;   ///< values have units
  size_t words = 0;     ///< one value in so many is a word
  std::string message;  ///< a key whose value tells the others', or empty
};

Phase random_phase(Random& random) {
  Phase phase;
  for (size_t i = 1 + random.below(4); i > 0; --i) phase.keys.push_back(random.of(kKeys));
  phase.form = random.below(6);
  phase.odd = random.one_in(3) ? 8 : 1000;
  phase.sizes = random.one_in(4);
  if (random.one_in(3)) phase.message = random.of({"msg", "who", "k"});
  phase.words = random.one_in(3) ? 1 : random.one_in(2) ? 3 : 1000;
  return phase;
}

std::string value_of(Random& random, const Phase& phase) {
  if (random.one_in(phase.words)) return random.of(kWords);
  if (phase.sizes && !random.one_in(4)) return random.of(kSizes);
  return random.one_in(3) ? std::to_string(random.below(600)) : random.of(kNumbers);
}

std::string json_value(Random& random, const Phase& phase) {
  if (random.one_in(25))
    return random.of({"null", "true", "false", "[1,\"x\"]", "\"\"", "\"a\\\"b\\n\"", "\"\\u00e9\""});
  const std::string value = value_of(random, phase);
  const bool number = value.find_first_not_of("0123456789.e-") == std::string::npos && value != "e";
  return number && !random.one_in(3) ? value : "\"" + value + "\"";
}

/// As programs do that log what they say beside what they say it of.
std::string message_of(const std::vector<std::string>& values, const Phase& phase) {
  std::string text = "\"" + phase.message + "\":\"this is what the fields of the line have been found to be";
  for (size_t i = 0; i < values.size(); ++i) {
    const std::string_view value = values[i];
    const bool quoted = value.size() > 1 && value.front() == '"';
    text += fmt::format("\\n\\tfield {} of the line: ", i);
    if (quoted || value.front() != '[') text += quoted ? value.substr(1, value.size() - 2) : value;
  }
  return text + "\"";
}

std::string json_line(Random& random, const Phase& phase) {
  std::string line = "{";
  std::vector<std::string> values;
  for (const std::string& key : phase.keys) {
    if (random.one_in(10)) continue;
    if (line.size() > 1) line += ",";
    const std::string value = values.emplace_back(json_value(random, phase));
    line += "\"" + key + "\":" + (random.one_in(15) ? "{\"a\":{\"0b\":" + value + "}}" : value);
  }
  if (random.one_in(6))
    line += std::string(line.size() > 1 ? "," : "") + "\"n\":{\"status\":" + json_value(random, phase) + "}";
  if (!phase.message.empty()) line += (line.size() > 1 ? "," : "") + message_of(values, phase);
  return line + "}";
}

std::string logfmt_line(Random& random, const Phase& phase) {
  std::string line = "id=" + std::to_string(random.below(1000));
  for (const std::string& key : phase.keys) {
    if (random.one_in(10)) continue;
    const std::string value = random.one_in(20) ? random.of({"two words", "", "a\\\"b"}) : value_of(random, phase);
    const bool quoted = value.find_first_of(" \\") != std::string::npos || random.one_in(4);
    line += " " + key + (random.one_in(30) ? "" : "=" + (quoted ? "\"" + value + "\"" : value));
  }
  return line;
}

std::string random_line(Random& random, const Phase& phase, size_t form) {
  switch (form) {
    case 0:
    case 1: return json_line(random, phase);
    case 2:
    case 3: return logfmt_line(random, phase);
    case 4: return "took " + std::to_string(random.below(90)) + " ms for " + value_of(random, phase);
    default: return json_line(random, phase) + (random.one_in(2) ? " trailing " + std::to_string(random.below(9)) : "");
  }
}

LabelMap random_metadata(Random& random, const Phase& phase) {
  LabelMap out = {{"detected_level", random.of(kLevels)}};
  if (random.one_in(3)) out[random.of({"who", "status", "k", "size", "app"})] = value_of(random, phase);
  return out;
}

/// Half of the times are whole seconds, so that entries lie on the edges of windows.
int64_t random_time(Random& random, bool ties, std::set<int64_t>* taken) {
  for (;;) {
    int64_t time_ns = kTestStartNs + static_cast<int64_t>(random.below(3000)) * kNsPerSecond;
    if (random.one_in(2)) time_ns += static_cast<int64_t>(random.below(kNsPerSecond));
    if (ties && random.one_in(3)) time_ns = kTestStartNs + static_cast<int64_t>(random.below(100)) * 30 * kNsPerSecond;
    if (taken->insert(time_ns).second || ties) return time_ns;
  }
}

}  // namespace

std::vector<Push> random_pushes(uint64_t seed, bool ties) {
  Random random(seed);
  const std::vector<LabelMap> streams = {{{"app", "a"}, {"service_name", "s1"}},
                                         {{"app", "b"}, {"service_name", "s1"}, {"env", "prod"}},
                                         {{"app", "c"}, {"service_name", "s2"}, {"env", "dev"}, {"k", "503"}},
                                         {{"app", "d"}, {"service_name", "s2"}, {"env", "prod"}, {"status", "up"}}};
  std::vector<Push> pushes;
  std::set<int64_t> taken;
  for (int round = 0; round < 3; ++round) {
    for (const LabelMap& labels : streams) {
      Push push;
      Phase phase = random_phase(random);
      for (int row = 0; row < 60; ++row) {
        if (row % 20 == 0) phase = random_phase(random);
        const Push& source =
            push.empty() || pushes.empty() || random.one_in(2) ? push : pushes[random.below(pushes.size())];
        if (random.one_in(20) && !source.empty() && source[0].stream == labels) {
          push.push_back(source[random.below(source.size())]);
          continue;
        }
        const size_t form = random.one_in(phase.odd) ? random.below(6) : phase.form;
        Entry entry{labels, random_time(random, ties, &taken), random_line(random, phase, form),
                    random_metadata(random, phase)};
        push.push_back(std::move(entry));
      }
      pushes.push_back(std::move(push));
    }
  }
  return pushes;
}

std::vector<Entry> stored_entries(const std::vector<Push>& pushes) {
  std::vector<Entry> out;
  std::set<std::tuple<LabelMap, int64_t, std::string, LabelMap>> seen;
  for (const Push& push : pushes) {
    for (const Entry& entry : push) {
      if (seen.emplace(entry.stream, entry.time_ns, entry.line, entry.metadata).second) out.push_back(entry);
    }
  }
  return out;
}

std::string push_body(const Push& push) {
  nlohmann::json values = nlohmann::json::array();
  for (const Entry& entry : push) values.push_back({std::to_string(entry.time_ns), entry.line, entry.metadata});
  const nlohmann::json stream = {{"stream", push[0].stream}, {"values", values}};
  return nlohmann::json{{"streams", {stream}}}.dump();
}

}  // namespace cordwood::query::reference
