// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/crash_run.h"

#include <random>
#include <set>

#include "storage/cached_store.h"
#include "storage/wal_reader.h"
#include "tests/sim/acknowledged_rows.h"
#include "tests/sim/history_begin.h"
#include "tests/support/engine_world.h"
#include "tests/support/eraser_world.h"
#include "tests/support/faulty_bucket.h"
#include "tests/support/merge_world.h"

namespace cordwood {

namespace {

class CrashRun {
 public:
  explicit CrashRun(const CrashRunOptions& options)
      : random_(options.seed),
        bucket_(options.seed * 3 + 2),
        world_(options.seed * 2 + 1, memory_limits(options.seed)) {
    world_.options.block_raw_bytes = 256 + pick(4096);
    world_.options.block_rows = 8 + static_cast<uint32_t>(pick(100));
    world_.options.generation_raw_bytes = 1024 + pick(32 << 10);
    world_.options.wal.file_bytes = 512 + pick(16 << 10);
    world_.options.segment_bytes = chance(0.3) ? 1 + pick(8 << 10) : 256u << 20;
    merging_.options.policy.fan_in = 2 + static_cast<uint32_t>(pick(4));
    merging_.options.policy.segment_bytes = chance(0.3) ? 1 + pick(16 << 10) : 256u << 20;
    merging_.options.policy.max_rewrites = 1 + static_cast<double>(pick(8));
    merging_.options.own_segment_bytes = 1 + pick(4 << 10);
    merging_.options.block_limits.rows = 8 + static_cast<uint32_t>(pick(200));
    merging_.options.memory_bytes = chance(0.3) ? 4096 + pick(64 << 10) : 64u << 20;
    merging_.options.retry_after_ns = 1;
    // Not drawn, so that what a seed draws stays the same.
    if (options.seed % 3 != 0)
      merging_.options.carry = {options.seed % 2048, static_cast<uint32_t>(2 + options.seed % 61)};
    if (options.seed / 8 % 3 == 1) make_days_end(options.seed);
    with_deletes_ = options.deletes;
    if (with_deletes_ && chance(0.5)) {
      erasing_.options.cancel_period_ns = static_cast<int64_t>(pick(60)) * 1'000'000'000;
    }
    if (options.bucket) move_to_bucket();
    if (!options.ignore_syncs_of.empty()) world_.fs.ignore_syncs_of(options.ignore_syncs_of);
  }

  CrashRunReport run() {
    const uint64_t lives = 2 + pick(4);
    for (uint64_t i = 0; i < lives && !failed(); ++i) live();
    if (!failed()) finish();
    report_.acknowledged = rows_.acknowledged();
    report_.operations = world_.fs.operations();
    report_.merges = world_.metrics.counter("cordwood_merges_total", "").value();
    report_.processed = world_.metrics.counter("cordwood_delete_requests_processed_total", "").value();
    report_.bucket_faults = bucket_.faults();
    report_.day_tables = world_.metrics.counter("cordwood_day_id_tables_total", "").value();
    report_.rewrites = world_.metrics.counter("cordwood_merge_rewrites_total", "").value();
    return report_;
  }

