// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "ingest/level_detector.h"

namespace cordwood::ingest {

namespace {

enum : uint8_t { kBefore = 1, kAfter = 2, kStarter = 4 };

/// What a byte may be: before a word, after a word, its first letter.
constexpr std::array<uint8_t, 256> make_classes() {
  std::array<uint8_t, 256> classes{};
  for (const char c : std::string_view(" \t\n[({\"'=|")) classes[static_cast<unsigned char>(c)] |= kBefore;
  for (const char c : std::string_view(" \t\n[](){}:,!\"'=|")) classes[static_cast<unsigned char>(c)] |= kAfter;
  for (const char c : std::string_view("tdfcewiTDFCEWI")) classes[static_cast<unsigned char>(c)] |= kStarter;
  return classes;
}
constexpr std::array<uint8_t, 256> kClasses = make_classes();

struct Word {
  std::string_view text;
  std::string_view level;
};
constexpr Word kWords[] = {{"trace", "trace"},       {"debug", "debug"}, {"fatal", "fatal"},
                           {"critical", "critical"}, {"error", "error"}, {"err", "error"},
                           {"warning", "warn"},      {"warn", "warn"},   {"info", "info"}};

std::string_view word_at(std::string_view rest) {
  for (const Word& word : kWords) {
    if (rest.size() < word.text.size()) continue;
    size_t i = 0;
    while (i < word.text.size() && (rest[i] | 0x20) == word.text[i]) ++i;
    if (i < word.text.size()) continue;
    if (i == rest.size() || (kClasses[static_cast<unsigned char>(rest[i])] & kAfter) != 0) return word.level;
  }
  return {};
}

}  // namespace

std::string_view find_level_word(std::string_view line) {
  bool bounded = true;
  for (size_t i = 0; i < line.size(); ++i) {
    const uint8_t c = kClasses[static_cast<unsigned char>(line[i])];
    if (bounded && (c & kStarter) != 0) {
      const std::string_view level = word_at(line.substr(i));
      if (!level.empty()) return level;
    }
    bounded = (c & kBefore) != 0;
  }
  return {};
}

}  // namespace cordwood::ingest
