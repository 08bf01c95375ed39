// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/take_over_run.h"

#include <array>
#include <random>
#include <utility>
#include <vector>

#include "tests/sim/history_begin.h"
#include "tests/sim/pushed_rows.h"
#include "tests/support/engine_world.h"
#include "tests/support/eraser_world.h"
#include "tests/support/faulty_bucket.h"
#include "tests/support/merge_world.h"

namespace cordwood {

namespace {

constexpr size_t kMachines = 3;
constexpr size_t kNobody = kMachines;

struct Machine {
  explicit Machine(uint64_t seed) : world(seed) {}
  EngineWorld world;
  MergeWorld merging{world};
  EraserWorld erasing{world, merging};

  void close() {
    erasing.forget();
    merging.forget();
    world.close();
  }
};

class TakeOverRun {
 public:
  explicit TakeOverRun(const TakeOverOptions& options)
      : options_(options), random_(options.seed), bucket_(~options.seed) {
    for (size_t i = 0; i < kMachines; ++i) {
      machines_[i] = std::make_unique<Machine>(options.seed * kMachines + i + 1);
      EngineWorld& world = machines_[i]->world;
      world.options.block_raw_bytes = 256 + pick(4096);
      world.options.block_rows = 8 + static_cast<uint32_t>(pick(100));
      world.options.generation_raw_bytes = 512 + pick(4096);
      world.options.max_pending_generations = 2 + static_cast<uint32_t>(pick(4));
      world.options.claim_node = true;
      world.options.wal.file_bytes = 256 + pick(2048);
      world.open_store = [this] { return Result<std::unique_ptr<ObjectStore>>(bucket_.open()); };
      machines_[i]->merging.options.retry_after_ns = 1;
    }
  }

  TakeOverReport run() {
    const uint64_t turns = 3 + pick(8);
    for (uint64_t i = 0; i < turns && !failed(); ++i) turn(pick(kMachines));
    if (!failed()) finish();
    for (const auto& machine : machines_) {
      Metrics& metrics = machine->world.metrics;
      report_.displaced += metrics.counter("cordwood_wal_logs_displaced_total", "").value();
      report_.left_out += metrics.counter("cordwood_wal_rows_deleted_total", "").value();
      report_.merges += metrics.counter("cordwood_merges_total", "").value();
    }
    report_.bucket_faults = bucket_.faults();
    return report_;
  }

 private:
  uint64_t pick(uint64_t below) { return random_() % below; }
  bool chance(double p) { return static_cast<double>(random_() >> 11) < p * 9007199254740992.0; }
  bool failed() const { return report_.failure.has_value(); }
  void fail(size_t at, const std::string& what) {
    if (!failed()) report_.failure = fmt::format("machine {}: {}", at, what);
  }
  /// All have the same time; no two things happen at once.
  void pass(size_t at, int64_t ns) {
    now_ns_ += ns;
    ManualClock& clock = machines_[at]->world.clock;
    clock.advance_ns(ns);
    clock.set_now_ns(now_ns_);
  }

  void start(size_t at) {
    Machine& m = *machines_[at];
    bucket_.heal();
    // Without a lease nobody else may acknowledge by the bucket.
    m.world.options.ack_in_store = chance(0.5) && !options_.overlap;
    for (int attempt = 0; attempt < 6; ++attempt) {
      const bool trouble = attempt < 4 && chance(0.3);
      if (trouble) m.world.fs.cut_power_at(m.world.fs.operations() + 1 + pick(60));
      // Who acknowledges by disk believes the lists of the bucket.
      if (trouble && m.world.options.ack_in_store && chance(0.3)) bucket_.set_failure_rate(0.1);
      const Result<void> opened = m.world.open();
      bucket_.heal();
      m.world.fs.cut_power_at(0);
      if (opened.ok() && m.world.fs.powered()) {
        m.merging.renew();
        m.erasing.renew();
        return;
      }
      m.close();
      if (!m.world.fs.powered()) {
        ++report_.cuts_in_starts;
        m.world.fs.restart();
      } else if (!trouble) {
        return fail(at, "no start: " + opened.error().message);
      }
    }
    fail(at, "did not start");
  }

  void compare(size_t at) {
    if (failed()) return;
    if (const auto wrong = pushed_.disagreement(*machines_[at]->world.engine->snapshot(), at)) fail(at, *wrong);
  }

  void append(size_t at) {
    EngineWorld& world = machines_[at]->world;
    const TenantId& tenant = kTenants[pick(2)];
    std::vector<StoredRow> rows(1 + pick(6));
    for (StoredRow& row : rows) {
      row.stream = fmt::format("s{}", pick(4));
      row.time_ns = kStartNs + static_cast<int64_t>(pick(40)) * 50'000'000;
      row.line = fmt::format("{{\"row\":{},\"text\":\"{}\"}}", next_row_++, std::string(pick(20), 'x'));
    }
    const RowBatch batch = make_batch(*world.engine, tenant, rows);
    const bool done = world.engine->append(batch, nullptr).ok();
    const bool by_disk = !world.options.ack_in_store;
    const size_t first = pushed_.add(tenant, rows, by_disk ? at : PushedRows::kNobody);
    if (done) pushed_.acknowledge(first, rows.size());
    report_.refused += done ? 0 : 1;
    report_.acknowledged += done ? rows.size() : 0;
    report_.acknowledged_by_disk += done && by_disk ? rows.size() : 0;
  }

