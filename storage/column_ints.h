// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/coding.h"
#include "storage/base/result.h"

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

 private:
  enum class Mode : uint8_t { reference = 0, delta = 1, table = 2, groups = 3 };
  friend void encode_ints(std::span<const int64_t> values, IntEncoderBuffers* buffers, std::string* out);
  friend void encode_grouped_ints(std::span<const int64_t> values, IntEncoderBuffers* buffers, std::string* out);
  static Result<IntFrame> parse_groups(ByteReader* in, std::string_view data, uint32_t count);
  Mode mode_ = Mode::reference;
  uint32_t width_ = 0;
  uint32_t count_ = 0;
  uint64_t base_ = 0;
  uint64_t step_ = 0;  ///< delta: smallest difference
  uint64_t scale_ = 1;
  const char* bits_ = nullptr;
  std::vector<int64_t> values_;  ///< table: its entries; delta and groups: every value
};

}  // namespace cordwood
