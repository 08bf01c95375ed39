// SPDX-License-Identifier: Apache-2.0
#include "ingest/level_detector.h"

#include <charconv>

#include "storage/base/ascii.h"

namespace cordwood::ingest {

namespace {

bool equal_folded(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (fold_byte(a[i]) != fold_byte(b[i])) return false;
  }
  return true;
}

bool is_go_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

bool looks_like_json(std::string_view line) {
  size_t begin = 0;
  while (begin < line.size() && is_go_space(line[begin])) ++begin;
  if (begin == line.size() || line[begin] != '{') return false;
  size_t end = line.size();
  while (is_go_space(line[end - 1])) --end;
  return line[end - 1] == '}';
}

/// OpenTelemetry's severity numbers; what is no number counts as info.
std::string_view level_of_severity_number(std::string_view text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return "info";
  if (number <= 0 || number > 24) return "unknown";
  constexpr std::string_view kNames[] = {"trace", "debug", "info", "warn", "error", "fatal"};
  return kNames[(number - 1) / 4];
}

const MetadataPair* find_pair(std::span<const MetadataPair> pairs, std::string_view name) {
  for (const MetadataPair& pair : pairs) {
    if (pair.name == name) return &pair;
  }
  return nullptr;
}

}  // namespace

LevelFields::LevelFields(std::vector<std::string> names) : names_(std::move(names)) {
  for (const std::string& name : names_) {
    const size_t length = length_class(name.size());
    exact_lengths_ |= uint64_t{1} << length;
    by_length_[length].push_back(name);
  }
}

bool LevelFields::has_slow(std::string_view name) const {
  for (const std::string_view field : by_length_[length_class(name.size())]) {
    if (field == name) return true;
  }
  return false;
}

size_t LevelFields::folded_rank_slow(std::string_view name) const {
  for (const std::string_view field : by_length_[length_class(name.size())]) {
    if (!equal_folded(field, name)) continue;
    for (size_t i = 0; i < names_.size(); ++i) {
      if (equal_folded(names_[i], name)) return i;
    }
  }
  return kNone;
}

std::string_view known_level(std::string_view text) {
  if (text.size() < 3 || text.size() > 11) return {};
  struct Spelling {
    std::string_view text;
    std::string_view level;
  };
  static constexpr Spelling kSpellings[] = {
      {"info", "info"},   {"error", "error"},  {"debug", "debug"},      {"warn", "warn"},        {"trace", "trace"},
      {"trc", "trace"},   {"dbg", "debug"},    {"inf", "info"},         {"wrn", "warn"},         {"err", "error"},
      {"fatal", "fatal"}, {"warning", "warn"}, {"information", "info"}, {"critical", "critical"}};
  for (const Spelling& spelling : kSpellings) {
    if (equal_folded(text, spelling.text)) return spelling.level;
  }
  return {};
}

LevelDetector::LevelDetector(std::vector<std::string> fields, int json_max_depth)
    : fields_(std::move(fields)), json_max_depth_(json_max_depth) {}

std::string_view LevelDetector::of_labels(const Labels& labels) const {
  for (const std::string& field : fields_.names()) {
    const std::string_view value = labels.get(field);
    if (value.empty()) continue;
    const std::string_view level = known_level(value);
    return level.empty() ? value : level;
  }
  return {};
}

std::string_view LevelDetector::of_entry(std::span<const MetadataPair> metadata, std::string_view line) const {
  if (metadata.empty()) return of_line(line);
  size_t best = LevelFields::kNone;
  const MetadataPair* found = nullptr;
  for (const MetadataPair& pair : metadata) {
    if (!fields_.has(pair.name)) continue;
    for (size_t i = 0; i < best && i < fields_.names().size(); ++i) {
      if (fields_.names()[i] != pair.name) continue;
      best = i;
      found = &pair;
      break;
    }
  }
  if (found != nullptr) {
    const std::string_view level = known_level(found->value);
    return level.empty() ? found->value : level;
  }
  if (const MetadataPair* pair = find_pair(metadata, "severity_number")) return level_of_severity_number(pair->value);
  return of_line(line);
}

std::string_view LevelDetector::of_line(std::string_view line) const {
  std::string_view value;
  if (looks_like_json(line)) {
    value = find_json_level(line, fields_, json_max_depth_);
  } else if (line.find('=') != std::string_view::npos) {
    value = find_logfmt_level(line, fields_);
  }
  std::string_view level = known_level(value);
  if (level.empty()) level = find_level_word(line);
  return level.empty() ? "unknown" : level;
}

}  // namespace cordwood::ingest
