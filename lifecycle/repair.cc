// SPDX-License-Identifier: Apache-2.0
#include "lifecycle/repair.h"

#include <algorithm>
#include <map>
#include <set>

#include "storage/base/parallel.h"
#include "storage/catalog_view.h"
#include "storage/manifest_store.h"
#include "storage/segment_key.h"
#include "storage/wal_reader.h"

namespace cordwood::lifecycle {

namespace {

constexpr uint64_t kBeyond = 1000;  ///< numbers left free after the last one known: others may have followed it
constexpr size_t kNumberDigits = 20;

/// The attempt a segment was written by: its key without the number at the end.
std::string attempt_of(const std::string& key) {
  return key.substr(0, key.rfind('-'));
}

class Planner {
 public:
  Planner(const std::vector<SegmentMeta>& found, const std::map<uint64_t, uint64_t>& wal) : wal_(wal) {
    for (const SegmentMeta& meta : found) found_[meta.key] = &meta;
  }

  RepairPlan plan() {
    choose_merges();
    choose_generations();
    std::map<uint64_t, uint64_t> done;  // marks by generation
    const auto note = [&](const SegmentMeta& meta) {
      uint64_t& mark = done[meta.generation];
      if (meta.log_mark != 0) mark = meta.log_mark;
    };
    for (const auto& [key, meta] : found_) {
      if (replaced_.contains(key)) {
        leave_out(key, "another segment replaces it");
      } else if (!out_.contains(key)) {
        plan_.named.push_back(*meta);
        note(*meta);
      }
    }
    for (const auto& [key, meta] : found_) {
      if (replaced_.contains(key)) note(*meta);
    }
    for (const auto& [generation, mark] : done) {
      // What was merged does not tell its log any more: it is the one that was left here.
      const auto log = wal_.find(generation);
      plan_.generations_done.push_back({generation, mark == 0 && log != wal_.end() ? log->second : mark});
    }
    return std::move(plan_);
  }

 private:
  void leave_out(const std::string& key, std::string why) {
    if (out_.insert(key).second) plan_.left_out.push_back({key, std::move(why)});
  }

  /// `key` was replaced, and so was all that it had replaced itself.
  void replace(const std::string& key) {
    if (!replaced_.insert(key).second) return;
    const auto meta = found_.find(key);
    if (meta == found_.end()) return;
    for (const std::string& source : meta->second->replaces) replace(source);
  }

  /// The later attempts first: what a committed one took away no later one could have taken.
  void choose_merges() {
    std::map<std::pair<uint32_t, std::string>, std::vector<const SegmentMeta*>> merges;
    for (const auto& [key, meta] : found_) {
      if (meta->level > 0 && !meta->replaces.empty()) merges[{meta->level, attempt_of(key)}].push_back(meta);
    }
    for (auto merge = merges.rbegin(); merge != merges.rend(); ++merge) {
      const std::vector<std::string>& sources = merge->second.front()->replaces;
      const bool whole = std::all_of(sources.begin(), sources.end(), [&](auto& key) { return found_.contains(key); });
      const bool taken =
          std::any_of(sources.begin(), sources.end(), [&](auto& key) { return replaced_.contains(key); });
      const bool later_replaced = std::any_of(merge->second.begin(), merge->second.end(),
                                              [&](const SegmentMeta* meta) { return replaced_.contains(meta->key); });
      if (!later_replaced && (whole || taken)) {
        for (const SegmentMeta* meta : merge->second) {
          leave_out(meta->key, whole ? "all that it was made of is still there" : "an attempt that came to nothing");
        }
        continue;
      }
      for (const std::string& source : sources) replace(source);
    }
  }

  void choose_generations() {
    std::map<uint64_t, std::map<std::string, std::vector<const SegmentMeta*>>> generations;
    for (const auto& [key, meta] : found_) {
      if (meta->level == 0) generations[meta->generation][attempt_of(key)].push_back(meta);
    }
    for (const auto& [generation, attempts] : generations) {
      std::string chosen;
      uint64_t most_rows = 0;
      uint64_t mark = 0;
      bool merged = false;
      for (const auto& [attempt, metas] : attempts) {
        uint64_t rows = 0;
        bool was_merged = false;
        for (const SegmentMeta* meta : metas) {
          rows += meta->rows;
          was_merged = was_merged || replaced_.contains(meta->key);
        }
        if (merged || (!was_merged && rows < most_rows)) continue;
        chosen = attempt;
        most_rows = rows;
        mark = metas.front()->log_mark;
        merged = was_merged;
      }
      const auto log = wal_.find(generation);
      const bool replayed = !merged && log != wal_.end() && log->second == mark;
      for (const auto& [attempt, metas] : attempts) {
        if (attempt == chosen && !replayed) continue;
        for (const SegmentMeta* meta : metas) {
          leave_out(meta->key, replayed ? "its write-ahead log is still there" : "an attempt that came to nothing");
        }
      }
    }
  }

