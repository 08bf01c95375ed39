// SPDX-License-Identifier: Apache-2.0
#include "storage/base/coding.h"
#include "storage/block_entry.h"

#include <algorithm>
#include <cstring>
#include <map>

namespace cordwood {

void encode_counts(const std::vector<BlockCount>& counts, std::string* out) {
  ByteWriter w(out);
  std::map<std::string_view, uint64_t> levels;
  for (const BlockCount& c : counts) levels.emplace(c.level, 0);
  w.varint(levels.size());
  uint64_t id = 0;
  for (auto& [level, number] : levels) {
    w.string(level);
    number = id++;
  }
  w.varint(counts.size());
  // Field by field: equal neighbours pack well.
  uint32_t stream = 0;
  int64_t bucket = 0;
  for (const BlockCount& c : counts) {
    w.varint(c.stream - stream);
    stream = c.stream;
  }
  for (const BlockCount& c : counts) {
    w.zigzag(c.bucket - bucket);
    bucket = c.bucket;
  }
  for (const BlockCount& c : counts) w.varint(levels[c.level]);
  for (const BlockCount& c : counts) w.varint(c.rows);
  for (const BlockCount& c : counts) w.varint(c.line_bytes);
  for (const BlockCount& c : counts) w.varint(c.metadata_bytes);
}

namespace {

int64_t from_zigzag(uint64_t v) {
  return static_cast<int64_t>(v >> 1) ^ -static_cast<int64_t>(v & 1);
}

/// Puts the varint at `at` into *v and gives the place behind it; null when there is none.
const char* read_varint(const char* at, const char* end, uint64_t* v) {
  ByteReader in({at, static_cast<size_t>(end - at)});
  *v = in.varint();
  return in.failed() ? nullptr : at + in.position();
}

/// Calls `take(count, value)` for every entry with the next varint, of one or two bytes nearly always, and gives the
/// place behind them; null when there are not as many.
template <typename Take>
const char* read_field(const char* at, const char* end, std::vector<BlockCount>* counts, Take take) {
  if (at == nullptr) return nullptr;
  constexpr uint64_t kHighBits = 0x8080808080808080;
  const auto byte = [&at](size_t i) { return static_cast<uint8_t>(at[i]); };
  const size_t n = counts->size();
  for (size_t i = 0; i < n;) {
    BlockCount* const c = &(*counts)[i];
    uint64_t eight = kHighBits;
    if (end - at >= 8 && n - i >= 8) std::memcpy(&eight, at, sizeof eight);
    if ((eight & kHighBits) == 0) {
      for (size_t k = 0; k < 8; ++k) take(c + k, eight >> (8 * k) & 0x7f);
      at += 8;
      i += 8;
      continue;
    }
    ++i;
    if (at != end && byte(0) < 0x80) {
      take(c, uint64_t{byte(0)});
      at += 1;
    } else if (end - at >= 2 && byte(1) < 0x80) {
      take(c, (byte(0) & 0x7fu) | uint64_t{byte(1)} << 7);
      at += 2;
    } else {
      uint64_t v = 0;
      at = read_varint(at, end, &v);
      if (at == nullptr) return nullptr;
      take(c, v);
    }
  }
  return at;
}

uint32_t as_stream(uint64_t v) {
  return static_cast<uint32_t>(std::min<uint64_t>(v, UINT32_MAX));
}

/// Reads the fields as they stand: a stream and a bucket as what they add to those of the entry before.
class CountReader {
 public:
  CountReader(std::span<const std::string_view> levels, std::vector<BlockCount>* counts)
      : levels_(levels), counts_(counts) {}

  bool by_entry(ByteReader* in) {
    for (BlockCount& c : *counts_) {
      c.stream = as_stream(in->varint());
      c.bucket = in->zigzag();
      take_level(&c, in->varint());
      c.rows = in->varint();
      c.line_bytes = in->varint();
      c.metadata_bytes = in->varint();
    }
    return levels_known_;
  }
  bool by_field(ByteReader* in) {
    const std::string_view rest = in->bytes(in->remaining());
    const char* const end = rest.data() + rest.size();
    const char* at = rest.data();
    at = read_field(at, end, counts_, [](BlockCount* c, uint64_t v) { c->stream = as_stream(v); });
    at = read_field(at, end, counts_, [](BlockCount* c, uint64_t v) { c->bucket = from_zigzag(v); });
    at = read_field(at, end, counts_, [this](BlockCount* c, uint64_t v) { take_level(c, v); });
    at = read_field(at, end, counts_, [](BlockCount* c, uint64_t v) { c->rows = v; });
    at = read_field(at, end, counts_, [](BlockCount* c, uint64_t v) { c->line_bytes = v; });
    at = read_field(at, end, counts_, [](BlockCount* c, uint64_t v) { c->metadata_bytes = v; });
    if (at != end) in->fail();
    return levels_known_;
  }

 private:
  void take_level(BlockCount* c, uint64_t level) {
    levels_known_ = levels_known_ && level < levels_.size();
    if (levels_known_) c->level = levels_[level];
  }
  std::span<const std::string_view> levels_;
  std::vector<BlockCount>* counts_;
  bool levels_known_ = true;
};

}  // namespace

Result<std::vector<BlockCount>> decode_counts(std::string_view raw, uint8_t version, size_t streams) {
  ByteReader in(raw);
  const uint64_t level_count = in.count(1);
  std::vector<std::string_view> levels;
  levels.reserve(level_count);
  for (uint64_t i = 0; i < level_count; ++i) levels.push_back(in.string());
  const uint64_t n = in.count(6);
  std::vector<BlockCount> counts(n);
  CountReader reader(levels, &counts);
  const bool levels_known = version == 1 ? reader.by_entry(&in) : reader.by_field(&in);
  TRY(in.finish("block counts"));
  uint64_t stream = 0;
  uint64_t bucket = 0;
  for (BlockCount& c : counts) {
    stream += c.stream;
    bucket += static_cast<uint64_t>(c.bucket);
    if (stream >= streams || !levels_known) return Error::corrupt("block counts: stream or level out of range");
    c.stream = static_cast<uint32_t>(stream);
    c.bucket = static_cast<int64_t>(bucket);
  }
  return counts;
}

}  // namespace cordwood
