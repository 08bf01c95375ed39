// SPDX-License-Identifier: Apache-2.0
#include "storage/column_ints.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "storage/base/coding.h"
#include "storage/column_bits.h"

namespace cordwood {

namespace {

constexpr size_t kMaxTable = IntFrame::kMaxTable;
/// Beyond this many distinct values among the first ones a table is given up.
constexpr size_t kTableProbe = 1024;
/// So many different ones among the very first values tell that there is no table: 256 values, each as likely as any
/// other, have 162 different ones in 256.
constexpr size_t kFirstProbe = 256;
constexpr size_t kFirstProbeDistinct = 200;
/// In the byte with a group's width: it holds differences.
constexpr uint8_t kGroupOfDeltas = 0x80;

uint64_t as_unsigned(int64_t v) {
  return static_cast<uint64_t>(v);
}

/// Greatest common divisor of the offsets from `base`; stops at 1.
uint64_t common_step(std::span<const int64_t> values, uint64_t base) {
  uint64_t step = 0;
  for (const int64_t v : values) {
    step = std::gcd(step, as_unsigned(v) - base);
    if (step == 1) return 1;
  }
  return step == 0 ? 1 : step;
}

/// Distinct values in ascending order; empty when there are more than a table may hold.
void collect_table(std::span<const int64_t> values, std::vector<int64_t>* table) {
  table->clear();
  int64_t last = values[0];
  table->push_back(last);
  for (const int64_t v : values) {
    if (v == last) continue;
    last = v;
    const auto at = std::lower_bound(table->begin(), table->end(), v);
    if (at != table->end() && *at == v) continue;
    table->insert(at, v);
    if (table->size() > kMaxTable) break;
  }
  if (table->size() > kMaxTable) table->clear();
}

/// Values that lie so near one another are told apart by a mark for each.
constexpr uint64_t kNear = 4096;

/// What collect_table() and its probes find, for values below `min` + kNear.
void collect_near(std::span<const int64_t> values, int64_t min, IntEncoderBuffers* buffers) {
  buffers->table.clear();
  std::vector<uint16_t>& seen = buffers->places;
  seen.assign(kNear, 0);
  size_t distinct = 0;
  size_t i = 0;
  const auto look_until = [&](size_t end) {
    for (end = std::min(end, values.size()); i < end; ++i) {
      uint16_t& mark = seen[as_unsigned(values[i]) - as_unsigned(min)];
      distinct += mark == 0;
      mark = 1;
    }
  };
  look_until(kFirstProbe);
  if (distinct >= kFirstProbeDistinct) return;
  for (const size_t probe : {kTableProbe, values.size()}) {
    look_until(probe);
    if (distinct > kMaxTable) return;
  }
  for (size_t v = 0; v < kNear; ++v) {
    if (seen[v] == 0) continue;
    buffers->table.push_back(min + static_cast<int64_t>(v));
    seen[v] = static_cast<uint16_t>(buffers->table.size());
  }
}

/// Bits that the entries of a table take.
uint64_t table_bits(const std::vector<int64_t>& table) {
  uint64_t bits = 64;
  for (size_t i = 1; i < table.size(); ++i) {
    bits += 8 + bit_width_of(as_unsigned(table[i]) - as_unsigned(table[i - 1])) / 7 * 8;
  }
  return bits;
}

struct Extent {
  int64_t min;
  int64_t max;
};

Extent extent_of(std::span<const int64_t> values) {
  Extent e{values[0], values[0]};
  for (const int64_t v : values) {
    e.min = std::min(e.min, v);
    e.max = std::max(e.max, v);
  }
  return e;
}

/// Smallest and largest difference of neighbours; false when one leaves int64 or their extent does.
bool delta_extent(std::span<const int64_t> values, Extent* out) {
  int64_t lo = INT64_MAX;
  int64_t hi = INT64_MIN;
  for (size_t i = 1; i < values.size(); ++i) {
    int64_t d;
    if (__builtin_sub_overflow(values[i], values[i - 1], &d)) return false;
    lo = std::min(lo, d);
    hi = std::max(hi, d);
  }
  *out = {lo, hi};
  return true;
}

void write_reference(std::span<const int64_t> values, Extent e, std::vector<uint64_t>* packed, std::string* out) {
  const uint64_t base = as_unsigned(e.min);
  const uint64_t scale = common_step(values, base);
  packed->resize(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    const uint64_t offset = as_unsigned(values[i]) - base;
    (*packed)[i] = scale == 1 ? offset : offset / scale;
  }
  const uint32_t width = bit_width_of((as_unsigned(e.max) - base) / scale);
  ByteWriter w(out);
  w.zigzag(e.min);
  w.varint(scale);
  w.u8(static_cast<uint8_t>(width));
  pack_bits(*packed, width, out);
}

void write_delta(std::span<const int64_t> values, Extent e, std::vector<uint64_t>* packed, std::string* out) {
  const uint64_t step = as_unsigned(e.min);
  packed->resize(values.size() - 1);
  uint64_t scale = 0;
  for (size_t i = 1; i < values.size(); ++i) {
    const uint64_t offset = as_unsigned(values[i]) - as_unsigned(values[i - 1]) - step;
    (*packed)[i - 1] = offset;
    if (scale != 1) scale = std::gcd(scale, offset);
  }
  if (scale == 0) scale = 1;
  if (scale != 1)
    for (uint64_t& v : *packed) v /= scale;
  const uint32_t width = bit_width_of((as_unsigned(e.max) - step) / scale);
  ByteWriter w(out);
  w.zigzag(values[0]);
  w.zigzag(e.min);
  w.varint(scale);
  w.u8(static_cast<uint8_t>(width));
  pack_bits(*packed, width, out);
}

/// `near`: the table was made by collect_near().
void write_table(std::span<const int64_t> values, bool near, IntEncoderBuffers* buffers, std::string* out) {
  const std::vector<int64_t>& table = buffers->table;
  std::vector<uint64_t>* packed = &buffers->packed;
  packed->resize(values.size());
  int64_t last = table[0];
  uint64_t last_id = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    if (near) {
      last_id = buffers->places[as_unsigned(values[i]) - as_unsigned(table[0])] - 1u;
    } else if (values[i] != last) {
      last = values[i];
      last_id = static_cast<uint64_t>(std::lower_bound(table.begin(), table.end(), last) - table.begin());
    }
    (*packed)[i] = last_id;
  }
  ByteWriter w(out);
  w.varint(table.size());
  w.zigzag(table[0]);
  for (size_t i = 1; i < table.size(); ++i) w.varint(as_unsigned(table[i]) - as_unsigned(table[i - 1]));
  const uint32_t width = bit_width_of(table.size() - 1);
  w.u8(static_cast<uint8_t>(width));
  pack_bits(*packed, width, out);
}

}  // namespace

