// SPDX-License-Identifier: Apache-2.0
#include "query/open_block.h"

#include <algorithm>

#include "storage/base/checksum.h"

namespace cordwood::query {

namespace {

/// One span, or those of the rows that may be seen.
void add_spans(uint32_t ordinal, uint32_t begin, uint32_t end, const RowBits* kept, std::vector<RowSpan>* out) {
  if (kept == nullptr) return out->push_back({ordinal, begin, end});
  for (uint32_t row = kept->next(begin); row < end; row = kept->next(row)) {
    const uint32_t first = row;
    while (row < end && kept->test(row)) ++row;
    out->push_back({ordinal, first, row});
  }
}

Result<OpenBlock> open_rows(const QueryScope& scope, const ReadPlan& plan, const PlannedBlock& block) {
  OpenBlock out;
  out.planned = &block;
  TRY_ASSIGN(const bool may_pass, plan.probes.may_pass(*block.source, &scope.stats->read));
  if (!may_pass) {
    ++scope.stats->blocks_ruled_out;
    return out;
  }
  const RowBits* kept = nullptr;
  TRY_ASSIGN(out.view, scope.views->open(block.source, &scope.stats->read, &kept));
  TRY_ASSIGN(out.times, out.view->times());
  for (const StreamRun& run : out.view->runs()) {
    if (!plan.range.overlaps_closed(run.time_min_ns, run.time_max_ns)) continue;
    const auto ordinal = plan.ordinal(*out.view->stream(run.stream));
    if (!ordinal) continue;
    const auto first = out.times.begin() + run.row_begin;
    const auto last = out.times.begin() + run.row_end;
    const auto begin = std::lower_bound(first, last, plan.range.start_ns);
    const auto end = std::lower_bound(begin, last, plan.range.end_ns);
    if (begin == end) continue;
    add_spans(*ordinal, static_cast<uint32_t>(begin - out.times.begin()),
              static_cast<uint32_t>(end - out.times.begin()), kept, &out.spans);
  }
  return out;
}

}  // namespace

uint64_t row_count(std::span<const RowSpan> spans) {
  uint64_t rows = 0;
  for (const RowSpan& span : spans) rows += span.end - span.begin;
  return rows;
}

bool skip_damaged(const QueryScope& scope, const Error& error) {
  if (error.kind != ErrorKind::corrupt) return false;
  constexpr std::string_view kWarning = "damaged blocks were left out of this answer";
  auto& warnings = *scope.warnings;
  if (std::find(warnings.begin(), warnings.end(), kWarning) == warnings.end()) warnings.emplace_back(kWarning);
  return true;
}

Result<OpenBlock> open_block(const QueryScope& scope, const ReadPlan& plan, const PlannedBlock& block) {
  auto opened = open_rows(scope, plan, block);
  if (opened.ok()) return opened;
  if (!skip_damaged(scope, opened.error())) return std::move(opened).error();
  return OpenBlock{};
}

void prepare_row(const QueryScope& scope, PipelineRow* row) {
  row->now_ns = scope.environment->clock->now_ns();
  if (scope.environment->zone_file) row->zones = &scope.environment->zone_file;
}

Result<Hash128> row_identity(BlockView& view, uint32_t row) {
  std::string bytes, scratch;
  TRY_ASSIGN(const std::string_view line, view.line(row, &scratch));
  bytes.append(line);
  std::vector<MetadataPair> pairs;
  TRY(view.metadata(row, &pairs));
  TRY_ASSIGN(const uint32_t derived, view.derived_metadata_count(row));
  for (size_t i = 0; i + derived < pairs.size(); ++i) {
    for (const std::string_view part : {pairs[i].name, pairs[i].value}) {
      const uint64_t size = part.size();
      bytes.append(reinterpret_cast<const char*>(&size), sizeof(size));
      bytes.append(part);
    }
  }
  const uint64_t size = line.size();
  bytes.append(reinterpret_cast<const char*>(&size), sizeof(size));
  return xxh3_128(bytes);
}

}  // namespace cordwood::query
