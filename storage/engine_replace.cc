// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>

#include "storage/engine_impl.h"

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
  }
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

Result<MergeTarget::Replaced> EngineImpl::replace(std::vector<SegmentMeta> added, std::vector<std::string> removed) {
  CHECK(unsettled_ == nullptr, "a replacement is not settled yet");
  auto replacement = std::make_unique<Replacement>();
  for (const SegmentMeta& meta : added) {
    TRY_ASSIGN(auto segment, Segment::open(*env_.store, meta, env_.terms));
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
  unsettled_ = std::move(replacement);
  const Result<void> settled = settle();
  if (settled.ok()) return Replaced::done;
  env_.log->warn("segments could not be replaced, will try again", {{"error", settled.error().message}});
  return Replaced::unsettled;
}

Result<void> EngineImpl::settle() {
  if (unsettled_ == nullptr) return {};
  const MutexLock commit_lock(commit_mu_);
  TRY(catalog_->commit(unsettled_->change));
  const std::vector<std::string>& removed = unsettled_->change.removed;
  {
    const MutexLock lock(mu_);
    auto published = std::make_shared<PublishedSegments>();
    for (const auto& segment : *published_) {
      const std::string& key = segment->segment->meta().key;
      if (std::find(removed.begin(), removed.end(), key) == removed.end()) {
        published->push_back(segment);
      } else {
        retired_.push_back({key, segment});
      }
    }
    published->insert(published->end(), unsettled_->opened.begin(), unsettled_->opened.end());
    published_ = std::move(published);
    catalog_version_ = catalog_->version();
  }
  unsettled_.reset();
  return {};
}

/// Removes the objects of replaced segments that no snapshot names.  What is left at the end of the process is an
/// orphan and goes at the next start.
void EngineImpl::remove_retired() {
  std::vector<std::string> keys;
  {
    const MutexLock lock(mu_);
    std::erase_if(retired_, [&keys](const Retired& retired) {
      if (!retired.segment.expired()) return false;
      keys.push_back(retired.key);
      return true;
    });
  }
  for (std::string& key : keys) {
    if (env_.store->remove(key).ok()) continue;
    const MutexLock lock(mu_);
    retired_.push_back({std::move(key), {}});
  }
}

}  // namespace cordwood