void encode_ints(std::span<const int64_t> values, IntEncoderBuffers* buffers, std::string* out) {
  CHECK(!values.empty(), "a frame holds at least one value");
  const Extent e = extent_of(values);
  const uint32_t reference_width = bit_width_of(as_unsigned(e.max) - as_unsigned(e.min));
  const bool near = as_unsigned(e.max) - as_unsigned(e.min) < kNear;
  uint32_t best_width = reference_width;
  IntFrame::Mode mode = IntFrame::Mode::reference;
  if (reference_width > 2) {
    Extent d{};
    if (values.size() > 2 && delta_extent(values, &d)) {
      const uint32_t delta_width = bit_width_of(as_unsigned(d.max) - as_unsigned(d.min));
      if (delta_width + 1 < best_width) {
        best_width = delta_width;
        mode = IntFrame::Mode::delta;
      }
    }
    if (near) {
      collect_near(values, e.min, buffers);
    } else {
      collect_table(values.first(std::min(values.size(), kFirstProbe)), &buffers->table);
      if (buffers->table.size() >= kFirstProbeDistinct) buffers->table.clear();
      for (const size_t probe : {kTableProbe, values.size()})
        if (!buffers->table.empty()) collect_table(values.first(std::min(values.size(), probe)), &buffers->table);
    }
    const uint64_t n = buffers->table.size();
    if (n > 0 && bit_width_of(n - 1) * values.size() + table_bits(buffers->table) < best_width * values.size()) {
      mode = IntFrame::Mode::table;
    }
  }
  ByteWriter(out).u8(static_cast<uint8_t>(mode));
  switch (mode) {
    case IntFrame::Mode::reference: write_reference(values, e, &buffers->packed, out); return;
    case IntFrame::Mode::delta: {
      Extent d{};
      delta_extent(values, &d);
      write_delta(values, d, &buffers->packed, out);
      return;
    }
    case IntFrame::Mode::table: write_table(values, near, buffers, out); return;
    case IntFrame::Mode::groups: break;
  }
}

