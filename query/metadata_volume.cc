// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <unordered_map>

#include "query/logql_parser.h"
#include "query/metadata_streams.h"
#include "query/query_engine_impl.h"
#include "query/query_limits.h"

// Stream statistics and volumes: bytes and lines by stream and time, from the blocks' tables alone.  A block's count
// table gives them by bucket; where a bucket, or a block without counts, lies across an edge, its part in proportion
// to the time is taken, as Loki does with chunks.

namespace cordwood::query {

namespace {

struct Amount {
  double bytes = 0;
  double rows = 0;
};

/// Share of the closed interval [min_ns, max_ns] that lies in the closed range [start_ns, end_ns].
double share(int64_t min_ns, int64_t max_ns, int64_t start_ns, int64_t end_ns) {
  if (max_ns < start_ns || min_ns > end_ns) return 0;
  if (min_ns >= start_ns && max_ns <= end_ns) return 1;
  const double width = static_cast<double>(max_ns) - static_cast<double>(min_ns);
  const double inside = static_cast<double>(std::min(max_ns, end_ns)) - static_cast<double>(std::max(min_ns, start_ns));
  return width > 0 ? inside / width : 1;
}

/// One stretch of time with so much in it.
struct Stretch {
  int64_t min_ns = 0;
  int64_t max_ns = 0;
  Amount amount;
};

/// The stretches of each of a block's streams; counts are read once a block.
class BlockStretches {
 public:
  Result<std::vector<Stretch>> of(const StreamPart& part, int64_t start_ns, int64_t end_ns) {
    const BlockStream& whole = *part.part;
    const Amount amount{static_cast<double>(whole.line_bytes), static_cast<double>(whole.rows)};
    const bool inside = whole.time_min_ns >= start_ns && whole.time_max_ns <= end_ns;
    const std::span<const int64_t> widths = part.block->count_widths_ns();
    if ((inside && !split_) || widths.empty())
      return std::vector<Stretch>{{whole.time_min_ns, whole.time_max_ns, amount}};
    const int64_t width = widths[0];
    TRY(load(*part.block));
    std::vector<Stretch> out;
    const auto before = [](const BlockCount& count, uint32_t stream) { return count.stream < stream; };
    auto count = std::lower_bound(counts_.begin(), counts_.end(), part.index, before);
    for (; count != counts_.end() && count->stream == part.index; ++count) {
      int64_t end = 0, begin = 0;
      if (__builtin_mul_overflow(count->bucket, width, &end) || __builtin_sub_overflow(end, width - 1, &begin))
        return Error::corrupt("a count's bucket is too far");
      out.push_back({std::max(begin, whole.time_min_ns),
                     std::min(end, whole.time_max_ns),
                     {static_cast<double>(count->line_bytes), static_cast<double>(count->rows)}});
    }
    return out;
  }
  /// `split`: the answer has several buckets, so that whole parts are not enough.
  explicit BlockStretches(bool split) : split_(split) {}

 private:
  Result<void> load(const BlockSource& block) {
    if (block_ == &block) return {};
    TRY_ASSIGN(counts_, block.counts(0));
    block_ = &block;
    return {};
  }
  bool split_;
  const BlockSource* block_ = nullptr;
  std::vector<BlockCount> counts_;
};

/// End of each bucket in ns: multiples of the step less a millisecond, the last one the end of the range.
struct Buckets {
  int64_t start_ns = 0;
  int64_t end_ns = 0;
  int64_t step_ns = 0;  ///< 0: one bucket

