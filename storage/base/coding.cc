// SPDX-License-Identifier: Apache-2.0
#include "storage/base/coding.h"

namespace cordwood {

uint64_t ByteReader::long_varint() {
  uint64_t v = 0;
  size_t at = position_;
  for (int shift = 0; shift < 64 && at < data_.size(); shift += 7) {
    const auto byte = static_cast<uint8_t>(data_[at++]);
    if (shift == 63 && byte > 1) break;
    v |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) != 0) continue;
    position_ = at;
    return v;
  }
  fail();
  return 0;
}

std::string_view ByteReader::bytes(uint64_t size) {
  if (remaining() < size) {
    fail();
    return {};
  }
  const std::string_view v = data_.substr(position_, size);
  position_ += size;
  return v;
}

uint64_t ByteReader::count(size_t min_item_bytes) {
  const uint64_t n = varint();
  if (n > remaining() / min_item_bytes) {
    fail();
    return 0;
  }
  return n;
}

Result<void> ByteReader::status(std::string_view what) const {
  if (failed_) return Error::corrupt(fmt::format("{}: bytes end early or a number is malformed", what));
  return {};
}

Result<void> ByteReader::finish(std::string_view what) const {
  TRY(status(what));
  if (remaining() > 0) return Error::corrupt(fmt::format("{}: {} bytes left over", what, remaining()));
  return {};
}

}  // namespace cordwood