  const std::map<uint64_t, uint64_t>& wal_;
  std::map<std::string, const SegmentMeta*> found_;
  std::set<std::string> replaced_;
  std::set<std::string> out_;
  RepairPlan plan_;
};

/// The number that a name begins with, maybe behind letters; 0: none.
uint64_t number_of(const std::string& key) {
  const size_t begin = key.find_first_of("0123456789", key.rfind('/'));
  if (begin == std::string::npos || key.size() < begin + kNumberDigits) return 0;
  const std::string digits = key.substr(begin, kNumberDigits);
  if (digits.find_first_not_of("0123456789") != std::string::npos) return 0;
  return std::strtoull(digits.c_str(), nullptr, 10);
}

/// The last change that is told of by names: of manifest objects, and of what was made from a catalog of some version.
uint64_t last_change(const std::vector<ObjectInfo>& manifest, const std::vector<ObjectInfo>& segments) {
  uint64_t last = 0;
  for (const ObjectInfo& object : manifest) last = std::max(last, number_of(object.key));
  for (const ObjectInfo& object : segments) {
    if (names_catalog_version(object.key)) last = std::max(last, number_of(object.key));
  }
  return last;
}

Result<void> write_manifest(ObjectStore& store, FileSystem& fs, const RepairOptions& options,
                            const std::vector<ObjectInfo>& segments, RepairReport* report, Logger& log) {
  TRY_ASSIGN(const std::vector<ObjectInfo> objects, store.list_all(manifest_prefix(options.node)));
  CatalogState state;
  CatalogChange everything;
  everything.added = report->plan.named;
  everything.generations_done = report->plan.generations_done;
  state.apply(everything);
  state.version = last_change(objects, segments) + kBeyond;
  report->manifest = state.version;
  ManifestStore manifest(store, options.node, log, options.parallel);
  TRY(manifest.write_snapshot(state));
  return CatalogView::remove(fs, options.data_dir + "/catalog.sqlite");
}

}  // namespace

RepairPlan plan_repair(const std::vector<SegmentMeta>& found, const std::map<uint64_t, uint64_t>& wal) {
  return Planner(found, wal).plan();
}

Result<RepairReport> repair(ObjectStore& store, FileSystem& fs, const RepairOptions& options, Logger& log) {
  {
    ManifestStore manifest(store, options.node, log, options.parallel);
    CatalogState state;
    const Result<void> read = manifest.read_all(&state);
    if (!read.ok() && read.error().kind != ErrorKind::corrupt) return read.error();
    if (read.ok() && state.version > 0 && !options.force) {
      return Error::invalid(fmt::format("the manifest is whole (change {}): nothing is to be repaired", state.version));
    }
  }
  TRY_ASSIGN(const std::vector<ObjectInfo> objects, store.list_all(segment_prefix(options.node)));
  // Common id tables are made again.
  std::vector<std::string> keys;
  for (const ObjectInfo& object : objects) {
    if (!DayIdsMeta::is_key(object.key)) keys.push_back(object.key);
  }
  std::vector<SegmentMeta> metas(keys.size());
  std::vector<std::string> damaged(keys.size());
  TRY(run_parallel(keys.size(), options.parallel, [&](size_t i) -> Result<void> {
    Result<SegmentMeta> meta = read_segment_meta(store, keys[i]);
    if (meta.ok()) {
      metas[i] = std::move(meta).value();
      return {};
    }
    if (meta.error().kind == ErrorKind::unavailable || meta.error().kind == ErrorKind::io) return meta.error();
    damaged[i] = meta.error().message;
    return {};
  }));
  std::vector<SegmentMeta> readable;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (damaged[i].empty()) readable.push_back(std::move(metas[i]));
  }
  TRY_ASSIGN(const std::vector<LocalWalLog> logs, list_wal_logs(fs, options.data_dir + "/wal"));
  std::map<uint64_t, uint64_t> wal;
  for (const LocalWalLog& local : logs) wal.emplace(local.number, local.log.mark);
  RepairReport report;
  report.plan = plan_repair(readable, wal);
  for (size_t i = 0; i < keys.size(); ++i) {
    if (!damaged[i].empty()) report.plan.left_out.push_back({keys[i], damaged[i]});
  }
  if (options.dry_run) return report;
  TRY(write_manifest(store, fs, options, objects, &report, log));
  return report;
}

}  // namespace cordwood::lifecycle
