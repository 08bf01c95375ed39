// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "lifecycle/merger.h"
#include "tests/support/engine_world.h"

namespace cordwood {

/// Merges segments of an engine world.
class MergeWorld {
 public:
  explicit MergeWorld(EngineWorld& world) : world_(world) {
    options.policy.fan_in = 2;
    options.own_segment_bytes = 1000;
    options.spill_dir = "data/spill";
  }
  /// For the engine that is open now; the one before is forgotten.
  lifecycle::Merger& renew() {
    merger_ = std::make_unique<lifecycle::Merger>(
        options, lifecycle::Merger::Environment{.fs = &world_.fs,
                                                .clock = &world_.clock,
                                                .store = world_.store.get(),
                                                .memory = &world_.memory,
                                                .target = world_.engine->merge_target(),
                                                .terms = terms,
                                                .log = world_.log.get(),
                                                .metrics = &world_.metrics});
    return *merger_;
  }
  lifecycle::Merger& merger() { return merger_ == nullptr ? renew() : *merger_; }
  void forget() { merger_ = nullptr; }
  /// Segments that are published, in order of arrival.
  std::vector<SegmentMeta> segments() const {
    std::vector<SegmentMeta> metas;
    for (const auto& segment : world_.engine->merge_target()->merge_state().segments) metas.push_back(segment->meta());
    std::sort(metas.begin(), metas.end(),
              [](const SegmentMeta& a, const SegmentMeta& b) { return a.arrival_min < b.arrival_min; });
    return metas;
  }
  std::vector<std::string> keys() const {
    std::vector<std::string> all;
    for (const SegmentMeta& meta : segments()) all.push_back(meta.key);
    return all;
  }

  /// Without those that must wait for an older generation.
  std::vector<std::string> mergeable_keys() const {
    const uint64_t end = world_.engine->merge_target()->merge_state().first_unpublished;
    std::vector<std::string> found;
    for (const SegmentMeta& meta : segments())
      if (meta.generation < end) found.push_back(meta.key);
    return found;
  }

  lifecycle::MergeOptions options;
  SegmentTermsBuilder* terms = nullptr;

 private:
  EngineWorld& world_;
  std::unique_ptr<lifecycle::Merger> merger_;
};

}  // namespace cordwood