 private:
  /// Rows are of days that are over: those of several segments get common id tables.
  void make_days_end(uint64_t seed) {
    world_.clock.set_now_ns(kStartNs + 3 * kNsPerDay);
    merging_.options.day_ids = true;
    merging_.options.quiet_after_ns = 1'000'000'000;
    merging_.options.policy.segment_bytes = 500 + seed % 4000;
  }
  static MemoryAccountant::Limits memory_limits(uint64_t seed) {
    MemoryAccountant::Limits limits;
    if (seed % 3 == 0) limits.bytes[static_cast<size_t>(MemoryShare::head)] = 64u << 10;
    return limits;
  }
  void move_to_bucket() {
    with_bucket_ = true;
    world_.options.ack_in_store = chance(0.6);
    world_.options.claim_node = true;
    world_.options.generation_segments = 1 + static_cast<uint32_t>(pick(4));
    if (chance(0.5)) world_.options.local_pending_bytes = 4096 + pick(64 << 10);
    const bool cached = chance(0.6);
    const uint64_t cache_bytes = 4096 + pick(256 << 10);
    world_.open_store = [this, cached, cache_bytes]() -> Result<std::unique_ptr<ObjectStore>> {
      if (!cached) return bucket_.open();
      RangeCacheOptions options;
      options.dir = "data/cache";
      options.max_bytes = cache_bytes;
      options.piece_bytes = 2048;
      TRY(world_.fs.create_directories("data"));
      TRY_ASSIGN(auto cache, RangeCache::open(world_.fs, options, world_.metrics));
      return make_cached_store(bucket_.open(), std::move(cache), "segments/", world_.metrics);
    };
  }
  /// The bucket fails now and then, or not at all any more after a while.
  void set_bucket_faults() {
    constexpr double kRates[] = {0.01, 0.1, 0.4};
    if (chance(0.6)) bucket_.set_failure_rate(kRates[pick(3)]);
    if (chance(0.4)) bucket_.end_at(bucket_.requests() + 1 + pick(60));
  }
  void close() {
    erasing_.forget();
    merging_.forget();
    world_.close();
  }
  uint64_t pick(uint64_t below) { return random_() % below; }
  bool chance(double p) { return static_cast<double>(random_() >> 11) < p * 9007199254740992.0; }
  bool failed() const { return report_.failure.has_value(); }
  void fail(const std::string& what) {
    if (!failed()) report_.failure = what;
  }

  void set_faults() {
    constexpr SimOperation kOperations[] = {
        SimOperation::create, SimOperation::write,  SimOperation::truncate,       SimOperation::sync,
        SimOperation::rename, SimOperation::remove, SimOperation::make_directory, SimOperation::sync_directory};
    const double rate = chance(0.5) ? 0.01 : 0.1;
    for (const SimOperation operation : kOperations) {
      if (chance(0.5)) world_.fs.set_failure_rate(operation, rate);
    }
    if (chance(0.2)) world_.fs.set_capacity_bytes(world_.fs.used_bytes() + pick(32 << 10));
  }
  void heal() {
    world_.fs.clear_failure_rates();
    world_.fs.set_capacity_bytes(UINT64_MAX);
    world_.fs.cut_power_at(0);
    bucket_.heal();
  }

  /// Starts until it succeeds; a disk that works must be enough.
  void start() {
    for (int attempt = 0; attempt < 8; ++attempt) {
      heal();
      const bool trouble = attempt < 4 && chance(0.4);
      if (trouble && chance(0.5)) world_.fs.cut_power_at(world_.fs.operations() + 1 + pick(60));
      if (trouble && chance(0.5)) set_faults();
      if (trouble && with_bucket_) set_bucket_faults();
      const Result<void> opened = world_.open();
      if (opened.ok() && world_.fs.powered()) {
        heal();
        merging_.renew();
        erasing_.renew();
        return;
      }
      ++report_.failed_openings;
      close();
      if (!world_.fs.powered()) {
        ++report_.cuts_in_recovery;
        world_.fs.restart();
      } else if (!trouble) {
        return fail("a working disk, but no start: " + opened.error().message);
      }
    }
    fail("did not start");
  }

  void compare() {
    if (failed()) return;
    const SnapshotPtr snapshot = world_.engine->snapshot();
    if (const std::string lost = rows_.deleted().follow(erasing_.target().acts()); !lost.empty()) return fail(lost);
    for (const TenantId& tenant : kTenants) {
      const Result<std::vector<StoredRow>> found = read_rows(*snapshot, tenant);
      if (!found.ok() && with_bucket_ && !world_.fs.powered()) return;  // it went as the cache was written
      if (!found.ok()) return fail("cannot be read: " + found.error().message);
      if (auto wrong = rows_.disagreement(tenant, *found)) return fail(fmt::format("tenant {}: {}", tenant, *wrong));
      if (merging_.options.day_ids) look_for_ids(*snapshot, tenant);
    }
  }
  /// No index denies an id that stands in a block.
  void look_for_ids(const Snapshot& snapshot, const TenantId& tenant) {
    for (const BlockSourcePtr& block : snapshot.blocks(tenant, TimeRange::all())) {
      std::set<std::string> ids;
      ReadStats stats;
      const auto view = block->open(&stats);
      for (uint32_t row = 0; view.ok() && row < (*view)->row_count(); ++row) {
        const auto id = (*view)->metadata_value(row, "trace");
        if (id.ok() && id->has_value()) ids.emplace(**id);
      }
      for (const std::string& id : ids) {
        const Result<bool> may = block->may_hold(TextProbe::value(id), &stats);
        if (may.ok() && !*may) return fail("an id is not looked for where it is: " + id);
      }
    }
  }

