// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/lease_run.h"

#include <array>
#include <random>
#include <utility>
#include <vector>

#include "storage/s3_lease.h"
#include "storage/s3_store.h"
#include "tests/sim/history_begin.h"
#include "tests/sim/pushed_rows.h"
#include "tests/support/engine_world.h"
#include "tests/support/eraser_world.h"
#include "tests/support/loose_bucket.h"
#include "tests/support/merge_world.h"

namespace cordwood {

namespace {

constexpr int64_t kDurationNs = 30'000'000'000;  // of the lease
constexpr int64_t kTickNs = kDurationNs / 20;
constexpr int64_t kMs = 1'000'000;
constexpr size_t kServers = 2;

struct Server {
  explicit Server(uint64_t seed) : world(seed) {}
  EngineWorld world;
  MergeWorld merging{world};
  EraserWorld erasing{world, merging};

  WriterLease* lease = nullptr;  ///< null: the process is not there
  uint64_t disk = 1;             ///< rises with each that is lost
  double rate = 1;               ///< of its monotonic clock
  int64_t wall_ahead_ns = 0;
  bool busy = false;     ///< within an operation
  bool ticking = false;  ///< within a request of its lease
  bool stalled = false;
  bool cut_off = false;
  bool dying = false;  ///< from now on nothing of it gets out
  WriterLease::State seen = WriterLease::State::waiting;

