// SPDX-License-Identifier: Apache-2.0
#include "tests/support/stored_rows.h"

#include <algorithm>
#include <map>
#include <set>

#include "storage/wal_reader.h"

namespace cordwood {

std::string to_string(const StoredRow& row) {
  std::string text = fmt::format("{}@{} \"{}\"", row.stream, row.time_ns, row.line);
  for (const auto& [name, value] : row.metadata) text += fmt::format(" {}={}", name, value);
  return text;
}

RowBatch make_batch(Engine& engine, const TenantId& tenant, const std::vector<StoredRow>& rows) {
  RowBatch batch;
  batch.tenant = tenant;
  std::map<std::string, uint32_t> streams;
  for (const StoredRow& row : rows) {
    const auto [it, is_new] = streams.try_emplace(row.stream, static_cast<uint32_t>(batch.streams.size()));
    if (is_new) {
      std::vector<Labels::Pair> labels = {{"app", row.stream}};
      if (xxh3_64(row.stream) % 3 == 0) labels.push_back({"kind", "third"});
      batch.streams.push_back(engine.stream(tenant, StreamKind::log, Labels::from_pairs(std::move(labels))));
    }
    BatchRow out;
    out.stream = it->second;
    out.time_ns = row.time_ns;
    out.line = batch.arena.copy(row.line);
    out.metadata_begin = static_cast<uint32_t>(batch.metadata.size());
    for (const auto& [name, value] : row.metadata) {
      batch.metadata.push_back({batch.arena.copy(name), batch.arena.copy(value)});
    }
    batch.metadata.push_back({"detected_level", "unknown"});
    out.metadata_count = static_cast<uint16_t>(row.metadata.size() + 1);
    out.derived_count = 1;
    batch.rows.push_back(out);
  }
  return batch;
}

namespace {

struct PlacedRow {
  StoredRow row;
  uint64_t block_arrival = 0;
  uint32_t position = 0;
};

Result<void> check_info(const BlockSource& source, const StreamRun& run, size_t number) {
  const BlockInfo& info = source.info();
  if (number >= info.streams.size()) return Error::corrupt("a run whose stream the info does not list");
  const BlockStream& known = info.streams[number];
  if (known.rows != run.row_end - run.row_begin || known.time_min_ns != run.time_min_ns ||
      known.time_max_ns != run.time_max_ns) {
    return Error::corrupt(fmt::format("a run of {} rows in [{}, {}] where the info says {} in [{}, {}]",
                                      run.row_end - run.row_begin, run.time_min_ns, run.time_max_ns, known.rows,
                                      known.time_min_ns, known.time_max_ns));
  }
  return {};
}

Result<void> read_block(const BlockSource& source, std::vector<PlacedRow>* out) {
  ReadStats stats;
  TRY_ASSIGN(const std::unique_ptr<BlockView> view, source.open(&stats));
  TRY_ASSIGN(const std::span<const int64_t> times, view->times());
  if (view->row_count() != source.info().rows) return Error::corrupt("row counts of info and view differ");
  size_t number = 0;
  std::string scratch;
  std::vector<MetadataPair> pairs;
  for (const StreamRun& run : view->runs()) {
    TRY(check_info(source, run, number++));
    for (uint32_t i = run.row_begin; i < run.row_end; ++i) {
      PlacedRow placed;
      placed.block_arrival = source.info().arrival_min;
      placed.position = i;
      placed.row.stream = std::string(view->stream(run.stream)->labels.get("app"));
      placed.row.time_ns = times[i];
      TRY_ASSIGN(const std::string_view line, view->line(i, &scratch));
      placed.row.line = std::string(line);
      pairs.clear();
      TRY(view->metadata(i, &pairs));
      TRY_ASSIGN(const uint32_t derived, view->derived_metadata_count(i));
      pairs.resize(pairs.size() - derived);
      for (const MetadataPair& pair : pairs) placed.row.metadata.emplace_back(pair.name, pair.value);
      out->push_back(std::move(placed));
    }
  }
  return {};
}

}  // namespace

Result<std::vector<StoredRow>> read_rows(const Snapshot& snapshot, const TenantId& tenant) {
  std::vector<PlacedRow> placed;
  for (const BlockSourcePtr& source : snapshot.blocks(tenant, TimeRange::all())) TRY(read_block(*source, &placed));
  std::sort(placed.begin(), placed.end(), [](const PlacedRow& a, const PlacedRow& b) {
    const auto key = [](const PlacedRow& p) {
      return std::tuple(std::string_view(p.row.stream), p.row.time_ns, p.block_arrival, p.position);
    };
    return key(a) < key(b);
  });
  std::vector<StoredRow> rows;
  rows.reserve(placed.size());
  for (PlacedRow& p : placed) rows.push_back(std::move(p.row));
  return rows;
}

Result<std::vector<StoredRow>> read_distinct_rows(const Snapshot& snapshot, const TenantId& tenant) {
  TRY_ASSIGN(std::vector<StoredRow> rows, read_rows(snapshot, tenant));
  std::set<StoredRow> seen;
  std::erase_if(rows, [&](const StoredRow& row) { return !seen.insert(row).second; });
  return rows;
}

Result<void> BatchBodyDecoder::decode(const WalRecord& record, std::string_view policy, RowBatch* out) {
  if (policy != "keep all") return Error::corrupt("not the policy that was written");
  return decode_wal_batch(record.payload, record.tenant, out);
}

}  // namespace cordwood
