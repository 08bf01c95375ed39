// SPDX-License-Identifier: Apache-2.0
#include "query/time_zone.h"

#include <algorithm>

namespace cordwood::query {

namespace {

constexpr size_t kHeaderBytes = 44;

uint64_t read_big_endian(std::string_view bytes, size_t at, size_t width) {
  uint64_t value = 0;
  for (size_t i = 0; i < width; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

struct Counts {
  uint64_t utc_flags, standard_flags, leaps, transitions, kinds, name_bytes;
  size_t body_bytes(size_t time_width) const {
    return transitions * (time_width + 1) + kinds * 6 + name_bytes + leaps * (time_width + 4) + standard_flags +
           utc_flags;
  }
};

Counts read_counts(std::string_view header) {
  const auto at = [&](size_t index) { return read_big_endian(header, 20 + index * 4, 4); };
  return {at(0), at(1), at(2), at(3), at(4), at(5)};
}

}  // namespace

Result<TimeZone> TimeZone::parse(std::string_view tzif) {
  const auto corrupt = [] { return Error::corrupt("not a TZif file of version 2 or later"); };
  if (tzif.size() < 2 * kHeaderBytes || !tzif.starts_with("TZif") || tzif[4] < '2') return corrupt();
  // The first body has 32-bit times; the second one says it all again with 64 bits.
  const size_t second = kHeaderBytes + read_counts(tzif).body_bytes(4);
  if (second + kHeaderBytes > tzif.size()) return corrupt();
  const Counts counts = read_counts(tzif.substr(second));
  const std::string_view body = tzif.substr(second + kHeaderBytes);
  if (counts.body_bytes(8) > body.size() || counts.kinds == 0) return corrupt();
  const size_t kind_of_at = counts.transitions * 8;
  const size_t kinds_at = kind_of_at + counts.transitions;
  const std::string_view names = body.substr(kinds_at + counts.kinds * 6, counts.name_bytes);
  TimeZone zone;
  for (size_t i = 0; i < counts.transitions; ++i) {
    zone.transitions_.push_back(static_cast<int64_t>(read_big_endian(body, i * 8, 8)));
    const auto kind = static_cast<uint8_t>(body[kind_of_at + i]);
    if (kind >= counts.kinds) return corrupt();
    zone.kind_of_.push_back(kind);
  }
  for (size_t i = 0; i < counts.kinds; ++i) {
    const size_t at = kinds_at + i * 6;
    const auto name_at = static_cast<unsigned char>(body[at + 5]);
    if (name_at >= names.size()) return corrupt();
    const std::string_view name = names.substr(name_at);
    zone.kinds_.push_back(
        {static_cast<int32_t>(read_big_endian(body, at, 4)), std::string(name.substr(0, name.find('\0')))});
  }
  return zone;
}

const TimeZone::Kind& TimeZone::kind_at(int64_t unix_seconds) const {
  const auto next = std::upper_bound(transitions_.begin(), transitions_.end(), unix_seconds);
  if (next == transitions_.begin()) return kinds_[0];
  return kinds_[kind_of_[static_cast<size_t>(next - transitions_.begin()) - 1]];
}

void TimeZone::apply(GoTime* time) const {
  const Kind& kind = kind_at(time->seconds);
  time->set_zone(kind.name, kind.offset_seconds);
}

GoTime TimeZone::from_civil(int64_t civil_seconds, int32_t nanos) const {
  GoTime time;
  time.nanos = nanos;
  // The offset of a first guess is right but near a transition, where that of its result is tried.
  int32_t offset = kind_at(civil_seconds).offset_seconds;
  const int32_t second = kind_at(civil_seconds - offset).offset_seconds;
  if (second != offset) offset = kind_at(civil_seconds - second).offset_seconds == second ? second : offset;
  time.seconds = civil_seconds - offset;
  apply(&time);
  return time;
}

}  // namespace cordwood::query
