// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <random>
#include <string>
#include <vector>

#include "storage/text_tokens.h"
#include "tests/storage/columns/block_fixture.h"

namespace cordwood::samples {

/// An id of hexadecimal digits: each seed has its own.
inline std::string hex_id(uint64_t seed, size_t digits) {
  std::mt19937_64 random(seed);
  std::string out;
  while (out.size() < digits) out += fmt::format("{:016x}", random());
  return out.substr(0, digits);
}

/// Ids whose hashes fall together, as whoever chooses ids can have them: so many that their buckets are flooded.
inline std::vector<std::string> flooding_ids() {
  std::vector<std::string> ids;
  for (uint64_t i = 0; ids.size() < 13'000; ++i) {
    std::string id = fmt::format("{:016x}{:016x}", i * 0x9e3779b97f4a7c15ull, i);
    if (id_hash(id) >> 57 == 5) ids.push_back(std::move(id));
  }
  return ids;
}

/// Lines of four ids each.
inline Rows rows_of(const std::vector<std::string>& ids) {
  Rows rows;
  for (size_t i = 0; i + 4 <= ids.size(); i += 4)
    rows.add(fmt::format("{} {} {} {}", ids[i], ids[i + 1], ids[i + 2], ids[i + 3]), static_cast<int64_t>(i));
  return rows;
}

}  // namespace cordwood::samples
