// SPDX-License-Identifier: Apache-2.0
#include "query/count_shortcut.h"

#include <algorithm>

namespace cordwood::query {

namespace {

constexpr std::string_view kLevelLabel = "detected_level";

/// Whether a stage leaves counts and groups as they are.
bool changes_nothing(const Stage& stage, const LabelDemand& demand) {
  // Parsers do not run at all when nobody wants a label.
  if (is_parser(stage)) return demand.no_labels;
  const auto* drop = std::get_if<DropStage>(&stage);
  if (drop == nullptr) return false;
  return std::none_of(drop->labels.begin(), drop->labels.end(), [&](const NamedLabel& label) {
    return std::find(demand.groups.begin(), demand.groups.end(), label.name) != demand.groups.end();
  });
}

}  // namespace

CountShortcut::CountShortcut(const RangeAggregation& aggregation, std::span<const Stage> stages,
                             const LabelDemand& demand)
    : groups_(demand.groups) {
  const RangeOp op = aggregation.op;
  counts_bytes_ = op == RangeOp::bytes || op == RangeOp::bytes_rate;
  const bool counts = counts_bytes_ || op == RangeOp::count || op == RangeOp::rate;
  const bool grouped = demand.no_labels || (!demand.without && !demand.groups.empty());
  if (!counts || !grouped || aggregation.range.unwrap) return;
  std::sort(groups_.begin(), groups_.end());
  groups_.erase(std::unique(groups_.begin(), groups_.end()), groups_.end());
  if (demand.no_labels) groups_.clear();
  possible_ =
      std::all_of(stages.begin(), stages.end(), [&](const Stage& stage) { return changes_nothing(stage, demand); });
}

bool CountShortcut::labels_known(const ReadPlan& plan, const PlannedBlock& block) const {
  const auto& parts = block.source->info().streams;
  return std::all_of(groups_.begin(), groups_.end(), [&](const std::string& name) {
    if (name.ends_with(kExtractedSuffix)) return false;
    if (name == kLevelLabel || !block.source->may_have_metadata(name)) return true;
    return std::all_of(parts.begin(), parts.end(), [&](const BlockStream& part) {
      return part.stream->labels.has(name) || !plan.ordinal(*part.stream);
    });
  });
}

bool CountShortcut::by_level() const {
  return std::binary_search(groups_.begin(), groups_.end(), kLevelLabel);
}

const std::vector<LabelView>& CountShortcut::labels_of(const Stream& stream, std::string_view level) {
  labels_.clear();
  for (const std::string& name : groups_) {
    if (stream.labels.has(name)) {
      labels_.push_back({name, stream.labels.get(name)});
    } else if (name == kLevelLabel && !level.empty()) {
      labels_.push_back({name, level});
    }
  }
  return labels_;
}

std::optional<size_t> CountShortcut::choose_table(const WindowGrid& windows, std::span<const int64_t> widths_ns) {
  for (size_t table = widths_ns.size(); table-- > 0;) {
    if (windows.edges_are_multiples_of(widths_ns[table])) return table;
  }
  // Two edges of each window cut a bucket each.
  constexpr int64_t kWhole = 4;
  const TimeRange covered = windows.covered();
  const int64_t cut = 2 * kWhole * static_cast<int64_t>(windows.count());
  if ((covered.end_ns - covered.start_ns) / cut < widths_ns[0]) return std::nullopt;
  return 0;
}

Result<void> CountShortcut::read_streams(const ReadPlan& plan, const WindowGrid& windows, const PlannedBlock& block,
                                         const Taker& taker, std::vector<Rest>* rest) {
  const bool by_stream = !by_level();
  const auto& parts = block.source->info().streams;
  known_streams_.assign(parts.size(), true);
  WindowGrid::Stretch stretch;
  for (size_t i = 0; i < parts.size(); ++i) {
    const BlockStream& part = parts[i];
    const std::optional<uint32_t> ordinal = part.rows == 0 ? std::nullopt : plan.ordinal(*part.stream);
    if (!ordinal || !plan.range.overlaps_closed(part.time_min_ns, part.time_max_ns)) continue;
    const int64_t begin_ns = part.time_min_ns - 1;
    if (!stretch.holds(part.time_max_ns)) stretch = windows.stretch(part.time_max_ns);
    const bool whole = by_stream && begin_ns >= stretch.begin_ns && plan.range.contains(part.time_min_ns) &&
                       plan.range.contains(part.time_max_ns);
    if (whole && stretch.cell < 0) continue;
    if (!whole || plan.streams[*ordinal].contested({part.time_min_ns, part.time_max_ns})) {
      known_streams_[i] = false;
      rest->push_back({*ordinal, begin_ns, part.time_max_ns});
      continue;
    }
    TRY_ASSIGN(const uint32_t series, taker.series(labels_of(*plan.streams[*ordinal].stream, {})));
    TRY(add(taker, part.time_max_ns, stretch.cell, {part.rows, part.line_bytes}, series));
  }
  return {};
}

Result<bool> CountShortcut::read(const ReadPlan& plan, const WindowGrid& windows, const PlannedBlock& block,
                                 const Taker& taker, std::vector<Rest>* rest) {
  if (!possible_ || !labels_known(plan, block)) return false;
  const std::span<const int64_t> widths_ns = block.source->count_widths_ns();
  if (widths_ns.empty()) return false;
  const std::optional<size_t> table = choose_table(windows, widths_ns);
  TRY(read_streams(plan, windows, block, taker, rest));
  if (rest->empty() || !table) return true;
  rest->clear();
  const CountValues values = counts_bytes_ ? CountValues::line_bytes : CountValues::rows;
  TRY(block.source->count_columns(*table, values, &counts_));
  if (counts_.size() > 0) TRY(take_counts(plan, windows, block, widths_ns[*table], taker, rest));
  return true;
}

Result<CountShortcut::Bucket> CountShortcut::bucket_at(const ReadPlan& plan, const WindowGrid& windows, int64_t bucket,
                                                       int64_t width_ns) {
  using enum Bucket::State;
  int64_t end_ns = 0, begin_ns = 0;
  if (__builtin_mul_overflow(bucket, width_ns, &end_ns) || __builtin_sub_overflow(end_ns, width_ns, &begin_ns))
    return Error::corrupt("a count's bucket is too far");
  if (end_ns < plan.range.start_ns || begin_ns + 1 >= plan.range.end_ns) return Bucket{outside, 0};
  if (!stretch_.holds(end_ns)) stretch_ = windows.stretch(end_ns);
  const bool is_whole =
      begin_ns >= stretch_.begin_ns && plan.range.contains(begin_ns + 1) && plan.range.contains(end_ns);
  if (!is_whole) return Bucket{cut, 0};
  return stretch_.cell < 0 ? Bucket{outside, 0} : Bucket{whole, stretch_.cell};
}

void CountShortcut::begin_buckets() {
  constexpr uint64_t kMostBuckets = 1u << 16;
  int64_t last_bucket = first_bucket_ = counts_.buckets[0];
  for (const int64_t bucket : counts_.buckets) {
    first_bucket_ = std::min(first_bucket_, bucket);
    last_bucket = std::max(last_bucket, bucket);
  }
  const uint64_t spread = static_cast<uint64_t>(last_bucket) - static_cast<uint64_t>(first_bucket_);
  near_ = spread < kMostBuckets;
  buckets_.assign(near_ ? spread + 1 : 0, {});
  sums_.begin(near_ ? spread + 1 : kMostBuckets);
  levels_.assign(counts_.levels.size(), {});
  stretch_ = {};
}

Result<void> CountShortcut::take_counts(const ReadPlan& plan, const WindowGrid& windows, const PlannedBlock& block,
                                        int64_t width_ns, const Taker& taker, std::vector<Rest>* rest) {
  begin_buckets();
  const auto& parts = block.source->info().streams;
  const std::vector<uint32_t>& streams = counts_.streams;
  for (size_t begin = 0, end = 0; begin < streams.size(); begin = end) {
    const uint32_t stream = streams[begin];
    for (end = begin + 1; end < streams.size() && streams[end] == stream; ++end) continue;
    const auto ordinal = known_streams_[stream] ? std::nullopt : plan.ordinal(*parts[stream].stream);
    if (ordinal) TRY(take_stream(plan, windows, {*ordinal, begin, end}, width_ns, taker, rest));
  }
  return sums_.for_each([&](uint32_t series, size_t offset, CountSums::Sum sum) {
    const int64_t end_ns = (first_bucket_ + static_cast<int64_t>(offset)) * width_ns;
    return add(taker, end_ns, buckets_[offset].cell, sum, series);
  });
}

Result<void> CountShortcut::take_stream(const ReadPlan& plan, const WindowGrid& windows, const StreamCounts& stream,
                                        int64_t width_ns, const Taker& taker, std::vector<Rest>* rest) {
  using enum Bucket::State;
  const PlannedStream& planned = plan.streams[stream.ordinal];
  for (size_t i = stream.begin; i < stream.end; ++i) {
    const uint64_t offset = static_cast<uint64_t>(counts_.buckets[i]) - static_cast<uint64_t>(first_bucket_);
    Bucket far;
    Bucket& bucket = near_ ? buckets_[offset] : far;
    if (bucket.state == unknown) {
      TRY_ASSIGN(bucket, bucket_at(plan, windows, counts_.buckets[i], width_ns));
    }
    if (bucket.state == outside) continue;
    const int64_t end_ns = counts_.buckets[i] * width_ns;
    if (bucket.state == cut || planned.contested({end_ns - width_ns + 1, end_ns})) {
      const bool noted = !rest->empty() && rest->back().ordinal == stream.ordinal && rest->back().end_ns == end_ns;
      if (!noted) rest->push_back({stream.ordinal, end_ns - width_ns, end_ns});
      continue;
    }
    LevelSeries& level = levels_[counts_.level_ids[i]];
    if (level.ordinal != stream.ordinal) {
      const std::string_view text = counts_.levels[counts_.level_ids[i]];
      TRY_ASSIGN(level.series, taker.series(labels_of(*planned.stream, text)));
      level.ordinal = stream.ordinal;
      level.place = sums_.place(level.series);
    }
    const CountSums::Sum sum{counts_.rows[i], counts_bytes_ ? counts_.line_bytes[i] : 0};
    if (level.place != CountSums::kNoPlace) {
      sums_.add(level.place, offset, sum);
    } else {
      TRY(add(taker, end_ns, bucket.cell, sum, level.series));
    }
  }
  return {};
}

}  // namespace cordwood::query
