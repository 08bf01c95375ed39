// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "lifecycle/merger.h"
#include "storage/base/checksum.h"
#include "storage/base/niceness.h"
#include "storage/day_ids.h"
#include "storage/segment_index.h"

namespace cordwood::lifecycle {

namespace {

constexpr uint64_t kMemoryBytes = 16u << 20;

}  // namespace

void Merger::watch_young_days(std::span<const MergeCandidate> all) {
  const int64_t now_ns = env_.clock->monotonic_ns();
  const int32_t first_open = first_open_day();
  const auto key = [](const MergeCandidate& c) { return std::pair(c.parts[0].tenant, c.parts[0].day); };
  std::map<std::pair<TenantId, int32_t>, uint64_t> young;  // hash of their segments
  for (const MergeCandidate& c : all) {
    if (c.level == 0 && c.parts.size() == 1 && c.parts[0].day < first_open) young[key(c)] = 0;
  }
  for (const MergeCandidate& c : all) {
    if (c.parts.size() != 1) continue;
    if (const auto day = young.find(key(c)); day != young.end()) day->second ^= xxh3_64(c.key);
  }
  std::erase_if(young_days_, [&](const auto& entry) { return !young.contains(entry.first); });
  for (const auto& [day, segments] : young) {
    YoungDay& known = young_days_.try_emplace(day, YoungDay{segments, now_ns}).first->second;
    if (known.segments != segments) known = {segments, now_ns};
  }
}

bool Merger::rests(const MergePart& part) const {
  const auto known = young_days_.find({part.tenant, part.day});
  return known == young_days_.end() || env_.clock->monotonic_ns() - known->second.since_ns >= options_.quiet_after_ns;
}

std::vector<DayTable> Merger::due_day_tables(const MergeTarget::State& state) {
  const int64_t now_ns = env_.clock->monotonic_ns();
  std::erase_if(joined_until_ns_, [now_ns](const auto& entry) { return entry.second <= now_ns; });
  std::set<std::string_view> joined;
  for (const auto& table : state.day_ids) {
    if (table->damaged()) continue;
    for (const DayIdsMeta::Part& part : table->meta().parts) joined.insert(part.segment);
  }
  // Segments whose ids cannot be joined are asked alone: they count as nobody's.
  std::vector<MergeCandidate> all = candidates(state);
  for (size_t i = 0; i < state.segments.size(); ++i) {
    const auto index = state.segments[i]->index();
    if (index == nullptr || !can_join_day_ids(*index) || apart_.contains(all[i].key)) all[i].parts.clear();
  }
  all.resize(state.segments.size());
  watch_young_days(all);
  std::vector<DayTable> due = choose_day_tables(
      all, options_.day_tables, [&](size_t i) { return joined.contains(all[i].key); },
      [&](const MergePart& part) { return rests(part); }, is_quiet(state), first_open_day());
  std::erase_if(due, [&](const DayTable& day) { return joined_until_ns_.contains({day.of.tenant, day.of.day}); });
  return due;
}

bool Merger::join_ids_once() {
  if (!options_.day_ids || !settled()) return false;
  const MergeTarget::State state = env_.target->merge_state();
  const std::vector<DayTable> due = due_day_tables(state);
  if (due.empty()) return false;
  const DayTable& day = due.front();
  // What replaces segments one by one (deletes, late rows) does not have it written each time.
  int64_t& until_ns = joined_until_ns_[{day.of.tenant, day.of.day}];
  until_ns = env_.clock->monotonic_ns() + options_.quiet_after_ns;
  if (const Result<void> done = join_ids(state, day); !done.ok()) {
    if (done.error().kind == ErrorKind::cancelled) return false;
    until_ns = env_.clock->monotonic_ns() + options_.retry_after_ns;
    counters_.day_table_failures.add();
    env_.log->warn("a day gets no common id table: ids are looked for in each of its segments",
                   {{"tenant", day.of.tenant}, {"day", day.of.day}, {"error", done.error().message}});
    return false;
  }
  if (!unsettled_ && seen_version_ == state.catalog_version &&
      env_.target->merge_state().catalog_version == state.catalog_version + 1) {
    ++seen_version_;  // our own change does not end the quiet
  }
  return !unsettled_;
}

Result<void> Merger::join_ids(const MergeTarget::State& state, const DayTable& day) {
  const int64_t start_ns = env_.clock->monotonic_ns();
  const MemoryReservation memory = env_.memory->charge(MemoryShare::sealing, kMemoryBytes);
  std::vector<DayIdsSource> sources;
  for (const size_t i : day.segments) sources.push_back({state.segments[i]->meta().key, state.segments[i]->index()});
  const std::string key = DayIdsMeta::make_key(state.node, state.catalog_version, ++attempts_);
  size_t failed = sources.size();
  Result<DayIdsMeta> table = [&] {
    const PausesForAnswers pauses;
    return write_day_ids(*env_.store, key, sources, stop_, &failed);
  }();
  if (!table.ok()) {
    const ErrorKind kind = table.error().kind;
    if (failed < sources.size() && (kind == ErrorKind::corrupt || kind == ErrorKind::invalid))
      apart_.insert(sources[failed].segment);
    return table.error();
  }
  const DayIdsMeta meta = *table;
  const auto set = env_.target->set_day_ids(std::move(table).value());
  if (!set.ok()) {
    // No manifest names it; what cannot be removed now is an orphan and goes at the next start.
    (void)env_.store->remove(key);
    return set.error();
  }
  unsettled_ = *set == MergeTarget::Replaced::unsettled;
  settle_at_ns_ = env_.clock->monotonic_ns() + options_.retry_after_ns;
  counters_.day_tables.add();
  counters_.day_table_bytes.add(meta.size_bytes);
  env_.log->info("a common id table of a day was written",
                 {{"tenant", day.of.tenant},
                  {"day", day.of.day},
                  {"segments", meta.parts.size()},
                  {"ids", meta.shape.ids},
                  {"bytes", meta.size_bytes},
                  {"ms", (env_.clock->monotonic_ns() - start_ns) / 1'000'000}});
  return {};
}

}  // namespace cordwood::lifecycle
