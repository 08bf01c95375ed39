// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/coding.h"
#include "storage/base/result.h"
#include "storage/column_bits.h"
#include "storage/row_bits.h"

namespace cordwood {

/// Scratch of encode_ints, kept between calls.
struct IntEncoderBuffers {
  std::vector<uint64_t> packed;
  std::vector<int64_t> table;
  std::vector<uint16_t> places;  ///< by value minus the smallest: 1 + its place in the table
};

/// Appends one frame of integers in the cheapest of its modes (storage/FORMAT.md, "integers"): frame of reference,
/// delta, or a table of distinct values with ids.  Any int64 values, at least one.
void encode_ints(std::span<const int64_t> values, IntEncoderBuffers* buffers, std::string* out);
/// The same in groups of kIntGroup, each as wide as it must be: for numbers that rise, but start anew now and then.
inline constexpr uint32_t kIntGroup = 128;
void encode_grouped_ints(std::span<const int64_t> values, IntEncoderBuffers* buffers, std::string* out);

/// A frame that encode_ints wrote.  Reads in place: the bytes must outlive it, with kBitPadding readable behind.
class IntFrame {
 public:
  /// corrupt when the bytes cannot hold `count` values.  `data` is without the padding.
  static Result<IntFrame> parse(std::string_view data, uint32_t count);
  uint32_t count() const { return count_; }
  /// Value `index` < count(); constant time (delta and grouped frames are decoded by parse).
  int64_t get(uint32_t index) const;
  void decode(int64_t* out) const;
  uint64_t memory_bytes() const { return values_.capacity() * sizeof(int64_t); }

  /// All values of a frame, for those who need no other way to them: nothing is decoded twice or kept.
  static Result<void> decode(std::string_view data, uint32_t count, int64_t* out);
  /// The same for ids; corrupt when one is not below `bound`.
  static Result<void> decode_ids(std::string_view data, uint32_t count, uint32_t bound, uint32_t* out);
  /// Sets the bits first + i of the values that pass; `test` is asked once for each value that a table or few bits
  /// can be.
  template <typename Test>
  static Result<void> find(std::string_view data, uint32_t count, Test&& test, uint32_t first, RowBits* found);

  static constexpr size_t kMaxTable = 256;

 private:
  enum class Mode : uint8_t { reference = 0, delta = 1, table = 2, groups = 3 };
  friend void encode_ints(std::span<const int64_t> values, IntEncoderBuffers* buffers, std::string* out);
  friend void encode_grouped_ints(std::span<const int64_t> values, IntEncoderBuffers* buffers, std::string* out);
  /// Everything but the values of deltas and groups; `in` stands behind the mode of groups.
  static Result<IntFrame> parse_head(std::string_view data, uint32_t count, ByteReader* in);
  static Result<void> decode_groups(ByteReader* in, std::string_view data, uint32_t count, int64_t* out);
  void decode_deltas(int64_t* out) const;
  Mode mode_ = Mode::reference;
  uint32_t width_ = 0;
  uint32_t count_ = 0;
  uint64_t base_ = 0;
  uint64_t step_ = 0;  ///< delta: smallest difference
  uint64_t scale_ = 1;
  const char* bits_ = nullptr;
  std::vector<int64_t> values_;  ///< table: its entries; delta and groups: every value
};

template <typename Test>
Result<void> IntFrame::find(std::string_view data, uint32_t count, Test&& test, uint32_t first, RowBits* found) {
  ByteReader in(data);
  TRY_ASSIGN(const IntFrame f, parse_head(data, count, &in));
  FlagAppender out(found, first);
  const uint32_t few = f.width_ <= 8 ? uint32_t{1} << f.width_ : UINT32_MAX;
  if (f.mode_ == Mode::table || (f.mode_ == Mode::reference && few <= count)) {
    uint8_t passes[kMaxTable];
    uint32_t passing = 0;
    for (uint32_t id = 0; id < few; ++id) {
      const size_t known = f.mode_ == Mode::table && id >= f.values_.size() ? 0 : id;
      const bool passed =
          test(f.mode_ == Mode::table ? f.values_[known] : static_cast<int64_t>(f.base_ + f.scale_ * id));
      passes[id] = passed ? 1 : 0;
      passing += passes[id];
    }
    const auto take = [&](uint64_t id) CORDWOOD_INLINE { out.append(passes[id]); };
    if (passing > 0) for_each_bits(f.bits_, count, f.width_, take);
    return {};
  }
  std::vector<int64_t> values(count);
  TRY(decode(data, count, values.data()));
  for (const int64_t value : values) out.append(test(value) ? 1 : 0);
  return {};
}

}  // namespace cordwood