  bool running() const { return lease != nullptr && world.engine != nullptr; }
  bool held() const { return lease != nullptr && lease->held(); }
};

/// A write that was given up and arrives all the same.
struct LateWrite {
  size_t from = 0;
  int64_t at_ns = 0;
  HttpCall call;
  std::string body;
};

class LeaseRun {
 public:
  explicit LeaseRun(const LeaseRunOptions& options)
      : options_(options), random_(options.seed), bucket_(options.conditional) {
    for (size_t i = 0; i < kServers; ++i) {
      servers_[i] = std::make_unique<Server>(options.seed * kServers + i + 1);
      Server& s = *servers_[i];
      EngineWorld& world = s.world;
      world.options.block_raw_bytes = 256 + pick(4096);
      world.options.block_rows = 8 + static_cast<uint32_t>(pick(100));
      world.options.generation_raw_bytes = 512 + pick(4096);
      world.options.max_pending_generations = 2 + static_cast<uint32_t>(pick(4));
      world.options.claim_node = true;
      world.options.wal.file_bytes = 256 + pick(2048);
      s.merging.options.retry_after_ns = s.merging.options.quiet_after_ns = 1;
      s.rate = 0.97 + 0.01 * static_cast<double>(pick(7));
      s.wall_ahead_ns = options.deletes ? 0 : static_cast<int64_t>(pick(7'200)) * 1'000 * kMs - 3'600'000 * kMs;
      world.clock.advance_ns(static_cast<int64_t>(pick(1000)) * kDurationNs);
    }
  }

  LeaseRunReport run();

 private:
  class Wire;

  uint64_t pick(uint64_t below) { return random_() % below; }
  bool chance(double p) { return static_cast<double>(random_() >> 11) < p * 9007199254740992.0; }
  bool failed() const { return report_.failure.has_value(); }
  void fail(size_t at, const std::string& what) {
    if (!failed()) report_.failure = fmt::format("server {}: {}", at, what);
  }

  // Time, and what comes with it.
  void pass(int64_t ns);
  void tick_leases();
  void deliver_late(bool all);

  // The way to the bucket.
  Result<HttpAnswer> send(size_t from, const HttpCall& call);
  HttpAnswer take_effect(size_t from, const HttpCall& call);
  void give_up(size_t from, const HttpCall& call);
  void stall(size_t at);

  // Processes.
  void begin(size_t at);
  void open_engine(size_t at);
  void end(size_t at, bool kindly);
  void die(size_t at);

  // What they do.
  void step(size_t at);
  void act(size_t at);
  void append(size_t at);
  bool flush(size_t at);
  void request_delete(size_t at);
  void compare(size_t at);
  void finish();

  const LeaseRunOptions options_;
  std::mt19937_64 random_;
  LooseBucket bucket_;
  std::array<std::unique_ptr<Server>, kServers> servers_;
  std::vector<LateWrite> late_;
  PushedRows pushed_{{kTenants[0], kTenants[1]}};
  int64_t now_ns_ = 0;
  int passing_ = 0;        ///< calls of pass() within each other
  double trouble_ = 0.02;  ///< how often a request goes wrong
  bool finishing_ = false;
  uint64_t next_row_ = 0;
  LeaseRunReport report_;
};

class LeaseRun::Wire final : public HttpTransport {
 public:
  Wire(LeaseRun& run, size_t from) : run_(run), from_(from) {}
  Result<HttpAnswer> send(const HttpCall& call) override { return run_.send(from_, call); }

 private:
  LeaseRun& run_;
  const size_t from_;
};

void LeaseRun::pass(int64_t ns) {
  ++passing_;
  while (ns > 0) {
    const int64_t part_ns = std::min(ns, kTickNs);
    ns -= part_ns;
    now_ns_ += part_ns;
    for (const auto& server : servers_) {
      server->world.clock.advance_ns(static_cast<int64_t>(static_cast<double>(part_ns) * server->rate));
      server->world.clock.set_now_ns(kStartNs + now_ns_ + server->wall_ahead_ns);
    }
    deliver_late(false);
    if (passing_ > 1) continue;
    tick_leases();
    for (size_t i = 0; i < kServers && !failed(); ++i) {
      // While one waits for an answer the others go on.
      if (!finishing_ && servers_[1 - i]->busy && !servers_[i]->busy && chance(0.2)) step(i);
    }
  }
  --passing_;
}

void LeaseRun::tick_leases() {
  int held = 0;
  for (const auto& server : servers_) {
    Server& s = *server;
    if (s.lease == nullptr || s.ticking || s.stalled || s.dying) continue;
    s.ticking = true;
    s.lease->tick();
    s.ticking = false;
    const WriterLease::State now = s.lease->state();
    if (now != s.seen) {
      report_.held += now == WriterLease::State::held ? 1 : 0;
      report_.lapsed += now == WriterLease::State::lapsed ? 1 : 0;
      report_.lost += now == WriterLease::State::lost ? 1 : 0;
    }
    s.seen = now;
  }
  for (const auto& server : servers_) held += server->held() ? 1 : 0;
  if (held > 1) fail(0, "two hold the lease");
}

void LeaseRun::deliver_late(bool all) {
  for (size_t i = 0; i < late_.size();) {
    if (!all && late_[i].at_ns > now_ns_) {
      ++i;
      continue;
    }
    LateWrite write = std::move(late_[i]);
    late_.erase(late_.begin() + static_cast<ptrdiff_t>(i));
    write.call.body = write.body;
    ++report_.late;
    take_effect(write.from, write.call);
  }
}

/// Only the holder changes the bucket, and nothing is written over by something else.
HttpAnswer LeaseRun::take_effect(size_t from, const HttpCall& call) {
  const std::string key = LooseBucket::key_of(call);
  const bool writes = call.method == "PUT" || call.method == "DELETE";
  if (writes && !key.starts_with(kLeasePrefix) && !key.starts_with("probe/")) {
    if (servers_[1 - from]->held()) fail(from, fmt::format("{} of {} while the other holds", call.method, key));
    const std::string* before = bucket_.find(key);
    if (call.method == "PUT" && before != nullptr && !options_.conditional && *before != call.body) {
      fail(from, fmt::format("{} is written over by something else", key));
    }
  }
  return bucket_.answer(call, call.method == "GET" && trouble_ > 0 && chance(trouble_));
}

/// Nobody waits for the answer any more; what was sent may arrive, in time for nobody to have taken over.
void LeaseRun::give_up(size_t from, const HttpCall& call) {
  const bool of_lease = LooseBucket::key_of(call).starts_with(kLeasePrefix);
  if (of_lease || call.method == "GET" || call.method == "HEAD" || !chance(0.5)) return;
  const int64_t most_ns = servers_[from]->dying ? kDurationNs / 15 : kDurationNs / 6;
  late_.push_back(
      {from, now_ns_ + static_cast<int64_t>(pick(static_cast<uint64_t>(most_ns))), call, std::string(call.body)});
}

/// As long as nobody else can have the lease, or longer.
void LeaseRun::stall(size_t at) {
  Server& s = *servers_[at];
  if (s.stalled || passing_ > 0) return;
  ++report_.stalled;
  s.stalled = true;
  pass(static_cast<int64_t>(pick(static_cast<uint64_t>(2 * kDurationNs))));
  s.stalled = false;
}

Result<HttpAnswer> LeaseRun::send(size_t from, const HttpCall& call) {
  Server& s = *servers_[from];
  const Error away = Error::unavailable("the bucket does not answer");
  if (s.dying) return away;
  pass(static_cast<int64_t>(1 + pick(100)) * kMs / 2);
  if (s.cut_off || chance(trouble_)) {
    ++report_.faults;
    const uint64_t kind = pick(4);
    if (kind == 0) return HttpAnswer{503, {}, "<Error><Code>SlowDown</Code></Error>"};
    if (kind == 1 && !s.cut_off) {
      static_cast<void>(take_effect(from, call));
      return chance(0.5) ? Result<HttpAnswer>(HttpAnswer{500, {}, ""}) : Result<HttpAnswer>(away);
    }
    if (kind == 2) {
      const int64_t until_ns = now_ns_ + call.timeout_ns;
      while (now_ns_ < until_ns && !(call.given_up && call.given_up())) {
        pass(std::min<int64_t>(until_ns - now_ns_, 1'000 * kMs));
      }
      give_up(from, call);
      return Error::timeout("no answer");
    }
    return away;
  }
  // The process ends while it waits.
  if (trouble_ > 0 && !s.ticking && chance(0.002)) {
    s.dying = true;
    if (chance(0.5)) s.world.fs.cut_power();
    if (chance(0.4)) {
      static_cast<void>(take_effect(from, call));
    } else {
      give_up(from, call);
    }
    return away;
  }
  HttpAnswer answer = take_effect(from, call);
  const int64_t began_ns = now_ns_;
  if (trouble_ > 0 && !s.ticking && chance(0.001)) stall(from);
  if (now_ns_ - began_ns >= call.timeout_ns && chance(0.5)) return Error::timeout("no answer");
  return answer;
}

void LeaseRun::begin(size_t at) {
  Server& s = *servers_[at];
  s.world.options.ack_in_store = chance(0.5);
  S3Options options;
  options.location = {.url = {},
                      .bucket = LooseBucket::kName,
                      .prefix = {},
                      .region = "r",
                      .endpoint = LooseBucket::kEndpoint,
                      .path_style = true,
                      .insecure = true};
  options.access_key_id = options.secret_access_key = "k";
  options.sign_payload = false;
  options.max_retries = static_cast<uint32_t>(pick(3));
  options.answer_timeout_ns = 2'000 * kMs;
  options.operation_timeout_ns = 10'000 * kMs;
  options.backoff_max_ns = 500 * kMs;
  options.lease_duration_ns = kDurationNs;
  options.node_lease = true;
  const S3Environment env{.fs = &s.world.fs,
                          .clock = &s.world.clock,
                          .random = &s.world.random,
                          .metrics = &s.world.metrics,
                          .log = s.world.log.get(),
                          .variable = [](const std::string&) { return std::nullopt; },
                          .wait_ns = [this](int64_t ns) { pass(ns); }};
  s.busy = true;
  auto home = open_s3_home(options, env, fmt::format("disk-{}-{}", at, s.disk), s.world.options.node,
                           std::make_unique<Wire>(*this, at));
  s.busy = false;
  if (home.ok() && !s.dying) {
    s.world.store = std::move(home->store);
    s.world.environment.store = s.world.store.get();
    s.lease = home->lease;
    s.seen = WriterLease::State::waiting;
  }
  if (s.dying) die(at);
}

/// What a server does once it has the lease.
void LeaseRun::open_engine(size_t at) {
  Server& s = *servers_[at];
  const double trouble = trouble_;
  // Who acknowledges by disk believes the lists of the bucket.
  if (!s.world.options.ack_in_store) trouble_ = 0;
  if (trouble_ > 0 && chance(0.2)) s.world.fs.cut_power_at(s.world.fs.operations() + 1 + pick(60));
  s.busy = true;
  Result<std::unique_ptr<Engine>> opened = Engine::open(s.world.options, s.world.environment);
  s.busy = false;
  s.world.fs.cut_power_at(0);
  trouble_ = trouble;
  if (s.dying || !s.world.fs.powered()) return die(at);
  if (!opened.ok()) {
    if (opened.error().kind != ErrorKind::unavailable) fail(at, "no start: " + opened.error().message);
    return;
  }
  s.world.engine = std::move(*opened);
  s.merging.renew();
  s.erasing.renew();
  compare(at);
}

void LeaseRun::end(size_t at, bool kindly) {
  Server& s = *servers_[at];
  if (s.lease == nullptr) return;
  s.erasing.forget();
  s.merging.forget();
  s.world.engine.reset();
  s.world.tasks.forget();
  if (kindly && !s.dying) {
    s.ticking = true;
    s.lease->release();
    s.ticking = false;
  }
  s.lease = nullptr;
  s.world.store.reset();
  // With a process that is killed its connections go.
  for (LateWrite& write : late_) {
    if (write.from == at && !kindly) write.at_ns = std::min(write.at_ns, now_ns_ + kDurationNs / 15);
  }
}

void LeaseRun::die(size_t at) {
  Server& s = *servers_[at];
  s.dying = true;
  ++report_.killed;
  end(at, false);
  if (!s.world.fs.powered()) s.world.fs.restart();
  if (chance(0.5) && !pushed_.any_only_on(at)) {
    ++report_.disks_lost;
    ++s.disk;
    s.world.fs.replace();
  }
  s.dying = false;
}

void LeaseRun::compare(size_t at) {
  Server& s = *servers_[at];
  if (failed() || !s.held() || s.dying) return;
  s.busy = true;
  const auto wrong = pushed_.disagreement(*s.world.engine->snapshot(), at);
  s.busy = false;
  // What cannot be read because the bucket is away is not lost; and another may have gone on while it was read.
  if (wrong && s.held() && !wrong->starts_with("cannot be read")) fail(at, *wrong);
}

void LeaseRun::append(size_t at) {
  EngineWorld& world = servers_[at]->world;
  const TenantId& tenant = kTenants[pick(2)];
  std::vector<StoredRow> rows(1 + pick(6));
  for (StoredRow& row : rows) {
    row.stream = fmt::format("s{}", pick(4));
    row.time_ns = kStartNs + static_cast<int64_t>(pick(40)) * 50 * kMs;
    row.line = fmt::format("{{\"row\":{},\"text\":\"{}\"}}", next_row_++, std::string(pick(20), 'x'));
  }
  const RowBatch batch = make_batch(*world.engine, tenant, rows);
  const bool by_disk = !world.options.ack_in_store;
  bool done = false;
  if (servers_[at]->held()) {
    const size_t first = pushed_.add(tenant, rows, by_disk ? at : PushedRows::kNobody);
    done = world.engine->append(batch, nullptr).ok();
    if (done) pushed_.acknowledge(first, rows.size());
  }
  report_.refused += done ? 0 : 1;
  report_.acknowledged += done ? rows.size() : 0;
  report_.acknowledged_by_disk += done && by_disk ? rows.size() : 0;
}

bool LeaseRun::flush(size_t at) {
  if (!servers_[at]->world.engine->flush().ok()) return false;
  pushed_.published_by(at);
  return true;
}

void LeaseRun::request_delete(size_t at) {
  DeleteRequest request;
  request.id = fmt::format("d{}", report_.deletes++);
  request.tenant = kTenants[pick(2)];
  request.query = fmt::format("s{} *", pick(4));
  request.start_ns = kStartNs;
  request.end_ns = kStartNs + static_cast<int64_t>(pick(40)) * 50 * kMs;
  request.created_ns = servers_[at]->world.clock.now_ns();
  pushed_.deleted(request, false);
  pushed_.deleted(request, servers_[at]->erasing.target().request_delete(request).ok());
}

void LeaseRun::act(size_t at) {
  Server& s = *servers_[at];
  if (options_.deletes && chance(0.12)) {
    return chance(0.5) ? request_delete(at) : s.erasing.eraser().tick();
  }
  switch (pick(16)) {
    case 0: flush(at); break;
    case 1: s.world.engine->tick(); break;
    case 2: s.world.tasks.drain(); break;
    case 3:
    case 4: s.world.tasks.run_one(); break;
    case 5: s.merging.merger().tick(); break;
    case 6: return compare(at);
    default: append(at);
  }
}

void LeaseRun::step(size_t at) {
  Server& s = *servers_[at];
  if (s.busy || s.stalled || failed()) return;
  if (s.lease == nullptr) {
    if (chance(0.2)) begin(at);
    return;
  }
  if (s.dying) return die(at);
  if (!s.running()) {
    if (s.held()) return open_engine(at);
    if (chance(0.01)) end(at, chance(0.5));
    return;
  }
  if (chance(s.lease->state() == WriterLease::State::lost ? 0.2 : 0.01)) {
    return chance(0.5) ? end(at, true) : die(at);
  }
  s.busy = true;
  act(at);
  s.busy = false;
  if (s.dying) die(at);
}

/// Everybody comes back once more; then the bucket has it all, whoever looks.
void LeaseRun::finish() {
  trouble_ = 0;
  finishing_ = true;
  for (size_t i = 0; i < kServers; ++i) {
    servers_[i]->cut_off = false;
    if (servers_[i]->lease != nullptr) die(i);
  }
  pass(2 * kDurationNs);
  const size_t first = pick(kServers);
  for (size_t i = 0; i <= kServers && !failed(); ++i) {
    const size_t at = (first + i) % kServers;
    Server& s = *servers_[at];
    if (i == kServers) {
      s.world.fs.replace();
      ++s.disk;
    }
    begin(at);
    for (int n = 0; n < 100 && !s.held(); ++n) pass(kTickNs);
    if (!s.held()) return fail(at, "does not get the lease: " + (s.lease == nullptr ? "" : s.lease->why()));
    open_engine(at);
    if (failed()) return;
    if (!s.running()) return fail(at, "did not start");
    if (i == kServers) break;
    if (!flush(at)) return fail(at, "no flush");
    compare(at);
    end(at, true);
  }
  if (failed()) return;
  const uint64_t segments = servers_[first]->world.engine->status().segments;
  if (bucket_.count("segments/") != segments) fail(first, "objects of segments that nobody names");
  if (bucket_.count("wal/") > 0) fail(first, "pieces of the write-ahead log stay in the bucket");
  end(first, true);
}

LeaseRunReport LeaseRun::run() {
  const uint64_t steps = 100 + pick(200);
  for (uint64_t i = 0; i < steps && !failed(); ++i) {
    const size_t at = pick(kServers);
    if (chance(0.03)) trouble_ = chance(0.5) ? 0.02 : 0.25;
    if (chance(0.02)) servers_[at]->cut_off = !servers_[at]->cut_off;
    if (servers_[at]->cut_off && chance(0.1)) servers_[at]->cut_off = false;
    if (chance(0.004)) stall(at);
    pass(chance(0.1) ? static_cast<int64_t>(pick(kDurationNs / 4)) : static_cast<int64_t>(1 + pick(600)) * kMs);
    step(at);
  }
  if (!failed()) finish();
  for (size_t i = 0; i < kServers; ++i) {
    report_.merges += servers_[i]->world.metrics.counter("cordwood_merges_total", "").value();
    end(i, false);
  }
  return report_;
}

}  // namespace

LeaseRunReport& LeaseRunReport::operator+=(const LeaseRunReport& other) {
  acknowledged += other.acknowledged;
  acknowledged_by_disk += other.acknowledged_by_disk;
  refused += other.refused;
  held += other.held;
  lapsed += other.lapsed;
  lost += other.lost;
  killed += other.killed;
  stalled += other.stalled;
  faults += other.faults;
  late += other.late;
  disks_lost += other.disks_lost;
  merges += other.merges;
  deletes += other.deletes;
  return *this;
}

LeaseRunReport run_lease(const LeaseRunOptions& options) {
  return LeaseRun(options).run();
}

}  // namespace cordwood