void encode_grouped_ints(std::span<const int64_t> values, IntEncoderBuffers* buffers, std::string* out) {
  CHECK(!values.empty(), "a frame holds at least one value");
  ByteWriter w(out);
  w.u8(static_cast<uint8_t>(IntFrame::Mode::groups));
  for (size_t i = 0; i < values.size(); i += kIntGroup) {
    const auto group = values.subspan(i, std::min<size_t>(kIntGroup, values.size() - i));
    const Extent e = extent_of(group);
    uint32_t width = bit_width_of(as_unsigned(e.max) - as_unsigned(e.min));
    Extent d{};
    const bool delta = group.size() > 2 && delta_extent(group, &d) &&
                       bit_width_of(as_unsigned(d.max) - as_unsigned(d.min)) + 1 < width;
    if (delta) width = bit_width_of(as_unsigned(d.max) - as_unsigned(d.min));
    w.u8(static_cast<uint8_t>(width | (delta ? kGroupOfDeltas : 0)));
    w.zigzag(delta ? group[0] : e.min);
    if (delta) w.zigzag(d.min);
    buffers->packed.clear();
    for (size_t k = delta ? 1 : 0; k < group.size(); ++k) {
      const uint64_t from = delta ? as_unsigned(group[k - 1]) + as_unsigned(d.min) : as_unsigned(e.min);
      buffers->packed.push_back(as_unsigned(group[k]) - from);
    }
    pack_bits(buffers->packed, width, out);
  }
}

Result<IntFrame> IntFrame::parse_head(std::string_view data, uint32_t count, ByteReader* in) {
  IntFrame f;
  f.count_ = count;
  const uint8_t mode = in->u8();
  if (mode > static_cast<uint8_t>(Mode::groups) || count == 0) return Error::corrupt("integer frame: unknown mode");
  f.mode_ = static_cast<Mode>(mode);
  if (f.mode_ == Mode::groups) {
    if (count / kIntGroup > data.size()) return Error::corrupt("integer frame: too few groups");
    return f;
  }
  uint64_t packed_count = count;
  if (f.mode_ == Mode::table) {
    const uint64_t n = in->count(1);
    if (n == 0 || n > kMaxTable) return Error::corrupt("integer frame: table size out of range");
    f.values_.reserve(n);
    uint64_t v = as_unsigned(in->zigzag());
    f.values_.push_back(static_cast<int64_t>(v));
    for (uint64_t i = 1; i < n; ++i) {
      v += in->varint();
      f.values_.push_back(static_cast<int64_t>(v));
    }
  } else {
    f.base_ = as_unsigned(in->zigzag());
    if (f.mode_ == Mode::delta) {
      f.step_ = as_unsigned(in->zigzag());
      packed_count = count - 1;
    }
    f.scale_ = in->varint();
  }
  f.width_ = in->u8();
  TRY(in->status("integer frame"));
  if (f.width_ > 64 || in->remaining() != packed_bytes(packed_count, f.width_)) {
    return Error::corrupt("integer frame: bits do not match the count");
  }
  f.bits_ = data.data() + in->position();
  if (f.mode_ == Mode::table && f.width_ > 8) return Error::corrupt("integer frame: ids too wide");
  return f;
}

Result<IntFrame> IntFrame::parse(std::string_view data, uint32_t count) {
  ByteReader in(data);
  TRY_ASSIGN(IntFrame f, parse_head(data, count, &in));
  if (f.mode_ == Mode::groups || f.mode_ == Mode::delta) {
    std::vector<int64_t> all(count);
    if (f.mode_ == Mode::groups) TRY(decode_groups(&in, data, count, all.data()));
    if (f.mode_ == Mode::delta) f.decode_deltas(all.data());
    f.values_ = std::move(all);
  }
  return f;
}

Result<void> IntFrame::decode(std::string_view data, uint32_t count, int64_t* out) {
  ByteReader in(data);
  TRY_ASSIGN(const IntFrame f, parse_head(data, count, &in));
  switch (f.mode_) {
    case Mode::groups: return decode_groups(&in, data, count, out);
    case Mode::delta: f.decode_deltas(out); return {};
    case Mode::reference:
    case Mode::table: f.decode(out);
  }
  return {};
}

void IntFrame::decode_deltas(int64_t* out) const {
  const uint64_t step = step_;
  const uint64_t scale = scale_;
  uint64_t v = base_;
  *out++ = static_cast<int64_t>(v);
  for_each_bits(bits_, count_ - 1, width_, [&](uint64_t offset) CORDWOOD_INLINE {
    v += step + scale * offset;
    *out++ = static_cast<int64_t>(v);
  });
}

