// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "storage/base/result.h"

namespace cordwood {

/// Split-block Bloom filters (Putze, Sanders, Singler: Cache-, Hash- and Space-Efficient Bloom Filters; the variant of
/// eight words of 32 bits that Parquet describes): a key sets one bit in each word of one 32-byte block.
///
/// Blocks lie in pages that carry a checksum, so that one page can be read and trusted alone:
///     page = block*127 (the last page: as many as are left)  checksum u32
inline constexpr uint32_t kBloomBlockBytes = 32;
inline constexpr uint32_t kBloomPageBlocks = 127;
inline constexpr uint32_t kBloomPageBytes = kBloomPageBlocks * kBloomBlockBytes + 4;
inline constexpr uint32_t kMaxBloomBlocks = 1u << 22;

/// How many blocks a filter of so many keys has; none for no keys.
uint32_t bloom_blocks_for(size_t keys, uint32_t bits_per_key);
/// Bytes of a filter with all its pages.
uint64_t bloom_bytes(uint32_t blocks);
/// Appends the pages of a filter with these keys.  `kind` keeps pages of one filter from passing for another's.
void append_bloom(std::span<const uint64_t> hashes, uint32_t blocks, uint32_t kind, std::string* out);
/// The same of its blocks as they are.
void append_bloom_pages(std::string_view blocks, uint32_t kind, std::string* out);
/// Reads blocks [begin, end) out of the pages of a filter that has so many; `read` reads an offset and a size within
/// it.
Result<std::string> read_bloom_blocks(uint32_t begin, uint32_t end, uint32_t blocks, uint32_t kind,
                                      const std::function<Result<std::string>(uint64_t, uint64_t)>& read);

/// The block of a key.
uint32_t bloom_block(uint64_t hash, uint32_t blocks);

/// Where the block of a key lies.
struct BloomPlace {
  uint32_t page = 0;
  uint32_t block = 0;  ///< within the page
};
BloomPlace bloom_place(uint64_t hash, uint32_t blocks);
/// Where a page lies within its filter, and its size.
uint64_t bloom_page_offset(uint32_t page);
uint32_t bloom_page_bytes(uint32_t page, uint32_t blocks);
/// corrupt when the page is not what was written.
Result<void> check_bloom_page(std::string_view page, uint32_t number, uint32_t kind);
/// Whether the key may be in the filter: its block is that one of some that lie one after the other, as in the page
/// that bloom_place() names.
bool bloom_holds(std::string_view blocks, uint32_t block, uint64_t hash);

}  // namespace cordwood
