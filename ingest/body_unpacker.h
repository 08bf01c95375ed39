// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "storage/base/memory_accountant.h"
#include "storage/wal_format.h"

namespace cordwood::ingest {

/// Bytes that grow without being cleared first, each growth asked of a reservation (which may be null) beforehand.
class ReservedBuffer {
 public:
  explicit ReservedBuffer(MemoryReservation* memory) : memory_(memory) {}
  /// Room for at least `capacity` bytes; false when the share has not that much left.
  bool reserve(uint64_t capacity);
  /// Room for one byte more at least, at most doubling and never beyond `limit`.
  bool grow(uint64_t limit);
  char* data() { return data_.get(); }
  uint64_t capacity() const { return capacity_; }
  uint64_t size = 0;
  std::string_view view() const { return {data_.get(), size}; }

 private:
  struct Free {
    void operator()(char* p) const { std::free(p); }
  };
  MemoryReservation* memory_;
  std::unique_ptr<char, Free> data_;
  uint64_t capacity_ = 0;
};

struct UnpackFailure {
  enum class Kind : uint8_t { malformed, too_large, no_memory };
  Kind kind = Kind::malformed;
  std::string text;
};

/// Unpacks a body into `out`.  Never holds more than `max_bytes` (and what the reservation grants); a size announced
/// in a header is checked before anything is unpacked.  `none` copies nothing: use the body itself.
std::optional<UnpackFailure> unpack_body(BodyEncoding encoding, std::string_view packed, uint64_t max_bytes,
                                         ReservedBuffer* out);

}  // namespace cordwood::ingest