  /// What a snapshot shows never changes, whatever is sealed, published and removed meanwhile.
  void hold_or_check_snapshot() {
    if (!world_.fs.powered()) return;
    bucket_.heal();
    if (held_ == nullptr) {
      held_ = world_.engine->snapshot();
      held_rows_ = read_held();
    } else {
      if (read_held() != held_rows_ && world_.fs.powered()) fail("a snapshot changed");
      held_ = nullptr;
    }
  }
  std::vector<StoredRow> read_held() {
    std::vector<StoredRow> all;
    for (const TenantId& tenant : kTenants) {
      const Result<std::vector<StoredRow>> found = read_rows(*held_, tenant);
      const bool cut = with_bucket_ && !world_.fs.powered();
      if (!found.ok() && !cut) fail("a snapshot cannot be read: " + found.error().message);
      if (found.ok()) all.insert(all.end(), found->begin(), found->end());
    }
    return all;
  }

  std::vector<StoredRow> make_rows() {
    std::vector<StoredRow> rows(1 + pick(chance(0.1) ? 60 : 8));
    for (StoredRow& row : rows) {
      if (!recent_.empty() && chance(0.1)) {
        row = recent_[pick(recent_.size())];  // a copy
        continue;
      }
      row.stream = fmt::format("s{}", pick(5));
      time_ns_ += static_cast<int64_t>(pick(3)) * 50'000'000;
      row.time_ns = time_ns_;
      if (chance(0.15)) row.time_ns -= static_cast<int64_t>(pick(40)) * 50'000'000;
      row.line = fmt::format("{{\"n\":{},\"text\":\"{}\"}}", pick(1000), std::string(pick(40), 'x'));
      if (chance(0.1)) row.line = fmt::format("plain {}", pick(10));
      if (chance(0.3)) row.metadata = {{"trace", fmt::format("{:016x}", pick(8))}};
      recent_.push_back(row);
      if (recent_.size() > 50) recent_.erase(recent_.begin());
    }
    return rows;
  }

  void append() {
    const TenantId& tenant = kTenants[pick(2)];
    const std::vector<StoredRow> rows = make_rows();
    const RowBatch batch = make_batch(*world_.engine, tenant, rows);
    WalBody body;
    std::string encoded;
    if (chance(0.5)) encode_wal_batch(batch, &encoded);
    body.body = encoded;
    body.policy = &policy_;
    const Result<Engine::Appended> done = world_.engine->append(batch, encoded.empty() ? nullptr : &body);
    if (done.ok() && done->rows + done->duplicates != rows.size()) fail("rows and duplicates do not add up");
    if (!done.ok() && done.error().kind != ErrorKind::unavailable) fail("refused with " + done.error().message);
    report_.refused += done.ok() ? 0 : 1;
    rows_.add(tenant, rows, done.ok());
  }

  /// By the policy, or any segments at all.
  void merge() {
    const uint64_t before = world_.fs.operations();
    // What merges by hand does not ask what may come together while a delete waits.
    if (with_deletes_ || chance(0.5)) {
      world_.clock.advance_ns(chance(0.3) ? merging_.options.quiet_after_ns : 2);
      merging_.merger().tick();
    } else {
      std::vector<std::string> some;
      for (const std::string& key : merging_.mergeable_keys())
        if (chance(0.6)) some.push_back(key);
      if (!some.empty()) (void)merging_.merger().merge_segments(some).ok();
    }
    report_.cuts_in_merges += !world_.fs.powered() && world_.fs.operations() > before ? 1 : 0;
  }

