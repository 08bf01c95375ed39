// SPDX-License-Identifier: Apache-2.0
#include "storage/filter_slices.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "storage/base/checksum.h"
#include "storage/base/coding.h"
#include "storage/bloom_filter.h"
#include "storage/id_table.h"

namespace cordwood {

namespace {

constexpr uint64_t kChecksumBytes = 4;
constexpr uint64_t kWriteBytes = 4u << 20;  ///< that are put together at once

uint32_t slice_checksum(std::string_view blooms, uint32_t kind, uint32_t class_number, uint64_t slice) {
  const uint64_t seed = uint64_t{kind} << 56 | uint64_t{class_number} << 48 | slice;
  return static_cast<uint32_t>(xxh3_64(blooms, seed));
}

uint64_t slice_of(uint64_t hash, int slice_bits) {
  return slice_bits == 0 ? 0 : hash >> (64 - slice_bits);
}

}  // namespace

uint64_t FilterSlices::Class::begin_of(uint64_t slice) const {
  uint64_t blooms = 0;
  for (const Member& member : members) blooms += first(slice, member.size);
  return blooms * kBloomBlockBytes + slice * kChecksumBytes;
}

FilterSlices::FilterSlices(uint32_t kind, std::span<const uint32_t> sizes) : kind_(kind) {
  std::vector<Class> by_number(32);
  for (uint32_t block = 0; block < sizes.size(); ++block) {
    if (sizes[block] == 0) continue;
    by_number[static_cast<size_t>(std::bit_width(sizes[block])) - 1].members.push_back({block, sizes[block]});
  }
  for (uint32_t number = 0; number < by_number.size(); ++number) {
    Class& of = by_number[number];
    if (of.members.empty()) continue;
    of.members.shrink_to_fit();
    of.number = number;
    of.offset = bytes_;
    uint64_t blooms = 0;
    for (const Member& member : of.members) blooms += member.size;
    const auto enough = std::bit_width(std::max<uint64_t>(blooms * kBloomBlockBytes / kSliceBytes, 1)) - 1;
    of.slice_bits = std::min(static_cast<int>(number), static_cast<int>(enough));
    bytes_ += of.begin_of(of.slices());
    classes_.push_back(std::move(of));
  }
}

uint64_t FilterSlices::memory_bytes() const {
  uint64_t bytes = classes_.capacity() * sizeof(Class);
  for (const Class& of : classes_) bytes += of.members.capacity() * sizeof(Member);
  return bytes;
}

Result<void> FilterSlices::check_slice(const Class& of, uint64_t number, std::string_view slice) const {
  const std::string_view blooms = slice.substr(0, slice.size() - kChecksumBytes);
  const uint32_t stored = ByteReader(slice.substr(blooms.size())).u32();
  if (checksum_differs(stored, slice_checksum(blooms, kind_, of.number, number)))
    return Error::corrupt(
        fmt::format("filters {}, class {}, slice {}: its checksum differs", kind_, of.number, number));
  return {};
}

bool FilterSlices::rule_out(uint64_t hash, const Read& read, RowBits* blocks, ReadStats* stats) const {
  return std::all_of(classes_.begin(), classes_.end(),
                     [&](const Class& of) { return rule_out_in(of, hash, read, blocks, stats); });
}

bool FilterSlices::rule_out_in(const Class& of, uint64_t hash, const Read& read, RowBits* blocks,
                               ReadStats* stats) const {
  const bool asked = std::any_of(of.members.begin(), of.members.end(),
                                 [blocks](const Member& member) { return blocks->test(member.block); });
  if (!asked) return true;
  const uint64_t slice = slice_of(hash, of.slice_bits);
  const uint64_t before = slice == 0 ? 0 : slice - 1;
  const uint64_t begin = of.begin_of(before);
  const uint64_t middle = of.begin_of(slice);
  const uint64_t end = of.begin_of(slice + 1);
  const Result<std::string> bytes = read(of.offset + begin, end - begin);
  if (is_away(bytes)) return false;
  if (!bytes.ok() || bytes->size() != end - begin) {
    ++stats->index_damages;
    return true;
  }
  const std::string_view first = std::string_view(*bytes).substr(0, middle - begin);
  const std::string_view second = std::string_view(*bytes).substr(middle - begin);
  const bool first_good = first.empty() || check_slice(of, before, first).ok();
  const bool second_good = check_slice(of, slice, second).ok();
  stats->index_damages += static_cast<uint64_t>(!first_good) + static_cast<uint64_t>(!second_good);
  uint64_t in_first = 0;
  uint64_t in_second = 0;
  for (const Member& member : of.members) {
    const uint64_t from = of.first(before, member.size);
    const uint64_t turn = of.first(slice, member.size);
    const uint64_t bloom = bloom_block(hash, member.size);
    if (bloom >= turn) {
      if (second_good && !bloom_holds(second, static_cast<uint32_t>(in_second + bloom - turn), hash))
        blocks->clear(member.block);
    } else if (first_good && !bloom_holds(first, static_cast<uint32_t>(in_first + bloom - from), hash)) {
      blocks->clear(member.block);
    }
    in_first += turn - from;
    in_second += of.first(slice + 1, member.size) - turn;
  }
  return true;
}

Result<void> FilterSlices::write(const ReadBlooms& read, const Append& append) const {
  for (const Class& of : classes_) TRY(write_class(of, read, append));
  return {};
}

Result<void> FilterSlices::write_class(const Class& of, const ReadBlooms& read, const Append& append) const {
  const uint64_t slice_bytes = std::max<uint64_t>(of.begin_of(of.slices()) / of.slices(), 1);
  const uint64_t at_once = std::max<uint64_t>(kWriteBytes / slice_bytes, 1);
  std::string slice;
  for (uint64_t begin = 0; begin < of.slices(); begin += at_once) {
    const uint64_t end = std::min(begin + at_once, of.slices());
    std::vector<std::string> parts;
    parts.reserve(of.members.size());
    for (const Member& member : of.members) {
      const auto from = static_cast<uint32_t>(of.first(begin, member.size));
      const auto to = static_cast<uint32_t>(of.first(end, member.size));
      TRY_ASSIGN(std::string blooms, read(member.block, from, to));
      if (blooms.size() != uint64_t{to - from} * kBloomBlockBytes) return Error::corrupt("a filter ends early");
      parts.push_back(std::move(blooms));
    }
    for (uint64_t number = begin; number < end; ++number) {
      slice.clear();
      for (size_t i = 0; i < parts.size(); ++i) {
        const uint32_t size = of.members[i].size;
        const uint64_t at = of.first(number, size) - of.first(begin, size);
        const uint64_t count = of.first(number + 1, size) - of.first(number, size);
        slice.append(parts[i], at * kBloomBlockBytes, count * kBloomBlockBytes);
      }
      const uint32_t checksum = slice_checksum(slice, kind_, of.number, number);
      ByteWriter(&slice).u32(checksum);
      TRY(append(slice));
    }
  }
  return {};
}

Result<std::vector<std::string>> FilterSlices::gather(std::string_view bytes) const {
  if (bytes.size() != bytes_) return Error::corrupt("slices of filters: of another size");
  std::vector<std::string> out;
  for (const Class& of : classes_) {
    out.resize(std::max<size_t>(out.size(), size_t{of.members.back().block} + 1));
    for (const Member& member : of.members) out[member.block].reserve(size_t{member.size} * kBloomBlockBytes);
    for (uint64_t number = 0; number < of.slices(); ++number) {
      const uint64_t begin = of.begin_of(number);
      std::string_view slice = bytes.substr(of.offset + begin, of.begin_of(number + 1) - begin);
      TRY(check_slice(of, number, slice));
      for (const Member& member : of.members) {
        const uint64_t size = (of.first(number + 1, member.size) - of.first(number, member.size)) * kBloomBlockBytes;
        out[member.block].append(slice.substr(0, size));
        slice.remove_prefix(size);
      }
    }
  }
  return out;
}

void FilterSlices::check(std::string_view bytes, const std::function<void(const Error&)>& report) const {
  for (const Class& of : classes_) {
    for (uint64_t number = 0; number < of.slices(); ++number) {
      const uint64_t begin = of.begin_of(number);
      const std::string_view slice = bytes.substr(of.offset + begin, of.begin_of(number + 1) - begin);
      if (const Result<void> good = check_slice(of, number, slice); !good.ok()) report(good.error());
    }
  }
}

namespace {

std::vector<uint32_t> sizes_of(std::span<const BlockTextFacts> blocks, uint32_t BlockTextFacts::*size) {
  std::vector<uint32_t> out;
  out.reserve(blocks.size());
  for (const BlockTextFacts& facts : blocks) out.push_back(facts.*size);
  return out;
}

}  // namespace

SlicedFilters::SlicedFilters(std::span<const BlockTextFacts> blocks)
    : tokens(kTokenFilter, sizes_of(blocks, &BlockTextFacts::token_blocks)),
      grams(kGramFilter, sizes_of(blocks, &BlockTextFacts::gram_blocks)) {}

}  // namespace cordwood
