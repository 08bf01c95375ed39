// SPDX-License-Identifier: Apache-2.0
#include "ingest/level_detector.h"
#include "storage/base/byte_scan.h"

namespace cordwood::ingest {

namespace {

bool is_blank(char c) {
  return static_cast<unsigned char>(c) <= ' ';
}

/// Reads pairs one by one; bare keys are pairs without a value.
class PairReader {
 public:
  explicit PairReader(std::string_view line) : p_(line.data()), end_(line.data() + line.size()) {}
  std::string_view key() const { return key_; }
  std::string_view value() const { return value_; }

  /// False at the end of the line and at a malformed pair.
  bool next() {
    key_ = value_ = {};
    while (p_ < end_ && is_blank(*p_)) ++p_;
    if (p_ == end_) return false;
    const char* start = p_;
    while (p_ < end_ && *p_ != '=' && *p_ != '"' && !is_blank(*p_)) ++p_;
    key_ = {start, static_cast<size_t>(p_ - start)};
    if (p_ == end_ || is_blank(*p_)) return true;
    if (*p_ == '"' || key_.empty()) return false;
    ++p_;
    if (p_ == end_ || is_blank(*p_)) return true;
    return *p_ == '"' ? quoted() : bare();
  }

 private:
  bool bare() {
    const char* start = p_;
    while (p_ < end_ && !is_blank(*p_)) {
      if (*p_ == '=' || *p_ == '"') return false;
      ++p_;
    }
    value_ = {start, static_cast<size_t>(p_ - start)};
    return true;
  }
  bool quoted() {
    const char* start = ++p_;
    bool escaped = false;
    const char* close = find_string_end(start, end_, &escaped);
    if (close == nullptr) return false;
    value_ = {start, static_cast<size_t>(close - start)};
    p_ = close + 1;
    return true;
  }
  const char* p_;
  const char* end_;
  std::string_view key_;
  std::string_view value_;
};

}  // namespace

std::string_view find_logfmt_level(std::string_view line, const LevelFields& fields) {
  std::string_view found;
  size_t best = LevelFields::kNone;
  PairReader pairs(line);
  while (best > 0 && pairs.next()) {
    const size_t rank = fields.folded_rank(pairs.key());
    if (rank >= best) continue;
    best = rank;
    found = pairs.value();
  }
  return found;
}

}  // namespace cordwood::ingest
