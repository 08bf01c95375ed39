// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>
#include <map>

#include "storage/engine_impl.h"
#include "storage/head_source.h"
#include "storage/model/time_range.h"
#include "storage/row_rule.h"

namespace cordwood {

/// Whether another machine has gone on as this node since the log was written: it used the number, or gave out
/// arrivals that are the log's, or merged what lies on both sides of them, or granted a delete that does not know of
/// them.
Result<bool> EngineImpl::is_displaced(const LocalWalLog& log, const std::vector<SegmentMeta>& segments) const {
  if (log.log.generation != log.number || catalog_->generation_done(log.number)) return true;
  const std::vector<DeleteRequest> deletes = catalog_->acts().deletes;
  const std::set<std::string>& learned = catalog_->deletes_learned();
  uint64_t last = 0;
  for (const DeleteRequest& request : deletes) last = std::max(last, request.arrival_cut);
  for (const SegmentMeta& meta : segments) last = std::max(last, meta.arrival_max);
  std::optional<uint64_t> first;
  WalRecord newest;
  std::vector<WalPolicy> policies;
  bool deleted = false;  ///< times tell of a row another thing than arrivals do
  TRY(scan_wal_log(*env_.fs, wal_dir_, log, [&](const WalRecord& record) {
    if (!first) first = record.sequence;
    if (record.type == WalRecordType::policy) {
      policies.push_back({record.policy_id, record.payload});
    } else {
      newest = record;
    }
    // At the very same time arrivals tell.
    deleted = std::any_of(deletes.begin(), deletes.end(), [&](const DeleteRequest& request) {
      if (record.type == WalRecordType::policy || !learned.contains(request.id)) return false;
      return request.arrival_cut >= record.sequence ? request.created_ns < record.receive_time_ns
                                                    : request.created_ns > record.receive_time_ns;
    });
    return !deleted && (*first <= last || !learned.empty());
  }));
  if (!first || deleted) return deleted;
  if (*first > last) return false;
  // A push is of one record, and others' arrivals may end or begin among its rows.
  RowBatch rows;
  const bool readable = decode_rows(newest, policies, &rows).ok();
  const uint64_t end = newest.sequence + (readable && !rows.rows.empty() ? rows.rows.size() - 1 : 0);
  // A generation of our own may be published before an older one: then it lies beside it as a whole.
  return std::any_of(segments.begin(), segments.end(),
                     [&](const SegmentMeta& meta) { return meta.arrival_min <= end && meta.arrival_max >= *first; }) ||
         std::any_of(deletes.begin(), deletes.end(), [&](const DeleteRequest& request) {
           return request.arrival_cut >= *first && request.arrival_cut < end;
         });
}

/// A crash may have left a log's files under two numbers: those not renamed yet follow.
Result<void> EngineImpl::gather_parted_logs() {
  TRY_ASSIGN(const std::vector<LocalWalLog> logs, list_wal_logs(*env_.fs, wal_dir_));
  std::map<WalLog, uint64_t> last;
  for (const LocalWalLog& log : logs) {
    if (log.known && log.log.mark != 0) last[log.log] = log.number;
  }
  for (const LocalWalLog& log : logs) {
    const auto to = last.find(log.log);
    if (log.known && to != last.end() && to->second != log.number) {
      TRY(rename_wal(*env_.fs, wal_dir_, log.number, to->second));
    }
  }
  return {};
}

/// Gives displaced logs numbers after all others, in their order.
Result<std::vector<LocalWalLog>> EngineImpl::renumber(std::vector<LocalWalLog> displaced) {
  for (LocalWalLog& log : displaced) {
    const uint64_t from = log.number;
    {
      const MutexLock lock(mu_);
      log.number = next_generation_++;
    }
    TRY(rename_wal(*env_.fs, wal_dir_, from, log.number));
    metrics_.logs_displaced.add();
    env_.log->warn("another server went on as this node since this log was written; it is replayed as the newest",
                   {{"generation", log.log.generation}, {"as", log.number}});
  }
  return displaced;
}

namespace {

/// Rows of a batch as a block, of one family and day.
struct BatchBlock {
  std::shared_ptr<HeadBlock> block;
  std::map<uint32_t, uint32_t> streams;  ///< number in the block by number in the batch
  std::vector<size_t> rows;              ///< of the batch, by number in the block
};

/// Without copies of rows before them, which are `gone`.
std::vector<BatchBlock> blocks_of(const RowBatch& batch, MemoryAccountant& memory, std::vector<char>* gone) {
  std::map<std::pair<uint64_t, int32_t>, BatchBlock> blocks;
  for (size_t i = 0; i < batch.rows.size(); ++i) {
    const BatchRow& row = batch.rows[i];
    const StreamPtr& stream = batch.streams[row.stream];
    BatchBlock& in = blocks[{stream->family, day_of(row.time_ns)}];
    if (in.block == nullptr) in.block = std::make_shared<HeadBlock>(batch.tenant, memory);
    const auto known = in.streams.find(row.stream);
    const uint32_t number = known != in.streams.end() ? known->second : in.block->add_stream(stream);
    in.streams.emplace(row.stream, number);
    (*gone)[i] = in.block->append(head_row_of(batch, row, number), i + 1) ? 0 : 1;
    if ((*gone)[i] == 0) in.rows.push_back(i);
  }
  std::vector<BatchBlock> all;
  for (auto& [key, block] : blocks) all.push_back(std::move(block));
  return all;
}

}  // namespace

/// Deletes that another machine granted do not know of the rows here: what they mean is told by when rows were
/// received, and does not come back.  What is held stays.
Result<void> EngineImpl::leave_out_deleted(const WalRecord& record, bool displaced, RowBatch* batch) {
  const auto means = [&](const DeleteRequest& request) {
    if (displaced) return request.created_ns >= record.receive_time_ns;
    // In place, rows have their arrivals: by them those are hidden that a request means until it is carried out.
    return request.state == DeleteRequest::State::processed && record.sequence <= request.arrival_cut;
  };
  const CatalogActs known = acts();
  std::vector<RulePtr> deletes;
  std::vector<RulePtr> holds;
  constexpr uint64_t kAnyArrival = std::numeric_limits<uint64_t>::max();
  std::vector<std::string> ids;  // of the deletes
  for (const DeleteRequest& request : known.deletes) {
    if (request.tenant != batch->tenant || !means(request)) continue;
    TRY_ASSIGN(deletes.emplace_back(), make_rule(request.query, request.start_ns, request.end_ns, kAnyArrival));
    ids.push_back(request.id);
  }
  if (deletes.empty()) return {};
  for (const LegalHold& hold : known.holds) {
    if (hold.tenant != batch->tenant) continue;
    TRY_ASSIGN(holds.emplace_back(), make_rule(hold.selector, hold.start_ns, hold.end_ns, kAnyArrival));
  }
  std::vector<char> gone(batch->rows.size());
  for (const BatchBlock& in : blocks_of(*batch, *env_.memory, &gone)) {
    const HeadPrefix prefix{in.block, in.block->row_count(), in.block->stream_count(), in.block->raw_bytes(),
                            in.block->arrival_max()};
    const BlockSourcePtr source = make_head_source(prefix);
    const std::vector<uint32_t> order = sort_head_rows(prefix).order;
    const auto mark = [&](const RulePtr& rule, char as) -> Result<bool> {
      if (!rule->touches(source->info())) return false;
      TRY_ASSIGN(const std::shared_ptr<const RowBits> rows, rule->rows(source));
      for (uint32_t i = 0; rows != nullptr && i < order.size(); ++i) {
        if (rows->test(i)) gone[in.rows[order[i]]] = as;
      }
      return rows != nullptr;
    };
    for (size_t i = 0; i < deletes.size(); ++i) {
      TRY_ASSIGN(const bool some, mark(deletes[i], 1));
      if (some) left_out_by_.insert(ids[i]);
    }
    for (const RulePtr& hold : holds) TRY(mark(hold, 0));
  }
  const size_t before = batch->rows.size();
  size_t kept = 0;
  for (size_t i = 0; i < before; ++i) {
    if (gone[i] == 0) batch->rows[kept++] = batch->rows[i];
  }
  batch->rows.resize(kept);
  metrics_.rows_left_out.add(before - kept);
  return {};
}

}  // namespace cordwood
