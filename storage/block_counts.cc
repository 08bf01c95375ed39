// SPDX-License-Identifier: Apache-2.0
#include "storage/base/coding.h"
#include "storage/block_entry.h"

#include <map>

namespace cordwood {

void encode_counts(const std::vector<BlockCount>& counts, std::string* out) {
  ByteWriter w(out);
  std::map<std::string_view, uint64_t> levels;
  for (const BlockCount& c : counts) levels.emplace(c.level, 0);
  w.varint(levels.size());
  uint64_t id = 0;
  for (auto& [level, number] : levels) {
    w.string(level);
    number = id++;
  }
  w.varint(counts.size());
  uint32_t stream = 0;
  int64_t bucket = 0;
  for (const BlockCount& c : counts) {
    w.varint(c.stream - stream);
    w.zigzag(c.bucket - bucket);
    w.varint(levels[c.level]);
    w.varint(c.rows);
    w.varint(c.line_bytes);
    w.varint(c.metadata_bytes);
    stream = c.stream;
    bucket = c.bucket;
  }
}

Result<std::vector<BlockCount>> decode_counts(std::string_view raw, size_t streams) {
  ByteReader in(raw);
  const uint64_t level_count = in.count(1);
  std::vector<std::string_view> levels;
  levels.reserve(level_count);
  for (uint64_t i = 0; i < level_count; ++i) levels.push_back(in.string());
  const uint64_t n = in.count(6);
  std::vector<BlockCount> counts;
  counts.reserve(n);
  uint64_t stream = 0;
  uint64_t bucket = 0;
  for (uint64_t i = 0; i < n; ++i) {
    BlockCount c;
    stream += in.varint();
    bucket += static_cast<uint64_t>(in.zigzag());
    const uint64_t level = in.varint();
    c.rows = in.varint();
    c.line_bytes = in.varint();
    c.metadata_bytes = in.varint();
    if (stream >= streams || level >= levels.size())
      return Error::corrupt("block counts: stream or level out of range");
    c.stream = static_cast<uint32_t>(stream);
    c.bucket = static_cast<int64_t>(bucket);
    c.level = levels[level];
    counts.push_back(c);
  }
  TRY(in.finish("block counts"));
  return counts;
}

}  // namespace cordwood
