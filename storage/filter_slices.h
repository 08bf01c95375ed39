// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/result.h"
#include "storage/block_index.h"
#include "storage/block_view.h"
#include "storage/row_bits.h"

namespace cordwood {

/// How the filters of a segment's blocks, all of one kind, lie in it: cut across, so that what one key needs of every
/// filter lies together and takes one read, not one for each block.
///
/// A key's place in a filter of n bloom blocks is told by the top of its hash, in proportion to n.  So filters are cut
/// by hash into slices, a power of two of them: slice s of 2^b has from a filter of n its bloom blocks from
/// ceil(s * n / 2^b) on, to where the next slice begins.  Filters of n are in class floor(log2 n), each class has its
/// own number of slices, no more than its smallest filter has bloom blocks: a key's bloom block is therefore in the
/// slice of its hash or, begun there, in the one before.
///     class = slice*2^b      slice = (bloom block of the first filter)* (of the second)* …  checksum u32
/// Immutable, thread-safe.
class FilterSlices {
 public:
  /// Slices have at least about this, if their filters are as long as they must be for that.
  static constexpr uint64_t kSliceBytes = 8192;

  /// `sizes`: of each block of the segment, how many bloom blocks its filter has.  `kind`: kTokenFilter, kGramFilter.
  FilterSlices(uint32_t kind, std::span<const uint32_t> sizes);

  uint64_t bytes() const { return bytes_; }
  uint64_t memory_bytes() const;

  /// Reads from an offset within these filters so many bytes.
  using Read = std::function<Result<std::string>(uint64_t offset, uint64_t size)>;
  /// Takes from `blocks` those whose filter certainly does not have the key.  A damaged slice rules nothing out, nor
  /// does one that cannot be read now, of which it returns false.
  bool rule_out(uint64_t hash, const Read& read, RowBits* blocks, ReadStats* stats) const;

  /// Bloom blocks [begin, end) of the filter of a block.
  using ReadBlooms = std::function<Result<std::string>(size_t block, uint32_t begin, uint32_t end)>;
  using Append = std::function<Result<void>(std::string_view)>;
  /// Writes all slices.  Holds no more than a few MB at a time, however large the filters.
  Result<void> write(const ReadBlooms& read, const Append& append) const;

  /// The bloom blocks of every filter again; `bytes` are all slices.  corrupt.
  Result<std::vector<std::string>> gather(std::string_view bytes) const;
  /// Reports each slice that is damaged.
  void check(std::string_view bytes, const std::function<void(const Error&)>& report) const;

 private:
  struct Member {
    uint32_t block = 0;  ///< its number in the segment
    uint32_t size = 0;   ///< bloom blocks of its filter
  };
  struct Class {
    uint32_t number = 0;
    int slice_bits = 0;
    uint64_t offset = 0;
    std::vector<Member> members;
    uint64_t slices() const { return uint64_t{1} << slice_bits; }
    /// The bloom block of a filter of `size` with which a slice begins.
    uint64_t first(uint64_t slice, uint32_t size) const { return (slice * size + slices() - 1) >> slice_bits; }
    /// Where a slice begins within the class.
    uint64_t begin_of(uint64_t slice) const;
  };
  Result<void> check_slice(const Class& of, uint64_t number, std::string_view slice) const;
  bool rule_out_in(const Class& of, uint64_t hash, const Read& read, RowBits* blocks, ReadStats* stats) const;
  Result<void> write_class(const Class& of, const ReadBlooms& read, const Append& append) const;

  const uint32_t kind_;
  std::vector<Class> classes_;
  uint64_t bytes_ = 0;
};

/// Both kinds of filters of a segment's blocks, as a section has them: those of tokens, then those of grams.
struct SlicedFilters {
  /// Facts of each block of the segment, by number.
  explicit SlicedFilters(std::span<const BlockTextFacts> blocks);
  FilterSlices tokens;
  FilterSlices grams;
  uint64_t bytes() const { return tokens.bytes() + grams.bytes(); }
};

}  // namespace cordwood