  void erase() {
    world_.clock.advance_ns(chance(0.3) ? 60'000'000'000 : 2);
    erasing_.eraser().tick();
  }

  void request_delete() {
    DeleteRequest request;
    request.id = fmt::format("d{}", ++report_.deletes);
    request.tenant = kTenants[pick(2)];
    request.query = chance(0.3) ? "* " : fmt::format("s{} ", pick(5));
    request.query += chance(0.4) ? "*" : chance(0.5) ? fmt::format("\"n\":{}", pick(10)) : "plain";
    request.end_ns = time_ns_ - static_cast<int64_t>(pick(10)) * 50'000'000;
    request.start_ns = request.end_ns - static_cast<int64_t>(pick(60)) * 50'000'000;
    request.created_ns = world_.clock.now_ns();
    const Result<void> done = erasing_.target().request_delete(request);
    rows_.deleted().add_delete(request, rows_.next_arrival(), done.ok());
    made_deletes_.push_back(request.id);
  }

  void set_hold() {
    LegalHold hold;
    hold.id = fmt::format("h{}", ++report_.holds);
    hold.tenant = kTenants[pick(2)];
    hold.selector = fmt::format("s{} *", pick(5));
    hold.start_ns = time_ns_ - static_cast<int64_t>(pick(60)) * 50'000'000;
    hold.end_ns = hold.start_ns + static_cast<int64_t>(pick(60)) * 50'000'000;
    hold.created_ns = world_.clock.now_ns();
    rows_.deleted().add_hold(hold, erasing_.target().set_hold(hold).ok());
    made_holds_.push_back(hold.id);
  }

  void act_on_deletes() {
    switch (pick(8)) {
      case 0: set_hold(); break;
      case 1:
        if (made_holds_.empty()) break;
        rows_.deleted().lift(made_holds_.back());
        (void)erasing_.target().lift_hold(made_holds_.back()).ok();
        made_holds_.pop_back();
        break;
      case 2:
        if (made_deletes_.empty() || !chance(0.3)) break;
        rows_.deleted().cancel(made_deletes_.back());
        (void)erasing_.target().cancel_delete(made_deletes_.back(), false).ok();
        made_deletes_.pop_back();
        break;
      case 3: request_delete(); break;
      case 4:
        if (world_.fs.powered() && chance(0.4)) {
          bucket_.heal();
          compare();
        }
        break;
      default: erase();
    }
  }

  void act() {
    if (with_bucket_ && chance(0.08)) return set_bucket_faults();
    if (with_bucket_ && chance(0.03)) return bucket_.heal();
    if (with_deletes_ && chance(0.3)) return act_on_deletes();
    switch (pick(22)) {
      case 0: (void)world_.engine->flush().ok(); break;
      case 1:
        world_.clock.advance_ns(static_cast<int64_t>(pick(120)) * 1'000'000'000);
        world_.engine->tick();
        break;
      case 2: world_.tasks.drain(); break;
      case 3:
      case 4:
      case 5: world_.tasks.run_one(); break;
      case 6: set_faults(); break;
      case 7:
        // All but the power, should it be about to go.
        world_.fs.clear_failure_rates();
        world_.fs.set_capacity_bytes(UINT64_MAX);
        break;
      case 8:
        if (world_.fs.powered() && chance(0.4)) {
          bucket_.heal();
          compare();
        }
        break;
      case 9: hold_or_check_snapshot(); break;
      case 10:
      case 11: merge(); break;
      default: append();
    }
  }

  void live() {
    start();
    compare();
    if (failed()) return;
    if (chance(0.7)) world_.fs.cut_power_at(world_.fs.operations() + 1 + pick(300));
    if (with_bucket_ && chance(0.6)) set_bucket_faults();
    const uint64_t steps = 5 + pick(60);
    for (uint64_t i = 0; i < steps && world_.fs.powered() && !failed(); ++i) act();
    report_.published += world_.engine->status().segments;
    held_ = nullptr;
    heal();
    if (with_bucket_ && world_.options.ack_in_store && chance(0.4)) {
      ++report_.disks_lost;
      close();
      world_.fs.replace();
      return;
    }
    if (world_.fs.powered() && chance(0.5)) {
      ++report_.kills;
      close();
      return;
    }
    ++report_.power_cuts;
    if (world_.fs.powered()) world_.fs.cut_power();
    close();
    world_.fs.restart();
  }

  /// The disk works from now on: everything is published, and is there after one more loss of power.
  void finish() {
    for (int round = 0; round < 2 && !failed(); ++round) {
      heal();
      if (const Result<void> opened = world_.open(); !opened.ok()) return fail("no start: " + opened.error().message);
      compare();
      if (failed()) return;
      if (const Result<void> done = world_.engine->flush(); !done.ok())
        return fail("no flush: " + done.error().message);
      const Engine::Status status = world_.engine->status();
      if (status.head_rows != 0 || status.pending_generations != 0) return fail("rows are left after a flush");
      compare();
      merging_.renew().tick();
      compare();
      if (with_deletes_) finish_deletes();
      world_.fs.cut_power();
      close();
      world_.fs.restart();
      if (with_bucket_ && !failed()) finish_bucket();
    }
  }

  /// The bucket alone holds everything, and nothing else.
  void finish_bucket() {
    if (chance(0.5)) world_.fs.replace();
    if (const Result<void> opened = world_.open(); !opened.ok()) return fail("no start: " + opened.error().message);
    compare();
    if (failed()) return;
    const uint64_t segments = world_.engine->status().segments;
    const size_t tables = world_.engine->merge_target()->merge_state().day_ids.size();
    const size_t objects = bucket_.count("segments/");
    if (objects != segments + tables)
      fail(fmt::format("{} objects of {} segments and {} common id tables", objects, segments, tables));
    if (bucket_.count("wal/") > 0) fail("pieces of the write-ahead log stay in the bucket");
    close();
  }

  /// What nobody holds goes.
  void finish_deletes() {
    for (const LegalHold& hold : erasing_.target().acts().holds) {
      rows_.deleted().lift(hold.id);
      if (!erasing_.target().lift_hold(hold.id).ok()) return fail("a hold cannot be lifted");
    }
    compare();
    // Pieces of the WAL that could not be read are a person's to remove; what they may hold keeps requests waiting.
    const Result<std::vector<std::string>> names = world_.fs.list("data/wal");
    if (!names.ok()) return fail("the WAL cannot be listed");
    for (const std::string& name : *names) {
      const bool aside = name.ends_with(".damaged") || name.ends_with(".unread");
      if (aside && !world_.fs.remove("data/wal/" + name).ok()) return fail("a file cannot be removed");
    }
    erasing_.renew();
    world_.clock.advance_ns(3600'000'000'000);
    erasing_.run(8);
    for (const DeleteRequest& request : erasing_.target().acts().deletes) {
      if (request.state != DeleteRequest::State::processed) fail("a delete request is never processed: " + request.id);
    }
    compare();
  }

  std::mt19937_64 random_;
  FaultyBucket bucket_;
  EngineWorld world_;
  MergeWorld merging_{world_};
  EraserWorld erasing_{world_, merging_};
  bool with_deletes_ = false;
  bool with_bucket_ = false;
  std::vector<std::string> made_deletes_;
  std::vector<std::string> made_holds_;
  AcknowledgedRows rows_;
  CrashRunReport report_;
  std::vector<StoredRow> recent_;
  SnapshotPtr held_;
  std::vector<StoredRow> held_rows_;
  int64_t time_ns_ = kStartNs;
  WalPolicy policy_{7, "keep all"};
};

}  // namespace

CrashRunReport& CrashRunReport::operator+=(const CrashRunReport& other) {
  acknowledged += other.acknowledged;
  refused += other.refused;
  power_cuts += other.power_cuts;
  cuts_in_recovery += other.cuts_in_recovery;
  kills += other.kills;
  failed_openings += other.failed_openings;
  published += other.published;
  merges += other.merges;
  cuts_in_merges += other.cuts_in_merges;
  operations += other.operations;
  deletes += other.deletes;
  processed += other.processed;
  holds += other.holds;
  rewrites += other.rewrites;
  day_tables += other.day_tables;
  bucket_faults += other.bucket_faults;
  disks_lost += other.disks_lost;
  return *this;
}

CrashRunReport run_crashes(const CrashRunOptions& options) {
  return CrashRun(options).run();
}

}  // namespace cordwood
