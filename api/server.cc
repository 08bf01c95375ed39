// SPDX-License-Identifier: Apache-2.0
#include "api/server.h"

#include <algorithm>
#include <thread>

#include "api/build_version.h"
#include "api/config_keys.h"
#include "api/config_load.h"
#include "api/handlers.h"
#include "api/lease_keeper.h"
#include "api/object_store_choice.h"
#include "api/process_metrics.h"
#include "api/ticker.h"
#include "index/segment_terms_opener.h"
#include "lifecycle/eraser.h"
#include "lifecycle/merger.h"
#include "query/ahead_threads.h"
#include "query/delete_predicate.h"
#include "query/kept_lines.h"
#include "query/kept_steps.h"
#include "query/kept_sums.h"
#include "query/view_pool.h"
#include "storage/base/mutex.h"
#include "storage/base/niceness.h"

namespace cordwood::api {
namespace {

constexpr int kSealNiceness = 10;
constexpr int kMergeNiceness = 15;
constexpr size_t kIdDigits = 16;  ///< of delete requests and holds
constexpr int64_t kDrainPauseNs = 250'000'000;
constexpr int64_t kFirstRetryNs = 500'000'000;  ///< of opening a bucket that is away
constexpr int64_t kLastRetryNs = 15'000'000'000;
constexpr int64_t kLookPauseNs = 50'000'000;  ///< between looks whether to stop, while waiting

/// The system's file for a time zone, or nothing.  Names come from users' templates: they stay below the directory.
std::string read_zone(FileSystem& fs, std::string_view name) {
  constexpr uint64_t kMaxZoneBytes = 1u << 20;
  if (name.empty() || name[0] == '/' || name.find("..") != std::string_view::npos) return {};
  auto bytes = fs.read_all("/usr/share/zoneinfo/" + std::string(name), kMaxZoneBytes);
  return bytes.ok() ? std::move(bytes).value() : std::string();
}

class ServerImpl final : public Server {
 public:
  ServerImpl(const Config& config, std::shared_ptr<Logger> log, std::function<bool()> stopping)
      : config_(config),
        log_(std::move(log)),
        stopping_(std::move(stopping)),
        memory_(config.memory),
        read_gate_(config.read_gate, clock_, &metrics_),
        kept_steps_(config.kept_results_bytes / 4, memory_, metrics_),
        kept_sums_(config.kept_results_bytes / 2, memory_, metrics_),
        kept_lines_(config.kept_results_bytes / 4, memory_, metrics_),
        views_(config.open_blocks_bytes, memory_, metrics_),
        tail_hub_(config.tail, {.memory = &memory_, .clock = &clock_, .metrics = &metrics_}) {
    config_.engine.data_dir = config_.data_dir;
    config_.merge.spill_dir = config_.data_dir + "/spill";
    config_.index.directory = config_.data_dir + "/index";
    config_.engine.retention = retention_rules(config_.deletes);
    if (config_.storage == "s3")
      config_.engine.local_pending_bytes = std::max<uint64_t>(config_.local_pending_bytes, 1);
    config_.engine.ack_in_store = config_.ack == "bucket";
    config_.engine.claim_node = config_.storage == "s3";
    config_.merge.day_ids = config_.storage == "s3" && config_.merge_day_ids;
    config_.engine.ack_interval_ns = config_.ack_interval_ns;
  }
  ~ServerImpl() override {
    http_.reset();
    stop_merging();
    ticker_.reset();
    router_.reset();
    tails_.reset();
    queries_.reset();
    pusher_.reset();
    eraser_.reset();
    merger_.reset();
    close();
    lease_.reset();  // last: a task that close() waited for may have removed published rows from the bucket's log
  }

  /// Listens, and opens the store as soon as that is possible.
  Result<void> start() {
    TRY(listen());
    for (int64_t pause_ns = kFirstRetryNs;; pause_ns = std::min(2 * pause_ns, kLastRetryNs)) {
      const Result<void> opened = open();
      if (opened.ok()) return opened;
      close();
      if (lease_ != nullptr && lease_->lease().state() == WriterLease::State::lost) forget_bucket();
      if (!is_stopping()) {
        if (config_.storage != "s3" || opened.error().kind != ErrorKind::unavailable) return opened;
        waits_for(opened.error().message);
        log_->warn("the bucket cannot be used now; the server waits for it",
                   {{"error", opened.error().message}, {"again_in_ms", pause_ns / 1'000'000}});
        pause(pause_ns);
      }
      if (!is_stopping()) continue;
      phase_ = Phase::stopping;
      log_->info("stopped before the store was open", {});
      return Error::cancelled("stopped before the store was open");
    }
  }