  size_t count() const {
    if (step_ns == 0) return 1;
    return static_cast<size_t>(floor_div(end_ns - (end_ns > start_ns ? 1 : 0), step_ns) -
                               floor_div(start_ns, step_ns)) +
           1;
  }
  int64_t from(size_t i) const {
    return step_ns == 0 || i == 0 ? start_ns : (floor_div(start_ns, step_ns) + static_cast<int64_t>(i)) * step_ns;
  }
  /// Last ns that belongs to the bucket.
  int64_t to(size_t i) const {
    if (step_ns == 0 || i + 1 == count()) return end_ns;
    return (floor_div(start_ns, step_ns) + static_cast<int64_t>(i) + 1) * step_ns - 1;
  }
  int64_t time_ms(size_t i) const {
    if (step_ns == 0 || i + 1 == count()) return floor_div(end_ns, 1'000'000);
    return (to(i) + 1) / 1'000'000 - 1;
  }
  size_t index_of(int64_t time_ns) const {
    if (step_ns == 0) return 0;
    const int64_t i = floor_div(std::clamp(time_ns, start_ns, end_ns), step_ns) - floor_div(start_ns, step_ns);
    return std::min(static_cast<size_t>(i), count() - 1);
  }
};

/// Which label sets a stream's volume counts for.
class VolumeKeys {
 public:
  VolumeKeys(const VolumeRequest& request, const std::vector<Matcher>& matchers)
      : by_labels_(request.aggregate_by_labels) {
    if (!request.target_labels.empty()) {
      names_ = request.target_labels;
    } else if (!by_labels_) {
      for (const Matcher& m : matchers) names_.push_back(m.name());
    }
    std::sort(names_.begin(), names_.end());
    names_.erase(std::unique(names_.begin(), names_.end()), names_.end());
  }
  std::vector<LabelPairs> of(const Stream& stream) const {
    std::vector<LabelPairs> out;
    LabelPairs set;
    for (const auto& [name, value] : stream.labels.pairs()) {
      if (!names_.empty() && !std::binary_search(names_.begin(), names_.end(), name)) continue;
      if (by_labels_) {
        out.push_back({{std::string(name), ""}});
      } else {
        set.emplace_back(name, value);
      }
    }
    if (!by_labels_) out.push_back(std::move(set));
    return out;
  }