  bool flush(size_t at) {
    if (!machines_[at]->world.engine->flush().ok()) return false;
    pushed_.published_by(at);
    return true;
  }

  void request_delete(size_t at) {
    DeleteRequest request;
    request.id = fmt::format("d{}", report_.deletes++);
    request.tenant = kTenants[pick(2)];
    request.query = fmt::format("s{} *", pick(4));
    request.start_ns = kStartNs;
    request.end_ns = kStartNs + static_cast<int64_t>(pick(40)) * 50'000'000;
    request.created_ns = now_ns_;
    const bool done = machines_[at]->erasing.target().request_delete(request).ok();
    pushed_.deleted(request, done);
  }

  void act(size_t at) {
    Machine& m = *machines_[at];
    pass(at, 1 + static_cast<int64_t>(pick(1'000'000)));
    if (chance(0.06)) return bucket_.set_failure_rate(chance(0.5) ? 0.1 : 0.5);
    if (chance(0.04)) return bucket_.heal();
    if (options_.deletes && chance(0.12)) {
      if (chance(0.5)) return request_delete(at);
      pass(at, 60'000'000'000);
      return m.erasing.eraser().tick();
    }
    switch (pick(16)) {
      case 0: flush(at); break;
      case 1:
        pass(at, static_cast<int64_t>(pick(400)) * 1'000'000'000);
        m.world.engine->tick();
        break;
      case 2: m.world.tasks.drain(); break;
      case 3:
      case 4: m.world.tasks.run_one(); break;
      case 5:
        pass(at, m.merging.options.quiet_after_ns);
        m.merging.merger().tick();
        break;
      default: append(at);
    }
  }

  /// The power goes, or the process alone.
  void end(size_t at) {
    Machine& m = *machines_[at];
    const bool cut = chance(0.5);
    if (cut) m.world.fs.cut_power();
    report_.stopped += m.world.engine != nullptr && !m.world.engine->taken_over().empty() ? 1 : 0;
    m.close();
    if (cut) m.world.fs.restart();
  }

  void turn(size_t at) {
    Machine& m = *machines_[at];
    if (still_there_ == at) end(std::exchange(still_there_, kNobody));
    report_.take_overs += at != last_ ? 1 : 0;
    last_ = at;
    pass(at, 1);
    start(at);
    compare(at);
    const uint64_t steps = 2 + pick(30);
    for (uint64_t i = 0; i < steps && !failed(); ++i) act(still_there_ != kNobody && chance(0.4) ? still_there_ : at);
    bucket_.heal();
    if (still_there_ != kNobody) end(std::exchange(still_there_, kNobody));
    if (chance(0.5)) compare(at);
    if (failed()) return;
    if (chance(0.2)) m.world.tasks.drain();
    if (chance(0.2) && flush(at)) {
      ++report_.disks_lost;
      m.close();
      return m.world.fs.replace();
    }
    if (options_.overlap && chance(0.6)) {
      still_there_ = at;
    } else {
      end(at);
    }
  }

  /// Everybody comes back once more; then the bucket has it all, whoever looks.
  void finish() {
    if (still_there_ != kNobody) end(std::exchange(still_there_, kNobody));
    const size_t first = pick(kMachines);
    for (size_t i = 0; i < kMachines && !failed(); ++i) {
      const size_t at = (first + i) % kMachines;
      pass(at, 1);
      start(at);
      compare(at);
      if (failed()) return;
      if (!flush(at)) return fail(at, "no flush");
      compare(at);
      machines_[at]->close();
    }
    if (failed()) return;
    Machine& m = *machines_[first];
    m.world.fs.replace();
    start(first);
    compare(first);
    if (failed()) return;
    const uint64_t segments = m.world.engine->status().segments;
    if (bucket_.count("segments/") != segments) fail(first, "objects of segments that nobody names");
    if (bucket_.count("wal/") > 0) fail(first, "pieces of the write-ahead log stay in the bucket");
    m.close();
  }

  const TakeOverOptions options_;
  std::mt19937_64 random_;
  FaultyBucket bucket_;
  std::array<std::unique_ptr<Machine>, kMachines> machines_;
  size_t last_ = kNobody;
  size_t still_there_ = kNobody;
  PushedRows pushed_{{kTenants[0], kTenants[1]}};
  uint64_t next_row_ = 0;
  int64_t now_ns_ = kStartNs;
  TakeOverReport report_;
};

}  // namespace

TakeOverReport& TakeOverReport::operator+=(const TakeOverReport& other) {
  acknowledged += other.acknowledged;
  acknowledged_by_disk += other.acknowledged_by_disk;
  refused += other.refused;
  take_overs += other.take_overs;
  displaced += other.displaced;
  left_out += other.left_out;
  cuts_in_starts += other.cuts_in_starts;
  disks_lost += other.disks_lost;
  merges += other.merges;
  deletes += other.deletes;
  bucket_faults += other.bucket_faults;
  stopped += other.stopped;
  return *this;
}

TakeOverReport run_take_overs(const TakeOverOptions& options) {
  return TakeOverRun(options).run();
}

}  // namespace cordwood