  void open_queries() {
    const uint32_t others = std::max(std::thread::hardware_concurrency(), 1u) - 1;
    const uint32_t threads = std::min(config_.ahead_threads, others);
    if (threads > 0) ahead_ = std::make_unique<query::AheadThreads>(query::AheadOptions{.threads = threads}, metrics_);
    const query::QueryEngine::Environment reads{
        .snapshot = [this] { return engine_->snapshot(); },
        .streams = index_.get(),
        .memory = &memory_,
        .clock = &clock_,
        .zone_file = [this](std::string_view zone) { return read_zone(fs_, zone); },
        .version = [this] { return engine_->version(); },
        .oldest_since = [this](const TenantId& tenant,
                               uint64_t version) { return engine_->oldest_since(tenant, version); },
        .kept_sums = &kept_sums_,
        .kept = &kept_steps_,
        .kept_lines = &kept_lines_,
        .views = &views_,
        .gate = &read_gate_,
        .ahead = ahead_.get(),
        .metrics = &metrics_};
    queries_ = std::make_unique<query::QueryEngine>(reads);
    tails_ = std::make_unique<query::TailReader>(reads, tail_hub_);
  }

  Result<void> open() {
    const int64_t begin_ns = clock_.monotonic_ns();
    TRY(fs_.create_directories(config_.data_dir));
    TRY(open_store());
    TRY_ASSIGN(index_, index::StreamIndex::open(config_.index, fs_, *log_));
    terms_opener_ = std::make_unique<index::XapianTermsOpener>(config_.terms_open_bytes, memory_, *log_, metrics_);
    body_decoder_ = ingest::make_wal_body_decoder();
    background_ = make_thread_pool(std::max<uint64_t>(config_.background_threads, 1), "background", kSealNiceness);
    TRY_ASSIGN(engine_, Engine::open(config_.engine, {.fs = &fs_,
                                                      .clock = &clock_,
                                                      .store = store_.get(),
                                                      .memory = &memory_,
                                                      .random = &random_,
                                                      .background = background_.get(),
                                                      .body_decoder = body_decoder_.get(),
                                                      .streams = index_.get(),
                                                      .terms = terms_opener_.get(),
                                                      .log = log_.get(),
                                                      .metrics = &metrics_,
                                                      .rows = &tail_hub_,
                                                      .predicates = &predicates_}));
    TRY(index_->sync([this] { return engine_->snapshot(); }));
    pusher_ = std::make_unique<ingest::Pusher>(
        config_.ingest,
        ingest::Pusher::Environment{.engine = engine_.get(),
                                    .memory = &memory_,
                                    .clock = &clock_,
                                    .metrics = &metrics_,
                                    .limits = [this](const TenantId&) { return config_.ingest_limits; }});
    open_queries();
    if (config_.merge_terms) {
      terms_builder_ =
          std::make_unique<index::XapianTermsBuilder>(config_.terms, config_.data_dir + "/spill-terms", fs_, metrics_);
    }
    merger_ = std::make_unique<lifecycle::Merger>(config_.merge,
                                                  lifecycle::Merger::Environment{.fs = &fs_,
                                                                                 .clock = &clock_,
                                                                                 .store = store_.get(),
                                                                                 .memory = &memory_,
                                                                                 .target = engine_->merge_target(),
                                                                                 .terms = terms_builder_.get(),
                                                                                 .log = log_.get(),
                                                                                 .metrics = &metrics_});
    services_.engine = engine_.get();
    services_.pusher = pusher_.get();
    services_.queries = queries_.get();
    services_.tails = tails_.get();
    open_eraser();
    config_.uploads.node = config_.engine.node;
    uploads_ = std::make_unique<lifecycle::AbandonedUploads>(config_.uploads, *store_, clock_, *log_, metrics_);
    ticker_ = std::make_unique<Ticker>([this] { tick(); });
    // A thread of its own: a merge takes long, and what tick() does must not wait for it.
    merge_ticker_ = std::make_unique<Ticker>([this] {
      set_niceness(kMergeNiceness);  // pushes and queries come first
      uploads_->tick();
      eraser_->tick();
      while (config_.merge.enabled && (merger_->merge_once() || merger_->join_ids_once())) eraser_->tick();
    });
    phase_ = Phase::running;
    log_->info("ready",
               {{"data_dir", config_.data_dir}, {"duration_ms", (clock_.monotonic_ns() - begin_ns) / 1'000'000}});
    return {};
  }

