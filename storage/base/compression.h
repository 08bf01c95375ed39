// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "storage/base/result.h"

namespace cordwood {

/// How the bytes of a piece are packed; the numbers are on disk.
enum class Codec : uint8_t { none = 0, lz4 = 1, zstd = 2 };

/// Appends the packed form of `raw` to `out`.  `level` is zstd's.  Threads: keeps a context per thread.
void compress(Codec codec, std::string_view raw, std::string* out, int level = 1);

/// Replaces `out` by the `raw_size` bytes that were packed; corrupt when they are not what comes out.
/// The caller has bounded raw_size.
Result<void> decompress(Codec codec, std::string_view packed, uint64_t raw_size, std::string* out);
/// The same into memory that has room for them.
Result<void> decompress(Codec codec, std::string_view packed, uint64_t raw_size, char* out);

}  // namespace cordwood