 private:
  bool by_labels_;
  std::vector<std::string> names_;  ///< empty: all
};

using Volumes = std::map<LabelPairs, std::vector<double>>;  ///< bytes by bucket

/// The largest `limit` volumes of each bucket, ties by name, as series sorted by their first sample.
QueryResult volume_result(const Volumes& volumes, const Buckets& buckets, uint32_t limit) {
  std::map<const LabelPairs*, Series> kept;
  std::vector<std::pair<uint64_t, const LabelPairs*>> bucket;
  for (size_t i = 0; i < buckets.count(); ++i) {
    bucket.clear();
    for (const auto& [labels, bytes] : volumes) {
      const auto volume = static_cast<uint64_t>(std::llround(bytes[i]));
      if (volume > 0) bucket.emplace_back(volume, &labels);
    }
    // `volumes` is sorted by name, so a stable sort by volume leaves ties in that order.
    std::stable_sort(bucket.begin(), bucket.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    if (bucket.size() > limit) bucket.resize(limit);
    for (const auto& [volume, labels] : bucket) {
      kept[labels].samples.push_back({buckets.time_ms(i), static_cast<double>(volume)});
    }
  }
  std::vector<Series> series;
  for (auto& [labels, one] : kept) {
    one.labels = *labels;
    series.push_back(std::move(one));
  }
  std::sort(series.begin(), series.end(), [](const Series& a, const Series& b) {
    return a.samples[0].value != b.samples[0].value ? a.samples[0].value > b.samples[0].value : a.labels < b.labels;
  });
  const bool single = std::all_of(series.begin(), series.end(), [](const Series& s) { return s.samples.size() <= 1; });
  QueryResult result;
  if (single) {
    result.data = Vector{std::move(series)};
  } else {
    result.data = Matrix{std::move(series)};
  }
  return result;
}

Result<Volumes> collect_volumes(const StreamParts& parts, const VolumeKeys& keys, const Buckets& buckets) {
  Volumes volumes;
  BlockStretches stretches(buckets.count() > 1);
  for (const StreamPart& part : parts.parts) {
    TRY_ASSIGN(const std::vector<Stretch> found, stretches.of(part, buckets.start_ns, buckets.end_ns));
    const std::vector<LabelPairs> sets = keys.of(*part.stream);
    for (const LabelPairs& set : sets) {
      std::vector<double>& bytes = volumes[set];
      bytes.resize(buckets.count());
      for (const Stretch& stretch : found) {
        const size_t last = buckets.index_of(stretch.max_ns);
        for (size_t i = buckets.index_of(stretch.min_ns); i <= last; ++i) {
          bytes[i] += stretch.amount.bytes * share(stretch.min_ns, stretch.max_ns, buckets.from(i), buckets.to(i));
        }
      }
    }
  }
  return volumes;
}

constexpr size_t kMaxBuckets = 11'001;  // what the step check of the API lets through

}  // namespace

Answer<IndexStats> QueryEngine::index_stats(const ReadContext& context, const std::string& query, int64_t start_ns,
                                            int64_t end_ns, QueryStats* stats) const {
  const auto visible = limit_metadata_range(context.limits, impl_->environment.clock->now_ns(), &start_ns, end_ns);
  if (!visible.ok()) return to_query_error(visible.error());
  const auto matchers = parse_selector(query, SelectorRule::needs_non_empty);
  if (!matchers.ok()) return to_query_error(matchers.error());
  if (!*visible) return IndexStats{};
  const auto parts = find_stream_parts(impl_->environment, context.tenant, start_ns, end_ns, *matchers);
  if (!parts.ok()) return to_query_error(parts.error());
  Amount sum;
  BlockStretches stretches(false);
  for (const StreamPart& part : parts->parts) {
    const auto found = stretches.of(part, start_ns, end_ns);
    if (!found.ok()) return to_query_error(found.error());
    for (const Stretch& stretch : *found) {
      const double inside = share(stretch.min_ns, stretch.max_ns, start_ns, end_ns);
      sum.bytes += stretch.amount.bytes * inside;
      sum.rows += stretch.amount.rows * inside;
    }
  }
  IndexStats out;
  out.streams = distinct_streams(*parts).size();
  out.chunks = parts->parts.size();
  out.bytes = static_cast<uint64_t>(std::llround(sum.bytes));
  out.entries = static_cast<uint64_t>(std::llround(sum.rows));
  if (stats != nullptr) {
    stats->streams = out.streams;
    stats->blocks_in_range = parts->blocks.size();
  }
  return out;
}

Answer<QueryResult> QueryEngine::volume(const ReadContext& context, const VolumeRequest& request) const {
  if (!context.limits.volume_enabled) return QueryError{404, "not found"};
  int64_t start_ns = request.start_ns;
  const auto visible =
      limit_metadata_range(context.limits, impl_->environment.clock->now_ns(), &start_ns, request.end_ns);
  if (!visible.ok()) return to_query_error(visible.error());
  // Only the plain text `{}` stands for all streams; an empty selector in any other spelling is an error as elsewhere.
  auto matchers =
      parse_selector(request.query, request.query == "{}" ? SelectorRule::any : SelectorRule::needs_non_empty);
  if (!matchers.ok()) return to_query_error(matchers.error());
  for (const std::string& name : request.target_labels) {
    const bool named =
        std::any_of(matchers->begin(), matchers->end(), [&name](const Matcher& m) { return m.name() == name; });
    if (!named) matchers->push_back(std::move(Matcher::make(name, MatchOp::regex, ".+")).value());
  }
  if (!*visible) return QueryResult{Vector{}, {}, {}};
  const Buckets buckets{start_ns, request.end_ns, request.step_ns};
  if (buckets.count() > kMaxBuckets) return QueryError{400, "too many volume buckets: increase the step"};
  const auto parts = find_stream_parts(impl_->environment, context.tenant, start_ns, request.end_ns, *matchers);
  if (!parts.ok()) return to_query_error(parts.error());
  auto volumes = collect_volumes(*parts, VolumeKeys(request, *matchers), buckets);
  if (!volumes.ok()) return to_query_error(volumes.error());
  if (volumes->size() > context.limits.volume_max_series) {
    return QueryError{400, fmt::format("the query hit the max number of series limit (limit: {} series)",
                                       context.limits.volume_max_series)};
  }
  QueryResult result = volume_result(*volumes, buckets, request.limit);
  result.stats.streams = distinct_streams(*parts).size();
  result.stats.blocks_in_range = parts->blocks.size();
  return result;
}

}  // namespace cordwood::query
