// SPDX-License-Identifier: Apache-2.0
#include "storage/bloom_filter.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "storage/base/checksum.h"
#include "storage/base/coding.h"

namespace cordwood {

namespace {

constexpr uint32_t kWords = kBloomBlockBytes / 4;
/// Odd numbers that spread the low half of a hash differently for each word.
constexpr uint32_t kSalts[kWords] = {0x47b6137bu, 0x44974d91u, 0x8824ad5bu, 0xa2b7289du,
                                     0x705495c7u, 0x2df1424bu, 0x9efc4947u, 0x5c6bfb31u};

uint32_t bit_of(uint64_t hash, uint32_t word) {
  return 1u << ((static_cast<uint32_t>(hash) * kSalts[word]) >> 27);
}

uint32_t page_checksum(std::string_view blocks, uint32_t number, uint32_t kind) {
  return static_cast<uint32_t>(xxh3_64(blocks, static_cast<uint64_t>(kind) << 32 | number));
}

}  // namespace

uint32_t bloom_block(uint64_t hash, uint32_t blocks) {
  return static_cast<uint32_t>(((hash >> 32) * blocks) >> 32);
}

uint32_t bloom_blocks_for(size_t keys, uint32_t bits_per_key) {
  if (keys == 0) return 0;
  const uint64_t bits = static_cast<uint64_t>(keys) * bits_per_key;
  return static_cast<uint32_t>(std::clamp<uint64_t>((bits + 255) / 256, 1, kMaxBloomBlocks));
}

uint64_t bloom_bytes(uint32_t blocks) {
  const uint64_t pages = (uint64_t{blocks} + kBloomPageBlocks - 1) / kBloomPageBlocks;
  return uint64_t{blocks} * kBloomBlockBytes + pages * 4;
}

void append_bloom(std::span<const uint64_t> hashes, uint32_t blocks, uint32_t kind, std::string* out) {
  std::vector<uint32_t> words(size_t{blocks} * kWords);
  for (const uint64_t hash : hashes) {
    uint32_t* const block = words.data() + size_t{bloom_block(hash, blocks)} * kWords;
    for (uint32_t w = 0; w < kWords; ++w) block[w] |= bit_of(hash, w);
  }
  append_bloom_pages({reinterpret_cast<const char*>(words.data()), words.size() * 4}, kind, out);
}

void append_bloom_pages(std::string_view blocks, uint32_t kind, std::string* out) {
  constexpr size_t kPayload = size_t{kBloomPageBlocks} * kBloomBlockBytes;
  ByteWriter w(out);
  for (size_t at = 0, page = 0; at < blocks.size(); at += kPayload, ++page) {
    const std::string_view payload = blocks.substr(at, kPayload);
    w.bytes(payload);
    w.u32(page_checksum(payload, static_cast<uint32_t>(page), kind));
  }
}

Result<std::string> read_bloom_blocks(uint32_t begin, uint32_t end, uint32_t blocks, uint32_t kind,
                                      const std::function<Result<std::string>(uint64_t, uint64_t)>& read) {
  std::string out;
  for (uint32_t page = begin / kBloomPageBlocks; begin < end; ++page) {
    const uint32_t bytes = bloom_page_bytes(page, blocks);
    TRY_ASSIGN(const std::string got, read(bloom_page_offset(page), bytes));
    if (got.size() != bytes) return Error::corrupt("filter page: ends early");
    TRY(check_bloom_page(got, page, kind));
    const uint32_t first = page * kBloomPageBlocks;
    const uint32_t to = std::min(end, first + kBloomPageBlocks);
    out.append(got, size_t{begin - first} * kBloomBlockBytes, size_t{to - begin} * kBloomBlockBytes);
    begin = to;
  }
  return out;
}

BloomPlace bloom_place(uint64_t hash, uint32_t blocks) {
  const uint32_t block = bloom_block(hash, blocks);
  return {block / kBloomPageBlocks, block % kBloomPageBlocks};
}

uint64_t bloom_page_offset(uint32_t page) {
  return uint64_t{page} * kBloomPageBytes;
}

uint32_t bloom_page_bytes(uint32_t page, uint32_t blocks) {
  return std::min(kBloomPageBlocks, blocks - page * kBloomPageBlocks) * kBloomBlockBytes + 4;
}

Result<void> check_bloom_page(std::string_view page, uint32_t number, uint32_t kind) {
  if (page.size() < 4) return Error::corrupt("filter page: too short");
  const std::string_view payload = page.substr(0, page.size() - 4);
  if (checksum_differs(ByteReader(page.substr(payload.size())).u32(), page_checksum(payload, number, kind))) {
    return Error::corrupt("filter page: checksum differs");
  }
  return {};
}

bool bloom_holds(std::string_view blocks, uint32_t block, uint64_t hash) {
  uint32_t words[kWords];
  std::memcpy(words, blocks.data() + size_t{block} * kBloomBlockBytes, sizeof words);
  for (uint32_t w = 0; w < kWords; ++w)
    if ((words[w] & bit_of(hash, w)) == 0) return false;
  return true;
}

}  // namespace cordwood
