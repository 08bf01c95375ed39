// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <bit>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

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

/// The level word that starts at `at`, if it is bounded.
std::string_view bounded_word_at(std::string_view line, size_t at) {
  if (at > 0 && (kClasses[static_cast<unsigned char>(line[at - 1])] & kBefore) == 0) return {};
  if ((kClasses[static_cast<unsigned char>(line[at])] & kStarter) == 0) return {};
  return word_at(line.substr(at));
}

#if defined(__SSE2__)
/// Bit n: the letters n and n + 1 begin one of the words, in any case.  Reads 17 bytes.
uint32_t word_beginnings(const char* p) {
  const __m128i fold = _mm_set1_epi8(0x20);
  const __m128i first = _mm_or_si128(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)), fold);
  const __m128i second = _mm_or_si128(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 1)), fold);
  const auto is = [](__m128i bytes, char c) { return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c)); };
  const auto either = [](__m128i a, __m128i b) { return _mm_or_si128(a, b); };
  const __m128i tr = _mm_and_si128(either(either(is(first, 't'), is(first, 'c')), is(first, 'e')), is(second, 'r'));
  const __m128i fa = _mm_and_si128(either(is(first, 'f'), is(first, 'w')), is(second, 'a'));
  const __m128i de = _mm_and_si128(is(first, 'd'), is(second, 'e'));
  const __m128i in = _mm_and_si128(is(first, 'i'), is(second, 'n'));
  return static_cast<uint32_t>(_mm_movemask_epi8(either(either(tr, fa), either(de, in))));
}
#endif

}  // namespace

std::string_view find_level_word(std::string_view line) {
  size_t at = 0;
#if defined(__SSE2__)
  for (; at + 17 <= line.size(); at += 16) {
    for (uint32_t hits = word_beginnings(line.data() + at); hits != 0; hits &= hits - 1) {
      const std::string_view level = bounded_word_at(line, at + static_cast<size_t>(std::countr_zero(hits)));
      if (!level.empty()) return level;
    }
  }
#endif
  for (; at < line.size(); ++at) {
    const std::string_view level = bounded_word_at(line, at);
    if (!level.empty()) return level;
  }
  return {};
}

}  // namespace cordwood::ingest
