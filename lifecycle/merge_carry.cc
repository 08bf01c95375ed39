// SPDX-License-Identifier: Apache-2.0
#include "lifecycle/merge_carry.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "storage/block_carrier.h"

namespace cordwood::lifecycle {

namespace {

/// A family is in large blocks when so much of it is: three of four.
constexpr uint64_t kLargePart = 3;
constexpr uint64_t kLargeOf = 4;

struct Run {
  const Stream* stream = nullptr;
  int64_t min_ns = 0;
  int64_t max_ns = 0;
  uint32_t source = 0;
};

bool same_stream(const Stream& a, const Stream& b) {
  return a.id == b.id && a.label_string == b.label_string;
}

/// The later one begins before the other ends; or one of them is but a moment, in which the other has rows, too.
bool overlap(const Run& first, const Run& later) {
  if (later.min_ns != first.max_ns) return later.min_ns < first.max_ns;
  return first.min_ns == first.max_ns || later.min_ns == later.max_ns;
}

/// Blocks from one to another that have rows of one stream mixed.
struct Mixed {
  uint64_t family = 0;
  uint32_t first = 0;
  uint32_t last = 0;
};

std::vector<Mixed> find_mixed(std::span<const MergeSource> chain) {
  std::vector<Run> runs;
  for (uint32_t s = 0; s < chain.size(); ++s) {
    for (const BlockStream& stream : chain[s].block->info().streams)
      runs.push_back({stream.stream.get(), stream.time_min_ns, stream.time_max_ns, s});
  }
  std::sort(runs.begin(), runs.end(), [](const Run& a, const Run& b) {
    return std::tie(a.stream->id, a.stream->label_string, a.min_ns, a.max_ns, a.source) <
           std::tie(b.stream->id, b.stream->label_string, b.min_ns, b.max_ns, b.source);
  });
  std::vector<Mixed> mixed;
  size_t last = 0;  // of the stream's runs so far the one that ends last
  for (size_t i = 1; i < runs.size(); ++i) {
    const bool same = same_stream(*runs[i].stream, *runs[last].stream);
    const auto [first, second] = std::minmax(runs[i].source, runs[last].source);
    if (same && overlap(runs[last], runs[i])) mixed.push_back({runs[i].stream->family, first, second});
    if (!same || runs[i].max_ns >= runs[last].max_ns) last = i;
  }
  return mixed;
}

/// By block: whether it has rows mixed with those of others, or stands between two such of one of its families.
std::vector<bool> blocks_to_make_anew(std::span<const MergeSource> chain) {
  std::map<uint64_t, std::vector<Mixed>> by_family;
  std::vector<bool> anew(chain.size(), false);
  for (const Mixed& m : find_mixed(chain)) {
    by_family[m.family].push_back(m);
    anew[m.first] = anew[m.last] = true;
  }
  std::map<uint64_t, std::vector<uint32_t>> blocks_of;
  for (uint32_t i = 0; i < chain.size(); ++i) {
    for (const BlockStream& s : chain[i].block->info().streams) {
      std::vector<uint32_t>& blocks = blocks_of[s.stream->family];
      if (by_family.contains(s.stream->family) && (blocks.empty() || blocks.back() != i)) blocks.push_back(i);
    }
  }
  for (auto& [family, spans] : by_family) {
    std::sort(spans.begin(), spans.end(), [](const Mixed& a, const Mixed& b) { return a.first < b.first; });
    uint32_t end = 0;  // of the spans that began so far
    auto span = spans.begin();
    for (const uint32_t block : blocks_of[family]) {
      for (; span != spans.end() && span->first <= block; ++span) end = std::max(end, span->last);
      if (block < end) anew[block] = true;
    }
  }
  return anew;
}

bool is_of_one_family(const BlockInfo& info) {
  return std::all_of(info.streams.begin(), info.streams.end(),
                     [&info](const BlockStream& s) { return s.stream->family == info.streams.front().stream->family; });
}

}  // namespace

bool may_be_carried(const BlockSource& block, const MergeBlockLimits& limits) {
  const BlockInfo& info = block.info();
  if (info.rows > uint64_t{limits.rows} * 3 / 2 || info.raw_bytes / 2 > limits.raw_bytes) return false;
  return published_block(block).has_value();
}

std::vector<bool> choose_carried(std::span<const MergeSource> chain, const MergeCarryLimits& limits,
                                 const MergeBlockLimits& block_limits) {
  struct Family {
    uint64_t bytes = 0;
    uint64_t large_bytes = 0;
    bool is_large() const { return large_bytes > 0 && large_bytes * kLargeOf >= bytes * kLargePart; }
  };
  const std::vector<bool> anew = blocks_to_make_anew(chain);
  std::vector<bool> carried(chain.size(), false);
  std::map<uint64_t, Family> families;
  for (size_t i = 0; i < chain.size(); ++i) {
    const BlockInfo& info = chain[i].block->info();
    const bool large = info.raw_bytes >= limits.raw_bytes || info.rows >= limits.rows;
    carried[i] = large && !anew[i] && is_of_one_family(info) && may_be_carried(*chain[i].block, block_limits);
    for (const BlockStream& s : info.streams) {
      Family& family = families[s.stream->family];
      family.bytes += s.line_bytes;
      family.large_bytes += carried[i] ? s.line_bytes : 0;
    }
  }
  for (size_t i = 0; i < chain.size(); ++i) {
    if (carried[i] || anew[i] || !may_be_carried(*chain[i].block, block_limits)) continue;
    const BlockInfo& info = chain[i].block->info();
    carried[i] = std::all_of(info.streams.begin(), info.streams.end(),
                             [&](const BlockStream& s) { return families[s.stream->family].is_large(); });
  }
  return carried;
}

}  // namespace cordwood::lifecycle
