// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <zstd.h>

#include <string>

namespace cordwood::ingest {

inline std::string zstd_packed(const std::string& raw) {
  std::string out(ZSTD_compressBound(raw.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), raw.data(), raw.size(), 1));
  return out;
}

}  // namespace cordwood::ingest
