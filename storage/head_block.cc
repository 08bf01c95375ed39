// SPDX-License-Identifier: Apache-2.0
#include "storage/head_block.h"

#include <algorithm>

namespace cordwood {

namespace {

constexpr size_t kFirstChunkBytes = 1u << 10;
constexpr size_t kLargestChunkBytes = 256u << 10;
/// Rows of one time that are compared one by one before the stream gets an index.
constexpr int kTailRows = 8;

bool same_row(const HeadRow& a, const HeadRow& b) {
  const auto left = a.sent_metadata();
  const auto right = b.sent_metadata();
  return a.stream == b.stream && a.time_ns == b.time_ns && a.line() == b.line() &&
         std::equal(left.begin(), left.end(), right.begin(), right.end());
}

/// Small families stay small: chunks grow with the block.
void grow_chunks(Arena* arena) {
  arena->set_chunk_bytes(std::clamp(arena->reserved_bytes() / 8, kFirstChunkBytes, kLargestChunkBytes));
}

}  // namespace

HeadBlock::HeadBlock(TenantId tenant, MemoryAccountant& memory, uint32_t keeps_from_rows)
    : tenant_(std::move(tenant)),
      keeps_from_rows_(keeps_from_rows),
      seed_(reinterpret_cast<uintptr_t>(this)),
      lines_(kFirstChunkBytes),
      pairs_(kFirstChunkBytes),
      accountant_(memory),
      memory_(memory.charge(MemoryShare::head, 0)) {}

uint32_t HeadBlock::add_stream(StreamPtr stream) {
  streams_.push_back(std::move(stream));
  states_.emplace_back();
  return streams_.size() - 1;
}

bool HeadBlock::append(const HeadRow& given, uint64_t arrival) {
  if (is_duplicate(given)) return false;
  StreamState& state = states_[given.stream];
  HeadRow row = given;
  row.line_data = lines_.copy(given.line()).data();
  raw_bytes_ += given.line_bytes;
  row.metadata_data = keep_metadata(given, &state);
  row.previous = state.last_row;
  if (rows_.size() == 0) arrival_min_ = arrival;
  arrival_max_ = arrival;
  state.newest_ns = state.last_row == 0 ? row.time_ns : std::max(state.newest_ns, row.time_ns);
  rows_.push_back(row);
  state.last_row = rows_.size();
  count_memory();
  return true;
}

/// Rows of a stream tend to carry the same names, and often the same few pairs: they share what rows before have.
const MetadataPair* HeadBlock::keep_metadata(const HeadRow& given, StreamState* state) {
  const auto wanted = given.metadata();
  for (const MetadataPair& pair : wanted) raw_bytes_ += pair.name.size() + pair.value.size();
  if (wanted.empty()) return nullptr;
  const auto metadata_of = [this](uint32_t row) {
    return row > 0 ? rows_[row - 1].metadata() : std::span<const MetadataPair>();
  };
  const auto is_wanted = [wanted](std::span<const MetadataPair> had) {
    return std::equal(wanted.begin(), wanted.end(), had.begin(), had.end());
  };
  const std::span<const MetadataPair> before = metadata_of(state->last_row);
  if (is_wanted(before)) return before.data();
  // The row before is one of the others from now on, in the place of the one that has its pairs again.
  uint32_t moved = state->last_row;
  for (uint32_t& other : state->others) {
    std::swap(other, moved);
    const std::span<const MetadataPair> had = metadata_of(moved);
    if (is_wanted(had)) return had.data();
  }
  auto* pairs = reinterpret_cast<MetadataPair*>(pairs_.allocate(wanted.size() * sizeof(MetadataPair)));
  for (size_t i = 0; i < wanted.size(); ++i) {
    const bool known = i < before.size() && before[i].name == wanted[i].name;
    new (&pairs[i]) MetadataPair{known ? before[i].name : lines_.copy(wanted[i].name), lines_.copy(wanted[i].value)};
  }
  return pairs;
}

bool HeadBlock::is_duplicate(const HeadRow& row) {
  StreamState& state = states_[row.stream];
  if (!state.indexed) {
    if (state.last_row == 0 || row.time_ns > state.newest_ns) return false;
    if (row.time_ns == state.newest_ns) {
      bool decided = false;
      const bool found = in_tail(row, state.last_row, &decided);
      if (decided) return found;
    }
    index_stream(state);
  }
  return find_or_index(content_hash(row), row, rows_.size());
}

/// Until a stream is indexed its times never go down, so rows of the newest time are its last ones.
bool HeadBlock::in_tail(const HeadRow& row, uint32_t last_row, bool* decided) const {
  *decided = true;
  for (int i = 0; i < kTailRows; ++i) {
    if (last_row == 0) return false;
    const HeadRow& other = rows_[last_row - 1];
    if (other.time_ns != row.time_ns) return false;
    if (same_row(other, row)) return true;
    last_row = other.previous;
  }
  *decided = false;
  return false;
}

uint64_t HeadBlock::content_hash(const HeadRow& row) const {
  uint64_t hash = xxh3_64(row.line(), seed_ ^ static_cast<uint64_t>(row.time_ns) ^ (uint64_t{row.stream} << 40));
  for (const MetadataPair& pair : row.sent_metadata()) hash = xxh3_64(pair.name, xxh3_64(pair.value, hash));
  return hash;
}

/// True when an equal row is indexed; otherwise row number `number`, about to be appended, is put into the index.
bool HeadBlock::find_or_index(uint64_t hash, const HeadRow& row, uint32_t number) {
  if (indexed_ * 2 >= index_.size()) grow_index();
  const size_t mask = index_.size() - 1;
  for (size_t at = hash & mask;; at = (at + 1) & mask) {
    const uint64_t slot = index_[at];
    if (slot == 0) {
      index_[at] = (hash & 0xFFFFFFFF00000000ull) | (number + 1);
      ++indexed_;
      return false;
    }
    if ((slot ^ hash) >> 32 == 0 && same_row(rows_[static_cast<uint32_t>(slot) - 1], row)) return true;
  }
}

void HeadBlock::index_stream(StreamState& state) {
  state.indexed = true;
  for (uint32_t next = state.last_row; next != 0; next = rows_[next - 1].previous) {
    find_or_index(content_hash(rows_[next - 1]), rows_[next - 1], next - 1);
  }
}

void HeadBlock::grow_index() {
  std::vector<uint64_t> old(std::max<size_t>(256, index_.size() * 2));
  old.swap(index_);
  const size_t mask = index_.size() - 1;
  for (const uint64_t slot : old) {
    if (slot == 0) continue;
    size_t at = content_hash(rows_[static_cast<uint32_t>(slot) - 1]) & mask;
    while (index_[at] != 0) at = (at + 1) & mask;
    index_[at] = slot;
  }
}

void HeadBlock::count_memory() {
  const uint64_t now = lines_.reserved_bytes() + pairs_.reserved_bytes() + rows_.reserved_bytes() +
                       streams_.reserved_bytes() + states_.capacity() * sizeof(StreamState) +
                       index_.capacity() * sizeof(uint64_t) + sizeof(HeadBlock);
  if (now == memory_.bytes()) return;
  memory_.charge(now - memory_.bytes());
  grow_chunks(&lines_);
  grow_chunks(&pairs_);
}

std::shared_ptr<const BlockInfo> HeadBlock::info(const HeadPrefix& prefix) const {
  const MutexLock lock(info_mu_);
  if (info_ != nullptr && info_->rows == prefix.rows) return info_;
  const bool count_on = info_ != nullptr && info_->rows < prefix.rows;
  auto next = count_on ? std::make_shared<BlockInfo>(*info_) : std::make_shared<BlockInfo>();
  BlockInfo& info = *next;
  info.tenant = tenant_;
  info.arrival_min = arrival_min_;
  for (uint32_t number = static_cast<uint32_t>(info.streams.size()); number < prefix.streams; ++number) {
    info.streams.push_back({streams_[number], 0, 0, 0, 0});
  }
  for (uint32_t i = info.rows; i < prefix.rows; ++i) {
    const HeadRow& row = rows_[i];
    BlockStream& stream = info.streams[row.stream];
    stream.time_min_ns = stream.rows == 0 ? row.time_ns : std::min(stream.time_min_ns, row.time_ns);
    stream.time_max_ns = stream.rows == 0 ? row.time_ns : std::max(stream.time_max_ns, row.time_ns);
    ++stream.rows;
    stream.line_bytes += row.line_bytes;
    info.time_min_ns = i == 0 ? row.time_ns : std::min(info.time_min_ns, row.time_ns);
    info.time_max_ns = i == 0 ? row.time_ns : std::max(info.time_max_ns, row.time_ns);
  }
  info.rows = prefix.rows;
  info.raw_bytes = prefix.raw_bytes;
  info.stored_bytes = prefix.raw_bytes;
  info.arrival_max = prefix.arrival_max;
  info_ = std::move(next);
  return info_;
}

std::shared_ptr<const std::vector<BlockCount>> HeadBlock::counts(const HeadPrefix& prefix) const {
  const MutexLock lock(info_mu_);
  count_up_to(prefix);
  if (counts_.rows() == prefix.rows) return counts_.table();
  HeadCounts counts;
  for (uint32_t i = 0; i < prefix.rows; ++i) counts.add(rows_[i]);
  return counts.table();
}

bool HeadBlock::may_have_metadata(const HeadPrefix& prefix, std::string_view name) const {
  const MutexLock lock(info_mu_);
  count_up_to(prefix);
  return counts_.may_have_metadata(name);
}

const HeadShreds* HeadBlock::shreds(const HeadPrefix& prefix, uint32_t* rows) const {
  if (prefix.rows < keeps_from_rows_) return nullptr;
  HeadShreds* shreds = nullptr;
  {
    const MutexLock lock(info_mu_);
    if (shreds_ == nullptr) shreds_ = std::make_unique<HeadShreds>(accountant_);
    shreds = shreds_.get();
  }
  *rows = shreds->extend(*this, prefix.rows);
  return shreds;
}

RowBits HeadBlock::rows_with(const HeadPrefix& prefix, TextNeedle needle) const {
  if (prefix.rows < keeps_from_rows_) {
    RowBits found(prefix.rows);
    search_head_lines(*this, 0, prefix.rows, needle, &found);
    return found;
  }
  HeadSearches* searches = nullptr;
  {
    const MutexLock lock(info_mu_);
    if (searches_ == nullptr) searches_ = std::make_unique<HeadSearches>();
    searches = searches_.get();
  }
  return searches->find(*this, prefix.rows, needle);
}

void HeadBlock::count_up_to(const HeadPrefix& prefix) const {
  for (uint32_t i = counts_.rows(); i < prefix.rows; ++i) counts_.add(rows_[i]);
}

SortedHeadRows sort_head_rows(const HeadPrefix& prefix) {
  const HeadBlock& block = *prefix.block;
  SortedHeadRows sorted;
  sorted.run_ends.assign(prefix.streams, 0);
  for (uint32_t i = 0; i < prefix.rows; ++i) ++sorted.run_ends[block.row(i).stream];
  uint32_t next = 0;
  for (uint32_t& end : sorted.run_ends) {
    const uint32_t begin = next;
    next += end;
    end = begin;  // the place of the stream's next row; its end once all are placed
  }
  sorted.order.resize(prefix.rows);
  std::vector<uint8_t> late(prefix.streams, 0);
  std::vector<int64_t> newest(prefix.streams, std::numeric_limits<int64_t>::min());
  for (uint32_t i = 0; i < prefix.rows; ++i) {
    const HeadRow& row = block.row(i);
    if (row.time_ns < newest[row.stream]) late[row.stream] = 1;
    newest[row.stream] = row.time_ns;
    sorted.order[sorted.run_ends[row.stream]++] = i;
  }
  uint32_t begin = 0;
  for (uint32_t stream = 0; stream < prefix.streams; ++stream) {
    const uint32_t end = sorted.run_ends[stream];
    if (late[stream] != 0) {
      std::sort(sorted.order.begin() + begin, sorted.order.begin() + end, [&](uint32_t a, uint32_t b) {
        const int64_t left = block.row(a).time_ns;
        const int64_t right = block.row(b).time_ns;
        return left != right ? left < right : a < b;
      });
    }
    begin = end;
  }
  return sorted;
}

}  // namespace cordwood
