// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace cordwood::ingest {

/// Reads the fields of one protobuf message.  Fields whose wire type does not fit are skipped by the caller with
/// skip(), as unknown fields are.  The first mistake makes next() say no and failed() true.
class ProtoReader {
 public:
  enum Wire : uint8_t { varint_wire = 0, fixed64_wire = 1, bytes_wire = 2, fixed32_wire = 5 };

  explicit ProtoReader(std::string_view message)
      : p_(reinterpret_cast<const uint8_t*>(message.data())), end_(p_ + message.size()) {}

  /// Reads the next tag; false at the end or at a mistake.
  bool next() {
    if (failed_ || p_ == end_) return false;
    const uint64_t tag = varint();
    field_ = static_cast<uint32_t>(tag >> 3);
    wire_ = static_cast<uint8_t>(tag & 7);
    if (field_ == 0 || tag >> 3 > UINT32_MAX >> 3) failed_ = true;
    return !failed_;
  }
  uint32_t field() const { return field_; }
  bool is(uint32_t field, Wire wire) const { return field_ == field && wire_ == wire; }

  uint64_t varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
      if (p_ == end_) break;
      const uint8_t byte = *p_++;
      value |= static_cast<uint64_t>(byte & 0x7F) << (shift < 64 ? shift : 63);
      if (byte < 0x80) return value;
    }
    failed_ = true;
    return 0;
  }
  std::string_view bytes() {
    const uint64_t size = varint();
    if (failed_ || size > static_cast<uint64_t>(end_ - p_)) {
      failed_ = true;
      return {};
    }
    const std::string_view out(reinterpret_cast<const char*>(p_), size);
    p_ += size;
    return out;
  }
  uint64_t fixed64() { return fixed<uint64_t>(); }
  uint32_t fixed32() { return fixed<uint32_t>(); }
  double real() {
    const uint64_t bits = fixed64();
    double value = 0;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }
  void skip() {
    switch (wire_) {
      case varint_wire: varint(); return;
      case fixed64_wire: fixed64(); return;
      case bytes_wire: bytes(); return;
      case fixed32_wire: fixed32(); return;
      default: failed_ = true;  // groups are not used by any message we take
    }
  }
  bool failed() const { return failed_; }

 private:
  template <typename T>
  T fixed() {
    T value{};
    if (static_cast<size_t>(end_ - p_) < sizeof value) {
      failed_ = true;
      return value;
    }
    std::memcpy(&value, p_, sizeof value);
    p_ += sizeof value;
    return value;
  }
  const uint8_t* p_;
  const uint8_t* end_;
  uint32_t field_ = 0;
  uint8_t wire_ = 0;
  bool failed_ = false;
};

}  // namespace cordwood::ingest
