// SPDX-License-Identifier: Apache-2.0
// Filters cut across into slices say what they say one by one, and take few reads.
#include "storage/filter_slices.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <utility>

#include "storage/bloom_filter.h"

namespace cordwood {
namespace {

constexpr uint32_t kKeysPerBloom = 20;

/// Filters of blocks of a segment: as pages, and as slices.
class Slices {
 public:
  Slices(std::vector<uint32_t> sizes, uint64_t seed) : sizes_(std::move(sizes)), filters_(kTokenFilter, sizes_) {
    std::mt19937_64 random(seed);
    for (const uint32_t size : sizes_) {
      std::vector<uint64_t>& keys = keys_.emplace_back(size_t{size} * kKeysPerBloom);
      for (uint64_t& key : keys) key = random();
      append_bloom(keys, size, kTokenFilter, &pages_.emplace_back());
    }
    const auto read = [this](size_t block, uint32_t begin, uint32_t end) { return blooms(block, begin, end); };
    const auto append = [this](std::string_view bytes) -> Result<void> {
      bytes_ += bytes;
      return {};
    };
    EXPECT_TRUE(filters_.write(read, append).ok());
    EXPECT_EQ(bytes_.size(), filters_.bytes());
  }
  Result<std::string> blooms(size_t block, uint32_t begin, uint32_t end) const {
    return read_bloom_blocks(
        begin, end, sizes_[block], kTokenFilter,
        [&](uint64_t at, uint64_t size) -> Result<std::string> { return pages_[block].substr(at, size); });
  }
  /// What the filter says by itself.
  bool holds(size_t block, uint64_t key) const {
    const uint32_t at = bloom_block(key, sizes_[block]);
    return bloom_holds(blooms(block, at, at + 1).value(), 0, key);
  }
  /// What all say at once, of blocks with a filter.
  std::vector<bool> ask(uint64_t key) {
    RowBits blocks(static_cast<uint32_t>(sizes_.size()));
    blocks.set_all();
    const auto read = [this](uint64_t at, uint64_t size) -> Result<std::string> {
      ++reads_;
      read_bytes_ += size;
      if (away_) return Error::unavailable("no answer");
      return bytes_.substr(std::min<uint64_t>(at, bytes_.size()), size);
    };
    EXPECT_EQ(filters_.rule_out(key, read, &blocks, &stats_), !away_);
    std::vector<bool> out;
    for (uint32_t block = 0; block < sizes_.size(); ++block) out.push_back(blocks.test(block));
    return out;
  }

  std::vector<uint32_t> sizes_;
  std::vector<std::vector<uint64_t>> keys_;
  std::vector<std::string> pages_;
  FilterSlices filters_;
  std::string bytes_;
  ReadStats stats_;
  uint64_t reads_ = 0;
  uint64_t read_bytes_ = 0;
  bool away_ = false;
};

std::vector<std::vector<uint32_t>> sample_sizes() {
  std::vector<uint32_t> alike(300);
  std::mt19937 random(3);
  for (uint32_t& size : alike) size = 500 + random() % 60;  // of two classes
  std::vector<uint32_t> tiny(700, 1);
  tiny[13] = 3000;
  return {{1}, {0, 0}, {2, 3}, {0, 1, 2, 3, 7, 0, 94, 540, 541, 1023, 1024, 4000}, {20000}, alike, tiny};
}

TEST(FilterSlices, SayWhatTheFiltersSay) {
  std::mt19937_64 random(11);
  for (const auto& sizes : sample_sizes()) {
    Slices slices(sizes, sizes.size());
    std::vector<uint64_t> asked{0, UINT64_MAX, uint64_t{1} << 63, (uint64_t{1} << 63) - 1};
    for (int i = 0; i < 50; ++i) asked.push_back(random());
    for (const auto& keys : slices.keys_)
      for (size_t i = 0; i < keys.size(); i += 1 + keys.size() / 4) asked.push_back(keys[i]);
    for (const uint64_t key : asked) {
      const std::vector<bool> got = slices.ask(key);
      for (size_t block = 0; block < sizes.size(); ++block) {
        // A filter that is not there is not asked.
        ASSERT_EQ(got[block], sizes[block] == 0 || slices.holds(block, key)) << sizes.size() << " " << block;
      }
    }
    EXPECT_EQ(slices.stats_.index_damages, 0u);
  }
}

TEST(FilterSlices, AKeyTakesOneShortReadForFiltersAlike) {
  Slices slices(std::vector<uint32_t>(385, 540), 1);
  for (const uint64_t key : slices.keys_[200]) ASSERT_TRUE(slices.ask(key)[200]);
  EXPECT_EQ(slices.reads_, slices.keys_[200].size());
  EXPECT_LE(slices.read_bytes_ / slices.reads_, 4 * FilterSlices::kSliceBytes);
  // What is not wanted is not read.
  RowBits none(385);
  EXPECT_TRUE(slices.filters_.rule_out(
      7, [](uint64_t, uint64_t) -> Result<std::string> { return Error::io("read"); }, &none, &slices.stats_));
  EXPECT_EQ(slices.stats_.index_damages, 0u);
}

TEST(FilterSlices, GiveEveryFilterBack) {
  for (const auto& sizes : sample_sizes()) {
    const Slices slices(sizes, 5);
    auto whole = slices.filters_.gather(slices.bytes_);
    ASSERT_TRUE(whole.ok()) << whole.error().message;
    whole->resize(sizes.size());
    for (size_t block = 0; block < sizes.size(); ++block) {
      std::string pages;
      append_bloom_pages((*whole)[block], kTokenFilter, &pages);
      EXPECT_EQ(pages, slices.pages_[block]) << block;
    }
    EXPECT_FALSE(slices.filters_.gather(slices.bytes_ + "x").ok());
  }
}

TEST(FilterSlices, DamageRulesNothingOut) {
  Slices slices(sample_sizes()[3], 9);
  std::mt19937_64 random(2);
  const std::string good = slices.bytes_;
  uint64_t damages = 0;
  for (int i = 0; i < 400; ++i) {
    slices.bytes_ = good;
    char& byte = slices.bytes_[random() % good.size()];
    byte = static_cast<char>(byte ^ static_cast<char>(1 << random() % 8));
    std::vector<std::string> reports;
    slices.filters_.check(slices.bytes_, [&](const Error& error) { reports.push_back(error.message); });
    EXPECT_EQ(reports.size(), 1u);
    EXPECT_FALSE(slices.filters_.gather(slices.bytes_).ok());
    const size_t block = random() % slices.keys_.size();
    if (slices.keys_[block].empty()) continue;
    const uint64_t key = slices.keys_[block][random() % slices.keys_[block].size()];
    EXPECT_TRUE(slices.ask(key)[block]);
    damages += std::exchange(slices.stats_.index_damages, 0);
  }
  EXPECT_GT(damages, 0u);
  slices.bytes_ = good.substr(0, good.size() / 2);
  for (size_t block = 0; block < slices.keys_.size(); ++block)
    for (const uint64_t key : slices.keys_[block]) ASSERT_TRUE(slices.ask(key)[block]);
  EXPECT_GT(slices.stats_.index_damages, 0u);
}

TEST(FilterSlices, WhatCannotBeReadNowRulesNothingOut) {
  Slices slices({5, 600}, 4);
  slices.away_ = true;
  EXPECT_EQ(slices.ask(12345), (std::vector<bool>{true, true}));
  EXPECT_EQ(slices.stats_.index_damages, 0u);
}

}  // namespace
}  // namespace cordwood
