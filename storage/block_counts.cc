// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <map>

#include "storage/base/coding.h"
#include "storage/block_entry.h"
#include "storage/count_columns.h"

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

/// Puts the next varint, of one or two bytes nearly always, into each of `out`, as `convert` makes it, and gives the
/// place behind them; null when there are not as many.
template <auto convert, typename Value>
const char* read_field(const char* at, const char* end, std::vector<Value>* out) {
  if (at == nullptr) return nullptr;
  constexpr uint64_t kHighBits = 0x8080808080808080;
  const auto byte = [&at](size_t i) { return static_cast<uint8_t>(at[i]); };
  const size_t n = out->size();
  Value* const values = out->data();
  for (size_t i = 0; i < n;) {
    uint64_t eight = kHighBits;
    if (end - at >= 8 && n - i >= 8) std::memcpy(&eight, at, sizeof eight);
    if ((eight & kHighBits) == 0) {
      for (size_t k = 0; k < 8; ++k) values[i + k] = convert(eight >> (8 * k) & 0x7f);
      at += 8;
      i += 8;
      continue;
    }
    if (at != end && byte(0) < 0x80) {
      values[i++] = convert(byte(0));
      at += 1;
    } else if (end - at >= 2 && byte(1) < 0x80) {
      values[i++] = convert((byte(0) & 0x7fu) | uint64_t{byte(1)} << 7);
      at += 2;
    } else {
      uint64_t v = 0;
      at = read_varint(at, end, &v);
      if (at == nullptr) return nullptr;
      values[i++] = convert(v);
    }
  }
  return at;
}

uint32_t as_number(uint64_t v) {
  return static_cast<uint32_t>(std::min<uint64_t>(v, UINT32_MAX));
}

uint64_t as_it_is(uint64_t v) {
  return v;
}

/// Reads the fields as they stand: a stream and a bucket as what they add to those of the entry before.
void read_entries(ByteReader* in, CountColumns* out) {
  for (size_t i = 0; i < out->size(); ++i) {
    out->streams[i] = as_number(in->varint());
    out->buckets[i] = in->zigzag();
    out->level_ids[i] = as_number(in->varint());
    out->rows[i] = in->varint();
    out->line_bytes[i] = in->varint();
    out->metadata_bytes[i] = in->varint();
  }
}

void read_fields(CountValues values, ByteReader* in, CountColumns* out) {
  const std::string_view rest = in->bytes(in->remaining());
  const char* const end = rest.data() + rest.size();
  const char* at = read_field<as_number>(rest.data(), end, &out->streams);
  at = read_field<from_zigzag>(at, end, &out->buckets);
  at = read_field<as_number>(at, end, &out->level_ids);
  at = read_field<as_it_is>(at, end, &out->rows);
  if (values >= CountValues::line_bytes) at = read_field<as_it_is>(at, end, &out->line_bytes);
  if (values >= CountValues::all) at = read_field<as_it_is>(at, end, &out->metadata_bytes);
  if (at == nullptr || (values == CountValues::all && at != end)) in->fail();
}

/// Makes of differences what they add up to; false when a stream or level is out of range.
bool add_up(size_t streams, CountColumns* out) {
  uint64_t stream = 0;
  uint64_t bucket = 0;
  uint32_t last_level = 0;
  for (size_t i = 0; i < out->size(); ++i) {
    stream += out->streams[i];
    if (stream >= streams) return false;
    out->streams[i] = static_cast<uint32_t>(stream);
    bucket += static_cast<uint64_t>(out->buckets[i]);
    out->buckets[i] = static_cast<int64_t>(bucket);
    last_level = std::max(last_level, out->level_ids[i]);
  }
  return out->size() == 0 || last_level < out->levels.size();
}

}  // namespace

Result<void> decode_counts(std::string_view raw, uint8_t version, size_t streams, CountValues values,
                           CountColumns* out) {
  ByteReader in(raw);
  const uint64_t level_count = in.count(1);
  out->levels.clear();
  for (uint64_t i = 0; i < level_count; ++i) out->levels.push_back(in.string());
  const uint64_t n = in.count(6);
  if (version == 1) values = CountValues::all;
  out->streams.resize(n);
  out->buckets.resize(n);
  out->level_ids.resize(n);
  out->rows.resize(n);
  out->line_bytes.resize(values >= CountValues::line_bytes ? n : 0);
  out->metadata_bytes.resize(values >= CountValues::all ? n : 0);
  if (version == 1) {
    read_entries(&in, out);
  } else {
    read_fields(values, &in, out);
  }
  TRY(version == 1 ? in.finish("block counts") : in.status("block counts"));
  if (!add_up(streams, out)) return Error::corrupt("block counts: stream or level out of range");
  return {};
}

}  // namespace cordwood
