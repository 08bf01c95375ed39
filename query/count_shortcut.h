// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "query/count_sums.h"
#include "query/label_builder.h"
#include "query/logql_ast.h"
#include "query/parser_hints.h"
#include "query/read_plan.h"
#include "query/window_grid.h"
#include "storage/count_columns.h"

namespace cordwood::query {

/// Answers counts of lines and bytes from the blocks' lists of streams and count tables, without reading rows: for
/// queries whose stages cannot change what is counted, grouped by labels that the tables know.  Buckets that a window
/// edge cuts are left to be read, and those in which a stream's blocks overlap and so may hold copies of rows.
class CountShortcut {
 public:
  /// What tables tell of a series in one bucket, or the list of streams of one that lies within a cell.
  struct Part {
    int64_t time_ns = 0;  ///< end of the bucket, or last time of the stream
    int64_t cell = 0;     ///< of the grid, in which it lies
    double value = 0;
    uint64_t rows = 0;
    uint32_t series = 0;
  };
  /// Times of a stream that have to be read all the same: (begin, end].
  struct Rest {
    uint32_t ordinal = 0;
    int64_t begin_ns = 0;
    int64_t end_ns = 0;
  };

  CountShortcut(const RangeAggregation& aggregation, std::span<const Stage> stages, const LabelDemand& demand);
  /// Whether the query is of a kind that tables can answer.
  bool possible() const { return possible_; }

  /// Whether of rows that are left to be read no more than stream and time matters: each counts as one.
  bool times_tell() const { return possible_ && !counts_bytes_ && !by_level(); }
  /// The labels of the series of a stream's rows of a level, sorted by name; until the next call.
  const std::vector<LabelView>& labels_of(const Stream& stream, std::string_view level);

  /// Who takes the counts: numbers the series of labels sorted by name, and adds parts to them.
  struct Taker {
    std::function<Result<uint32_t>(const std::vector<LabelView>&)> series;
    std::function<Result<void>(const Part&)> add;
  };
  /// False when this block's table is of no use and its rows must be read.  Else gives what it knows and fills `rest`.
  Result<bool> read(const ReadPlan& plan, const WindowGrid& windows, const PlannedBlock& block, const Taker& taker,
                    std::vector<Rest>* rest);

 private:
  /// The table to ask: the coarsest that all window edges fit, or the finest when edges cut few of its buckets.
  static std::optional<size_t> choose_table(const WindowGrid& windows, std::span<const int64_t> widths_ns);
  bool labels_known(const ReadPlan& plan, const PlannedBlock& block) const;
  /// Where a bucket of the table at hand lies.
  struct Bucket {
    enum class State : uint8_t { unknown, outside, cut, whole } state = State::unknown;
    int64_t cell = 0;
  };
  Result<Bucket> bucket_at(const ReadPlan& plan, const WindowGrid& windows, int64_t bucket, int64_t width_ns);
  /// Sets up the buckets from the table's first one to its last.
  void begin_buckets();
  /// Takes the counts of the table at hand, or leaves times of streams to be read.
  Result<void> take_counts(const ReadPlan& plan, const WindowGrid& windows, const PlannedBlock& block, int64_t width_ns,
                           const Taker& taker, std::vector<Rest>* rest);
  /// Entries of one stream in the table.
  struct StreamCounts {
    uint32_t ordinal = 0;
    size_t begin = 0;
    size_t end = 0;
  };
  Result<void> take_stream(const ReadPlan& plan, const WindowGrid& windows, const StreamCounts& stream,
                           int64_t width_ns, const Taker& taker, std::vector<Rest>* rest);
  Result<void> add(const Taker& taker, int64_t time_ns, int64_t cell, CountSums::Sum sum, uint32_t series) const {
    const uint64_t value = counts_bytes_ ? sum.line_bytes : sum.rows;
    return taker.add({time_ns, cell, static_cast<double>(value), sum.rows, series});
  }
  /// Takes what the block's list of streams tells of those that lie within one cell; the others are the rest.
  Result<void> read_streams(const ReadPlan& plan, const WindowGrid& windows, const PlannedBlock& block,
                            const Taker& taker, std::vector<Rest>* rest);
  /// The series of a stream's rows of a level, and where their sums are.
  struct LevelSeries {
    uint32_t ordinal = UINT32_MAX;  ///< of the stream
    uint32_t series = 0;
    uint32_t place = CountSums::kNoPlace;
  };
  bool by_level() const;

  bool possible_ = false;
  bool counts_bytes_ = false;
  std::vector<std::string> groups_;  ///< sorted
  std::vector<bool> known_streams_;  ///< of the block: those that have been taken, or do not matter
  std::vector<LabelView> labels_;
  CountColumns counts_;              ///< the table at hand
  std::vector<LevelSeries> levels_;  ///< of its levels, for the stream asked last
  int64_t first_bucket_ = 0;
  bool near_ = false;            ///< few enough buckets lie between its first and its last one
  std::vector<Bucket> buckets_;  ///< of those, if they are near
  WindowGrid::Stretch stretch_;
  CountSums sums_;
};

}  // namespace cordwood::query