  Result<void> listen() {
    services_ = {.config = &config_,
                 .push_refused = [this] { return push_refused(); },
                 .waits_for = [this] { return waiting(); },
                 .metrics = &metrics_,
                 .clock = &clock_,
                 .log = log_.get(),
                 .phase = &phase_,
                 .config_yaml = [this] { return print_config(config_); },
                 .new_id = [this] { return random_.hex128().substr(0, kIdDigits); }};
    router_ = std::make_unique<Router>(config_.path_prefix, metrics_, clock_, phase_);
    add_all_routes(*router_, services_);
    add_process_metrics(metrics_, memory_);
    TRY_ASSIGN(
        http_,
        HttpServer::start(
            config_.http,
            {.handler = router_.get(), .memory = &memory_, .clock = &clock_, .log = log_.get(), .metrics = &metrics_}));
    log_->info("listening", {{"address", config_.http.address},
                             {"port", http_->port()},
                             {"version", kVersion},
                             {"auth_enabled", config_.tenants.auth_enabled}});
    return {};
  }

  uint16_t port() const override { return http_->port(); }

  Result<void> stop() override {
    phase_ = Phase::stopping;
    log_->info("stopping", {});
    http_->drain(config_.shutdown_grace_ns);
    const int64_t deadline_ns = clock_.monotonic_ns() + config_.drain_timeout_ns;
    store_->give_up_at(deadline_ns);
    stop_merging();
    ticker_.reset();
    drain(deadline_ns);
    commit_index();
    log_->info("stopped", {});
    return {};
  }

 private:
  Result<void> open_store() {
    if (store_ == nullptr) {
      TRY_ASSIGN(S3Home home, open_object_store(config_, {.fs = &fs_,
                                                          .clock = &clock_,
                                                          .random = &random_,
                                                          .metrics = &metrics_,
                                                          .log = log_.get(),
                                                          .variable = environment_variable,
                                                          .wait_ns = [this](int64_t ns) { pause(ns); },
                                                          .given_up = [this] { return is_stopping(); }}));
      store_ = std::move(home.store);
      if (home.lease != nullptr) lease_ = std::make_unique<LeaseKeeper>(*home.lease);
    }
    if (lease_ == nullptr) return {};
    return lease_->wait([this](const std::string& why) {
      waits_for(why);
      return !is_stopping();
    });
  }
  /// What open() made; the bucket and its lease stay.
  void close() {
    engine_.reset();
    terms_opener_.reset();
    background_.reset();
    body_decoder_.reset();
    index_.reset();
  }
  void forget_bucket() {
    lease_.reset();
    store_.reset();
  }

