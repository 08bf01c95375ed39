// SPDX-License-Identifier: Apache-2.0
#include "storage/id_reads.h"

#include <functional>
#include <map>

#include "storage/base/parallel.h"
#include "storage/base/patience.h"
#include "storage/day_ids.h"
#include "storage/segment_index.h"

namespace cordwood {

namespace {

using Locate = std::function<void(ReadStats*)>;

void run_all(const std::vector<Locate>& reads, ReadStats* stats) {
  const Patience* patience = Patience::of_this_thread();
  std::vector<ReadStats> spent(reads.size());
  const Result<void> done = run_parallel(reads.size(), IdReads::kParallel, [&](size_t i) -> Result<void> {
    const Patience::Scope scope(patience);
    reads[i](&spent[i]);
    return {};
  });
  CHECK(done.ok(), "reads of ids answer no errors: {}", done.error().message);
  for (const ReadStats& one : spent) {
    stats->index_reads += one.index_reads;
    stats->index_bytes += one.index_bytes;
    stats->index_damages += one.index_damages;
  }
}

}  // namespace

void IdReads::add(const std::shared_ptr<const SegmentIndex>& index, uint32_t block, const TextProbe& probe) {
  if (index == nullptr || !index->is_far()) return;
  ids_.clear();
  index->ids_wanted(block, probe, &ids_);
  for (const uint64_t id : ids_) wanted_.emplace(index, id);
}

/// Common tables first, each once: what they answer, their segments need not read.
void IdReads::run(ReadStats* stats) {
  using Found = DayIds::Found;
  std::map<std::pair<std::shared_ptr<const DayIds>, uint64_t>, std::shared_ptr<const Found>> tables;
  std::vector<std::pair<Wanted, const std::shared_ptr<const Found>*>> joined;
  std::vector<Locate> reads;
  for (const Wanted& wanted : wanted_) {
    const auto locate = [&wanted](ReadStats* of) { wanted.first->locate(wanted.second, of); };
    const std::shared_ptr<const DayIds> table = wanted.first->joined();
    if (table == nullptr) {
      reads.emplace_back(locate);
      continue;
    }
    const auto [at, is_new] = tables.try_emplace({table, wanted.second});
    joined.emplace_back(wanted, &at->second);
    if (is_new)
      reads.emplace_back(
          [entry = &*at](ReadStats* of) { entry->second = entry->first.first->look_up(entry->first.second, of); });
  }
  run_all(reads, stats);
  reads.clear();
  for (const auto& [wanted, found] : joined) {
    const auto locate = [&wanted = wanted](ReadStats* of) { wanted.first->locate(wanted.second, of); };
    if ((*found)->kind == Found::Kind::known) locate(stats);
    if ((*found)->kind == Found::Kind::unknown) reads.emplace_back(locate);
  }
  run_all(reads, stats);
}

}  // namespace cordwood
