// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>

#include "storage/engine_impl.h"
#include "storage/segment_index.h"

namespace cordwood {

MergeTarget::State EngineImpl::merge_state() const {
  State state;
  state.node = options_.node;
  std::shared_ptr<const PublishedSegments> published;
  {
    const MutexLock lock(mu_);
    published = published_;
    state.catalog_version = catalog_version_;
    state.first_unpublished = unpublished_.empty() ? next_generation_ : unpublished_.front()->generation->number();
    state.holds_version = holds_version_;
    for (const auto& [id, rule] : delete_rules_) state.arrival_cuts.push_back(rule->arrival_cut());
    for (const auto& [key, table] : day_ids_) state.day_ids.push_back(table);
  }
  std::sort(state.arrival_cuts.begin(), state.arrival_cuts.end());
  SnapshotParts parts;
  parts.published = published;
  parts.catalog_version = state.catalog_version;
  state.snapshot = make_snapshot(std::move(parts));
  std::set<std::string_view> open;
  for (const auto& segment : *published) {
    state.segments.push_back(segment->segment);
    open.insert(segment->segment->meta().key);
  }
  if (segments_unreadable_) {
    for (SegmentMeta& meta : catalog_->segments()) {
      if (!open.contains(meta.key)) state.unreadable.push_back(std::move(meta));
    }
  }
  return state;
}

Result<MergeTarget::Replaced> EngineImpl::replace(std::vector<SegmentMeta> added, std::vector<std::string> removed,
                                                  std::optional<uint64_t> holds_version) {
  CHECK(unsettled_ == nullptr, "a replacement is not settled yet");
  auto replacement = std::make_unique<Replacement>();
  for (const SegmentMeta& meta : added) {
    TRY_ASSIGN(auto segment, Segment::open(*env_.store, meta, env_.terms, &registry_));
    replacement->opened.push_back(std::make_shared<PublishedSegment>(std::move(segment), *env_.memory));
  }
  {
    const MutexLock lock(mu_);
    std::set<std::string_view> keys(removed.begin(), removed.end());
    for (const auto& segment : *published_) keys.erase(segment->segment->meta().key);
    if (!keys.empty()) return Error::invalid(fmt::format("segment {} is not published", *keys.begin()));
  }
  replacement->change.added = std::move(added);
  replacement->change.removed = std::move(removed);
  replacement->holds_version = holds_version;
  return offer(std::move(replacement));
}

Result<MergeTarget::Replaced> EngineImpl::set_day_ids(DayIdsMeta table) {
  CHECK(unsettled_ == nullptr, "a replacement is not settled yet");
  {
    const MutexLock lock(mu_);
    std::set<std::string_view> keys;
    for (const DayIdsMeta::Part& part : table.parts) keys.insert(part.segment);
    for (const auto& segment : *published_) keys.erase(segment->segment->meta().key);
    if (!keys.empty()) return Error::invalid(fmt::format("segment {} is not published", *keys.begin()));
  }
  auto replacement = std::make_unique<Replacement>();
  replacement->change.day_ids.push_back(std::move(table));
  return offer(std::move(replacement));
}

Result<MergeTarget::Replaced> EngineImpl::offer(std::unique_ptr<Replacement> replacement) {
  unsettled_ = std::move(replacement);
  const Result<void> settled = settle();
  if (settled.ok()) return Replaced::done;
  if (unsettled_ == nullptr) return settled.error();
  env_.log->warn("segments could not be replaced, will try again", {{"error", settled.error().message}});
  return Replaced::unsettled;
}

Result<void> EngineImpl::settle() {
  if (unsettled_ == nullptr) return {};
  const MutexLock commit_lock(commit_mu_);
  // Once it was offered it may have been made: then it is too late to give it up.  Nothing is held until that is known;
  // what was lifted meanwhile does not matter.
  if (unsettled_->holds_version && !unsettled_->offered) {
    const MutexLock lock(mu_);
    if (*unsettled_->holds_version != holds_version_) {
      unsettled_.reset();
      return Error::cancelled("what is held has changed");
    }
  }
  unsettled_->offered = true;
  if (const Result<void> made = commit_change(unsettled_->change); !made.ok()) {
    // Until its fate is known nothing can be held (set_hold).
    erasure_unsettled_ = unsettled_->holds_version.has_value();
    return made;
  }
  erasure_unsettled_ = false;
  TRY(follow_acts());
  const std::vector<std::string>& removed = unsettled_->change.removed;
  {
    const MutexLock lock(mu_);
    auto published = std::make_shared<PublishedSegments>();
    for (const auto& segment : *published_) {
      const std::string& key = segment->segment->meta().key;
      if (std::find(removed.begin(), removed.end(), key) == removed.end()) {
        published->push_back(segment);
      } else {
        retired_.push_back({key, segment, next_retired_++});
      }
    }
    published->insert(published->end(), unsettled_->opened.begin(), unsettled_->opened.end());
    published_ = std::move(published);
    catalog_version_ = catalog_->version();
    follow_day_ids();
  }
  unsettled_.reset();
  return {};
}

/// Makes segments look for ids in the tables that the catalog names, and in those alone.
void EngineImpl::follow_day_ids() {
  std::map<std::string, std::shared_ptr<const DayIds>> tables;
  bool changed = false;
  for (DayIdsMeta& meta : catalog_->day_ids()) {
    auto& table = tables[meta.key];
    const auto known = day_ids_.find(meta.key);
    if (known != day_ids_.end()) table = known->second;
    changed = changed || table == nullptr;
    if (table == nullptr) table = std::make_shared<const DayIds>(*env_.store, std::move(meta));
  }
  if (!changed && tables.size() == day_ids_.size()) return;
  std::map<std::string_view, std::pair<const std::shared_ptr<const DayIds>*, uint32_t>> parts;
  for (const auto& [key, table] : tables) {
    uint32_t number = 0;
    for (const DayIdsMeta::Part& part : table->meta().parts) parts[part.segment] = {&table, number++};
  }
  for (const auto& published : *published_) {
    const std::shared_ptr<const SegmentIndex> index = published->segment->index();
    const auto part = parts.find(published->segment->meta().key);
    if (index == nullptr) continue;
    const bool joins = part != parts.end() && index->can_join(**part->second.first, part->second.second);
    index->join(joins ? *part->second.first : nullptr, joins ? part->second.second : 0);
  }
  for (const auto& [key, table] : day_ids_) {
    if (!tables.contains(key)) retired_.push_back({key, table, next_retired_++});
  }
  day_ids_ = std::move(tables);
}

/// Removes the objects of replaced segments that no snapshot names.  What is left at the end of the process is an
/// orphan and goes at the next start.
void EngineImpl::remove_retired() {
  std::vector<Retired> due;
  {
    const MutexLock lock(mu_);
    for (const Retired& retired : retired_) {
      if (retired.used.expired()) due.push_back(retired);
    }
  }
  for (const Retired& retired : due) {
    if (!env_.store->remove(retired.key).ok()) continue;
    const MutexLock lock(mu_);
    std::erase_if(retired_, [&retired](const Retired& other) { return other.number == retired.number; });
  }
}

}  // namespace cordwood