  /// Whether to stop before the store is open; later stop() says when.
  bool is_stopping() const { return phase_ == Phase::starting && stopping_ && stopping_(); }
  void pause(int64_t ns) {
    const int64_t until_ns = clock_.monotonic_ns() + ns;
    for (int64_t left_ns = ns; left_ns > 0 && !is_stopping(); left_ns = until_ns - clock_.monotonic_ns()) {
      sleep_ns(std::min(left_ns, kLookPauseNs));
    }
  }
  void waits_for(const std::string& what) EXCLUDES(waits_mu_) {
    const MutexLock lock(waits_mu_);
    waits_for_ = what;
  }
  std::string waiting() const EXCLUDES(waits_mu_) {
    // Without the lease for now the answers to queries are right; once another has it they grow old.
    if (phase_ == Phase::running && lease_ != nullptr && lease_->lease().state() == WriterLease::State::lost) {
      return lease_->lease().why();
    }
    if (phase_ == Phase::running) return engine_->taken_over();
    const MutexLock lock(waits_mu_);
    return phase_ == Phase::starting ? waits_for_ : "";
  }
  /// Where the disk acknowledges and the bucket keeps others' objects, pushes go on while it is away.
  std::string push_refused() const {
    if (lease_ == nullptr || lease_->lease().held()) return engine_->taken_over();
    const bool lost = lease_->lease().state() == WriterLease::State::lost;
    return lost || config_.ack == "bucket" || !store_->guards_puts() ? lease_->lease().why() : "";
  }
  /// Publishes everything; what cannot be published by then is in the WAL and is published after the next start.
  void drain(int64_t deadline_ns) {
    for (;;) {
      const Result<void> flushed = engine_->flush();
      if (flushed.ok() || !engine_->taken_over().empty()) return;
      if (clock_.monotonic_ns() + kDrainPauseNs >= deadline_ns) {
        log_->warn("not everything could be published; the rest stays here and is published after the next start",
                   {{"generations", engine_->status().pending_generations}, {"error", flushed.error().message}});
        return;
      }
      sleep_ns(kDrainPauseNs);
    }
  }
  void tick() {
    engine_->tick();
    // Streams of what was published since must not have to be found again at the next start.
    if (engine_->snapshot()->catalog_version() != committed_version_) commit_index();
  }
  void open_eraser() {
    audit_ = std::make_unique<lifecycle::AuditLog>(*store_, clock_, config_.engine.node);
    lifecycle::EraserOptions options;
    options.erase = config_.deletes.mode != "filter-only";
    options.cancel_period_ns = config_.deletes.cancel_period_ns;
    options.retention = config_.engine.retention;
    eraser_ = std::make_unique<lifecycle::Eraser>(
        options,
        lifecycle::Eraser::Environment{
            .clock = &clock_,
            .segments = engine_->merge_target(),
            .deletes = engine_->delete_target(),
            .merger = merger_.get(),
            .audit = audit_.get(),
            .forget_streams = [this](const TenantId& tenant, TimeRange range) { return index_->forget(tenant, range); },
            .log = log_.get(),
            .metrics = &metrics_});
    services_.eraser = eraser_.get();
    services_.audit = audit_.get();
  }
  void stop_merging() {
    if (eraser_ != nullptr) eraser_->stop();
    if (merger_ != nullptr) merger_->stop();
    merge_ticker_.reset();
  }
  void commit_index() {
    const uint64_t version = engine_->snapshot()->catalog_version();
    auto committed = index_->commit(version);
    if (committed.ok()) {
      committed_version_ = version;
    } else {
      log_->warn("stream index not committed", {{"error", committed.error().message}});
    }
  }

  Config config_;
  std::shared_ptr<Logger> log_;
  const std::function<bool()> stopping_;
  SystemClock clock_;
  PosixFileSystem fs_;
  SystemRandom random_;
  Metrics metrics_;
  MemoryAccountant memory_;
  query::ReadGate read_gate_;
  query::KeptSteps kept_steps_;
  query::KeptSums kept_sums_;
  query::KeptLines kept_lines_;
  query::ViewPool views_;
  std::unique_ptr<query::AheadThreads> ahead_;  ///< null: none
  query::TailHub tail_hub_;
  std::atomic<Phase> phase_{Phase::starting};
  mutable Mutex waits_mu_;
  std::string waits_for_ GUARDED_BY(waits_mu_);
  std::unique_ptr<ObjectStore> store_;
  std::unique_ptr<LeaseKeeper> lease_;  ///< null: none is needed
  std::unique_ptr<index::StreamIndex> index_;
  std::unique_ptr<WalBodyDecoder> body_decoder_;
  std::unique_ptr<TaskRunner> background_;
  std::unique_ptr<index::XapianTermsOpener> terms_opener_;
  std::unique_ptr<index::XapianTermsBuilder> terms_builder_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<ingest::Pusher> pusher_;
  std::unique_ptr<query::QueryEngine> queries_;
  std::unique_ptr<query::TailReader> tails_;
  Services services_;
  std::unique_ptr<Router> router_;
  query::DeletePredicateCompiler predicates_;
  std::unique_ptr<lifecycle::Merger> merger_;
  std::unique_ptr<lifecycle::AuditLog> audit_;
  std::unique_ptr<lifecycle::Eraser> eraser_;
  std::unique_ptr<lifecycle::AbandonedUploads> uploads_;
  std::unique_ptr<Ticker> ticker_;
  std::unique_ptr<Ticker> merge_ticker_;
  std::unique_ptr<HttpServer> http_;
  uint64_t committed_version_ = 0;  ///< of the ticker's thread, then of stop()
};

}  // namespace

Result<std::unique_ptr<Server>> Server::start(const Config& config, std::shared_ptr<Logger> log,
                                              std::function<bool()> stopping) {
  auto server = std::make_unique<ServerImpl>(config, std::move(log), std::move(stopping));
  TRY(server->start());
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace cordwood::api
