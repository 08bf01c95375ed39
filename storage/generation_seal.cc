// SPDX-License-Identifier: Apache-2.0
#include "storage/generation_seal.h"

#include <algorithm>

#include "storage/spilled_index.h"

namespace cordwood {

SpillFile::~SpillFile() {
  const MutexLock lock(mu_);
  // What cannot be removed now is removed at the next start.  Open snapshots keep the file's content.
  if (file_ != nullptr) (void)fs_.remove(path_);
}

Result<SpilledBlock> SpillFile::write(const EncodedBlock& block) {
  const MutexLock lock(mu_);
  if (file_ == nullptr) {
    TRY_ASSIGN(auto file, fs_.open(path_, OpenMode::open_or_create));
    file_ = std::move(file);
    source_ = file_source(file_);
  }
  // Written by position: after a failure the next block takes the same place.
  TRY(file_->write_at(end_, block.narrow));
  TRY(file_->write_at(end_ + block.narrow.size(), block.heap));
  TRY(file_->write_at(end_ + block.narrow.size() + block.heap.size(), block.index));
  SpilledBlock spilled;
  spilled.info = block.info;
  spilled.entry = block.entry;
  spilled.source = source_;
  spilled.narrow_offset = end_;
  spilled.narrow_bytes = block.narrow.size();
  spilled.heap_offset = end_ + block.narrow.size();
  spilled.heap_bytes = block.heap.size();
  spilled.index_offset = spilled.heap_offset + spilled.heap_bytes;
  spilled.index_bytes = block.index.size();
  end_ = spilled.index_offset + spilled.index_bytes;
  bytes_ = end_;
  return spilled;
}

uint64_t SealJob::memory_bytes() const {
  uint64_t sum = 0;
  for (const HeadPrefix& prefix : blocks) sum += prefix.block->memory_bytes();
  return sum;
}

uint64_t SealJob::raw_bytes() const {
  uint64_t sum = 0;
  for (const HeadPrefix& prefix : blocks) sum += prefix.raw_bytes;
  return sum;
}

uint64_t SealJob::rows() const {
  uint64_t sum = 0;
  for (const HeadPrefix& prefix : blocks) sum += prefix.rows;
  return sum;
}

namespace {

/// The rows of one stream in one of the job's blocks.
struct Run {
  const HeadBlock* block;
  const uint32_t* begin;
  const uint32_t* end;
  const StreamPtr* stream;
};

bool by_stream(const Run& a, const Run& b) {
  const Stream& left = **a.stream;
  const Stream& right = **b.stream;
  if (left.id != right.id) return left.id < right.id;
  return left.label_string < right.label_string;
}

}  // namespace

Result<SealedJob> seal(const SealJob& job, BlockBuilder& builder, SpillFile& spill) {
  std::vector<SortedHeadRows> sorted;
  std::vector<Run> runs;
  BlockInput input;
  input.tenant = job.blocks.front().block->tenant();
  input.arrival_min = job.blocks.front().block->arrival_min();
  sorted.reserve(job.blocks.size());
  for (const HeadPrefix& prefix : job.blocks) {
    const SortedHeadRows& rows = sorted.emplace_back(sort_head_rows(prefix));
    uint32_t begin = 0;
    for (uint32_t i = 0; i < prefix.streams; ++i) {
      runs.push_back({prefix.block.get(), rows.order.data() + begin, rows.order.data() + rows.run_ends[i],
                      &prefix.block->stream(i)});
      begin = rows.run_ends[i];
    }
    input.arrival_min = std::min(input.arrival_min, prefix.block->arrival_min());
    input.arrival_max = std::max(input.arrival_max, prefix.arrival_max);
  }
  std::sort(runs.begin(), runs.end(), by_stream);

  std::vector<BlockInputRow> rows;
  rows.reserve(job.rows());
  for (const Run& run : runs) {
    const auto stream = static_cast<uint32_t>(input.streams.size());
    input.streams.push_back(*run.stream);
    for (const uint32_t* at = run.begin; at != run.end; ++at) {
      const HeadRow& row = run.block->row(*at);
      rows.push_back({stream, row.time_ns, row.line(), row.metadata(), row.derived_count});
    }
  }
  input.rows = rows;
  const EncodedBlock encoded = builder.build(input);
  CHECK(encoded.info.rows == rows.size(), "a block of {} rows was built from {}", encoded.info.rows, rows.size());

  SealedJob sealed;
  TRY_ASSIGN(sealed.spilled, spill.write(encoded));
  const SpilledBlock& spilled = sealed.spilled;
  TRY_ASSIGN(BlockSourcePtr source, open_block(input.tenant, input.streams, spilled.entry, spilled.source,
                                               spilled.narrow_offset, spilled.heap_offset, /*in_head=*/true));
  TRY_ASSIGN(auto index, SpilledIndex::make(encoded.index, spilled.source, spilled.index_offset));
  sealed.source = with_index(std::move(source), std::move(index));
  return sealed;
}

}  // namespace cordwood
