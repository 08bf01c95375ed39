// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace cordwood::bench {

/// Numbers that look random and are the same for the same seed (SplitMix64).
class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(seed) {}
  uint64_t roll() {
    uint64_t z = state_ += 0x9E3779B97F4A7C15ULL;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ z >> 27) * 0x94D049BB133111EBULL;
    return z ^ z >> 31;
  }
  /// In [0, sides).
  uint64_t below(uint64_t sides) { return static_cast<uint64_t>(static_cast<unsigned __int128>(roll()) * sides >> 64); }

 private:
  uint64_t state_;
};

/// What was made, for checking answers.
struct Truth {
  uint64_t lines = 0;
  uint64_t raw_bytes = 0;
  std::map<std::string, uint64_t> lines_by_app;
  std::map<std::string, uint64_t> lines_by_level;
  std::map<std::string, uint64_t> failed_by_app;  ///< JSON lines with http.status >= 500
  std::map<std::string, uint64_t> traces;         ///< some ids, and in how many lines each stands
  uint64_t rare = 0;                              ///< lines that hold kRarePhrase
};
inline constexpr const char* kRarePhrase = "lease lost to a newer holder";

/// Logs of thirty services, seven lines of ten JSON, two logfmt, one plain text; a trace runs through about eight
/// lines.
class ServiceLogs {
 public:
  struct Line {
    uint32_t stream = 0;
    int64_t time_ns = 0;
    std::string text;
  };
  ServiceLogs(uint64_t seed, int64_t start_ns, int64_t span_ns, uint64_t lines);
  size_t streams() const { return apps_.size() * kPods; }
  std::string stream_labels(uint32_t stream) const;
  /// Line `number` of all, the same whenever it is asked for.  Counts it in *truth.
  Line line(uint64_t number, Truth* truth) const;
  const std::string& app_of(uint32_t stream) const { return apps_[stream / kPods]; }

 private:
  static constexpr uint32_t kPods = 4;
  uint64_t seed_;
  int64_t start_ns_, span_ns_;
  uint64_t lines_;
  std::vector<std::string> apps_;
};

}  // namespace cordwood::bench
