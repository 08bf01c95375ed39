// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "storage/base/result.h"

namespace cordwood {

static_assert(std::endian::native == std::endian::little, "files are little-endian and read in place");

/// Appends the primitive encodings of storage/FORMAT.md to a string.
class ByteWriter {
 public:
  explicit ByteWriter(std::string* out) : out_(out) {}
  void u8(uint8_t v) { out_->push_back(static_cast<char>(v)); }
  void u16(uint16_t v) { fixed(v); }
  void u32(uint32_t v) { fixed(v); }
  void u64(uint64_t v) { fixed(v); }
  void i64(int64_t v) { fixed(v); }
  /// LEB128, 1 to 10 bytes.
  void varint(uint64_t v) {
    while (v >= 0x80) {
      u8(static_cast<uint8_t>(v | 0x80));
      v >>= 7;
    }
    u8(static_cast<uint8_t>(v));
  }
  /// A signed value whose small magnitudes are short.
  void zigzag(int64_t v) { varint((static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63)); }
  void bytes(std::string_view v) { out_->append(v); }
  /// varint length, then the bytes.
  void string(std::string_view v) {
    varint(v.size());
    bytes(v);
  }
  size_t size() const { return out_->size(); }

 private:
  template <typename T>
  void fixed(T v) {
    char raw[sizeof v];
    std::memcpy(raw, &v, sizeof v);
    out_->append(raw, sizeof v);
  }
  std::string* out_;
};

/// Reads what ByteWriter wrote, from bytes that may be damaged.  The first read past the end (or bad varint)
/// makes it fail for good: every later read gives zero or empty, and finish() reports it.  So a decoder may read
/// straight through and ask once, as long as it bounds loops and allocations by remaining().
class ByteReader {
 public:
  explicit ByteReader(std::string_view data) : data_(data) {}
  uint8_t u8() { return fixed<uint8_t>(); }
  uint16_t u16() { return fixed<uint16_t>(); }
  uint32_t u32() { return fixed<uint32_t>(); }
  uint64_t u64() { return fixed<uint64_t>(); }
  int64_t i64() { return fixed<int64_t>(); }
  uint64_t varint() {
    // Most are a byte.
    if (position_ < data_.size() && static_cast<uint8_t>(data_[position_]) < 0x80) {
      return static_cast<uint8_t>(data_[position_++]);
    }
    return long_varint();
  }
  int64_t zigzag() {
    const uint64_t v = varint();
    return static_cast<int64_t>(v >> 1) ^ -static_cast<int64_t>(v & 1);
  }
  std::string_view bytes(uint64_t size);
  std::string_view string() { return bytes(varint()); }
  /// A varint count of items of at least `min_item_bytes` each; fails when the rest cannot hold so many.
  uint64_t count(size_t min_item_bytes);

  size_t remaining() const { return data_.size() - position_; }
  size_t position() const { return position_; }
  bool failed() const { return failed_; }
  void fail() {
    failed_ = true;
    position_ = data_.size();
  }
  /// corrupt, naming `what`, when a read failed or bytes are left over.
  Result<void> finish(std::string_view what) const;
  /// corrupt, naming `what`, when a read failed.
  Result<void> status(std::string_view what) const;

 private:
  uint64_t long_varint();
  template <typename T>
  T fixed() {
    T v{};
    if (remaining() < sizeof v) {
      fail();
      return v;
    }
    std::memcpy(&v, data_.data() + position_, sizeof v);
    position_ += sizeof v;
    return v;
  }
  std::string_view data_;
  size_t position_ = 0;
  bool failed_ = false;
};

}  // namespace cordwood