Result<void> IntFrame::decode_groups(ByteReader* in, std::string_view data, uint32_t count, int64_t* out) {
  for (uint32_t done = 0; done < count;) {
    const auto values = std::min(kIntGroup, count - done);
    const uint8_t head = in->u8();
    const bool delta = (head & kGroupOfDeltas) != 0;
    const uint32_t width = head & (kGroupOfDeltas - 1);
    uint64_t v = as_unsigned(in->zigzag());
    const uint64_t step = delta ? as_unsigned(in->zigzag()) : 0;
    const uint32_t packed = delta ? values - 1 : values;
    const char* const bits = data.data() + in->position();
    if (width > 64 || in->bytes(packed_bytes(packed, std::min(width, 64u))).size() != packed_bytes(packed, width))
      return Error::corrupt("integer frame: bits of a group do not match its count");
    if (delta) *out++ = static_cast<int64_t>(v);
    if (delta) {
      for_each_bits(bits, packed, width, [&](uint64_t offset) CORDWOOD_INLINE {
        v += step + offset;
        *out++ = static_cast<int64_t>(v);
      });
    } else {
      for_each_bits(bits, packed, width,
                    [&](uint64_t offset) CORDWOOD_INLINE { *out++ = static_cast<int64_t>(v + offset); });
    }
    done += values;
  }
  return in->finish("integer frame");
}

Result<void> IntFrame::decode_ids(std::string_view data, uint32_t count, uint32_t bound, uint32_t* out) {
  const auto out_of_range = [] { return Error::corrupt("integer frame: an id is out of range"); };
  const auto in_range = [bound](int64_t v) { return v >= 0 && v < int64_t{bound}; };
  ByteReader in(data);
  TRY_ASSIGN(const IntFrame f, parse_head(data, count, &in));
  if (f.mode_ == Mode::table) {
    if (!std::all_of(f.values_.begin(), f.values_.end(), in_range)) return out_of_range();
    uint32_t table[kMaxTable];  // ids that are out of range count as the first
    for (size_t i = 0; i < kMaxTable; ++i) table[i] = static_cast<uint32_t>(f.values_[i < f.values_.size() ? i : 0]);
    for_each_bits(f.bits_, count, f.width_, [&](uint64_t id) CORDWOOD_INLINE { *out++ = table[id]; });
    return {};
  }
  constexpr uint32_t kNarrow = 32;
  if (f.mode_ == Mode::reference && f.base_ < bound && f.scale_ <= bound && f.width_ <= kNarrow) {
    const uint64_t base = f.base_;
    const uint64_t scale = f.scale_;
    bool odd = false;
    for_each_bits(f.bits_, count, f.width_, [&](uint64_t offset) CORDWOOD_INLINE {
      const uint64_t v = base + scale * offset;
      odd |= v >= bound;
      *out++ = static_cast<uint32_t>(v);
    });
    return odd ? Result<void>(out_of_range()) : Result<void>();
  }
  std::vector<int64_t> all(count);
  TRY(decode(data, count, all.data()));
  if (!std::all_of(all.begin(), all.end(), in_range)) return out_of_range();
  std::copy(all.begin(), all.end(), out);
  return {};
}

int64_t IntFrame::get(uint32_t index) const {
  switch (mode_) {
    case Mode::reference: return static_cast<int64_t>(base_ + scale_ * read_bits(bits_, index, width_));
    case Mode::delta:
    case Mode::groups: return values_[index];
    case Mode::table: break;
  }
  const uint64_t id = read_bits(bits_, index, width_);
  return id < values_.size() ? values_[id] : values_[0];
}

void IntFrame::decode(int64_t* out) const {
  if (mode_ == Mode::delta || mode_ == Mode::groups) {
    std::copy(values_.begin(), values_.end(), out);
    return;
  }
  // Kept apart from members, which the stores below might change for all the compiler knows.
  const uint64_t base = base_;
  const uint64_t scale = scale_;
  if (mode_ == Mode::table) {
    int64_t table[kMaxTable];  // ids that are out of range count as the first
    for (size_t i = 0; i < kMaxTable; ++i) table[i] = i < values_.size() ? values_[i] : values_[0];
    for_each_bits(bits_, count_, width_, [&](uint64_t id) CORDWOOD_INLINE { *out++ = table[id]; });
    return;
  }
  for_each_bits(bits_, count_, width_,
                [&](uint64_t offset) CORDWOOD_INLINE { *out++ = static_cast<int64_t>(base + scale * offset); });
}

}  // namespace cordwood
