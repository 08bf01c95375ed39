// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "storage/base/mutex.h"
#include "storage/catalog.h"
#include "storage/change_log.h"
#include "storage/delete_target.h"
#include "storage/engine.h"
#include "storage/engine_snapshot.h"
#include "storage/generation.h"
#include "storage/merge_target.h"
#include "storage/stream_registry.h"
#include "storage/wal_reader.h"

namespace cordwood {

/// Counters of the engine.
struct EngineMetrics {
  explicit EngineMetrics(Metrics& metrics);

  Counter& rows_appended;
  Counter& bytes_appended;
  Counter& duplicates;
  Counter& appends_refused;
  Counter& blocks_sealed;
  Counter& seal_failures;
  Counter& segments_published;
  Counter& bytes_published;
  Counter& publish_failures;
  Counter& segments_corrupt;
  Counter& wal_records_replayed;
  Counter& wal_records_damaged;
  Counter& wal_objects_damaged;
  Counter& logs_displaced;
  Counter& rows_left_out;
  Histogram& append_seconds;
  Histogram& wal_wait_seconds;
  Histogram& seal_seconds;
  Histogram& publish_seconds;
};

/// Lets /metrics read an engine's status for as long as there is one.
class EngineGauges {
 public:
  explicit EngineGauges(const Engine& engine) : engine_(&engine) {}
  static void show(const std::shared_ptr<EngineGauges>& gauges, Metrics& metrics);
  void forget();

 private:
  double read(double (*value)(const Engine::Status&)) const;

  mutable Mutex mu_;
  const Engine* engine_ GUARDED_BY(mu_);
};

/// Keeps background tasks from touching an engine that is gone: a task runs only while the gate is open, and
/// closing it waits for those that run.
class TaskGate {
 public:
  bool enter();
  void leave();
  void close();

 private:
  Mutex mu_;
  CondVar left_;
  bool open_ GUARDED_BY(mu_) = true;
  size_t inside_ GUARDED_BY(mu_) = 0;
};

/// Locks are taken in the order create_mu_ or commit_mu_, mu_, Generation's.  I/O is done under create_mu_ (a new WAL
/// file) or under none, and WAL records are encoded under mu_ so that their order is that of their sequences.
class EngineImpl final : public Engine, public MergeTarget, public DeleteTarget {
 public:
  EngineImpl(EngineOptions options, EngineEnvironment environment);
  ~EngineImpl() override;

  /// Recovery: catalog, segments, then the generations not marked done.
  Result<void> recover();

  Result<Appended> append(const RowBatch& batch, const WalBody* body) override;
  SnapshotPtr snapshot() const override;
  uint64_t version() const override { return changes_.version(); }
  int64_t oldest_since(const TenantId& tenant, uint64_t version) const override {
    return changes_.oldest_since(tenant, version);
  }
  Result<void> flush() override;
  void tick() override;
  Status status() const override;
  std::string taken_over() const override;
  StreamPtr stream(const TenantId& tenant, StreamKind kind, const Labels& labels) override;
  MergeTarget* merge_target() override { return this; }

  State merge_state() const override;
  Result<Replaced> replace(std::vector<SegmentMeta> added, std::vector<std::string> removed,
                           std::optional<uint64_t> holds_version) override;
  Result<Replaced> set_day_ids(DayIdsMeta table) override;
  Result<void> settle() override;

  DeleteTarget* delete_target() override { return env_.predicates == nullptr ? nullptr : this; }
  CatalogActs acts() const override;
  size_t deletes_waiting(const TenantId& tenant) const override;
  Result<void> request_delete(DeleteRequest request) override;
  Result<void> cancel_delete(const std::string& id, bool force) override;
  Result<void> mark_processed(const std::string& id, int64_t now_ns) override;
  Result<void> set_hold(LegalHold hold) override;
  Result<void> lift_hold(const std::string& id) override;
  std::shared_ptr<const TenantVeil> veil_of(const TenantId& tenant, const std::vector<std::string>& deletes,
                                            bool with_retention) const override;
  int64_t retention_now_ns() const override;
  uint64_t retired_mark() const override;
  Result<bool> nothing_left(uint64_t mark, uint64_t generation) override;

 private:
  using GenerationPtr = std::shared_ptr<Generation>;

  /// One unpublished generation and how its publication stands.
  struct Unpublished {
    GenerationPtr generation;
    bool publishing = false;
    int64_t retry_at_ns = 0;  ///< monotonic; not before this unless forced
    int64_t backoff_ns = 0;
    uint64_t replayed_bytes = 0;       ///< of WAL files, of a generation that was replayed
    bool keep_wal = false;             ///< some of its records could not be read: they are kept aside
    WalLog log;                        ///< what its files say
    bool displaced = false;            ///< replayed under another number and with new sequences
    std::vector<SegmentMeta> written;  ///< segments of an attempt whose commit failed: they may be named already
  };
  using UnpublishedPtr = std::shared_ptr<Unpublished>;

  /// A change of segments for others, or of common id tables, whose fate is not known yet.
  struct Replacement {
    CatalogChange change;
    std::vector<std::shared_ptr<const PublishedSegment>> opened;
    std::optional<uint64_t> holds_version;  ///< it must not have changed when it is offered first
    bool offered = false;                   ///< the manifest may have it
  };
  /// A segment that was replaced, or a common id table; its object goes when the last snapshot with it has gone.
  struct Retired {
    std::string key;
    std::weak_ptr<const void> used;
    uint64_t number = 0;  ///< ascending as they were retired
  };

  /// A piece of background work.
  struct Work {
    UnpublishedPtr of;
    std::shared_ptr<SealJob> seal;  ///< null: publish
  };

  // engine.cc: the push path.
  Result<void> wait_for_room();
  Result<GenerationPtr> writable_generation();
  Result<void> wait_for_publication();
  Result<GenerationPtr> create_generation();
  Result<void> begin_append(const RowBatch& batch, const WalBody* body, Generation::Pending* pending,
                            GenerationPtr* generation, uint64_t* ticket);
  void close_current() REQUIRES(mu_);
  void after_insert(const GenerationPtr& generation);
  void relieve_memory();
  uint64_t pending_generations() const REQUIRES(mu_);
  uint64_t pending_bytes() const REQUIRES(mu_);
  std::optional<std::string> too_much_pending() const REQUIRES(mu_);
  std::string spill_path(uint64_t generation) const;
  GenerationPtr make_generation(uint64_t number) const;

  // engine_work.cc: what runs in the background.
  std::optional<Work> pick(bool forced, uint64_t up_to_generation) REQUIRES(mu_);
  bool work_waits() const REQUIRES(mu_);
  void kick();
  void run_posted();
  Result<void> run(const Work& work);
  Result<void> run_seal(const Work& work);
  std::unique_ptr<BlockBuilder> take_builder();
  void fail(const Work& work, const Error& error);

  // engine_publish.cc
  Result<void> commit_change(const CatalogChange& change) REQUIRES(commit_mu_);
  Result<void> publish(const Work& work);
  Result<std::vector<SegmentMeta>> write_segments(Generation& generation, const WalLog& log);
  Result<void> commit(const Work& work, const std::vector<std::shared_ptr<const PublishedSegment>>& opened);
  void remove_leftovers(const Unpublished& of);
  void remove_leftovers(const LocalWalLog& log, bool keep_wal);

  // engine_replace.cc
  Result<Replaced> offer(std::unique_ptr<Replacement> replacement);
  void remove_retired();
  void follow_day_ids() REQUIRES(mu_);

  // engine_deletes.cc
  using RulePtr = std::shared_ptr<const RowRule>;
  using TenantVeils = std::map<TenantId, std::shared_ptr<const TenantVeil>>;
  Result<RulePtr> make_rule(std::string_view query, int64_t start_ns, int64_t end_ns, uint64_t arrival_cut) const;
  Result<void> change_acts(const CatalogChange& change) REQUIRES(commit_mu_);
  Result<void> follow_acts() REQUIRES(commit_mu_);
  Result<void> follow_deletes(const CatalogChange& change, uint64_t acts_version) REQUIRES(commit_mu_);
  void put_delete(const DeleteRequest& request) REQUIRES(mu_);
  TenantVeils veils_of(const std::set<TenantId>* only) const REQUIRES(mu_);
  Result<void> mark_begun();
  void make_veils() REQUIRES(mu_);
  void show_veils() REQUIRES(mu_);
  void age();
  Result<bool> no_wal_left(uint64_t generation);
  Result<bool> no_objects_left(uint64_t generation);

  // engine_recovery.cc
  Result<void> prepare_directories();
  Result<void> open_segments();
  Result<void> fetch_wal();
  Result<void> replay_logs();
  Result<void> replay(const LocalWalLog& log, bool newest, bool displaced);
  Result<void> decode_rows(const WalRecord& record, const std::vector<WalPolicy>& policies, RowBatch* batch) const;
  Result<void> replay_record(const WalRecord& record, std::vector<WalPolicy>* policies, Unpublished* into);

  // engine_displaced.cc
  Result<bool> is_displaced(const LocalWalLog& log, const std::vector<SegmentMeta>& segments) const;
  Result<void> gather_parted_logs();
  Result<std::vector<LocalWalLog>> renumber(std::vector<LocalWalLog> displaced);
  Result<void> leave_out_deleted(const WalRecord& record, bool displaced, RowBatch* batch);
  Result<void> seal_inline(const UnpublishedPtr& of);
  Result<void> set_wal_aside(uint64_t generation);

  const EngineOptions options_;
  const EngineEnvironment env_;
  const std::string wal_dir_;
  const std::string spill_dir_;
  EngineMetrics metrics_;
  const std::shared_ptr<EngineGauges> gauges_ = std::make_shared<EngineGauges>(*this);
  StreamRegistry registry_;
  std::unique_ptr<Catalog> catalog_;
  const std::shared_ptr<TaskGate> gate_ = std::make_shared<TaskGate>();

  ChangeLog changes_;
  bool segments_unreadable_ = false;  ///< constant after recovery
  /// A store that was restored, or acknowledged there once, has some though it does not now.
  bool has_stored_logs() const { return options_.ack_in_store || !stored_logs_.empty(); }
  std::set<std::string> left_out_by_;  ///< deletes that rows were left out for at the start; constant after recovery
  std::set<WalLog> stored_logs_;       ///< that had objects in the store at the start; constant after recovery
  std::unique_ptr<Replacement> unsettled_;  ///< of the one thread that replaces
  std::atomic<bool> taken_over_{false};
  std::atomic<bool> erasure_unsettled_{false};  ///< and it leaves rows out

  Mutex create_mu_;
  Mutex commit_mu_;  ///< one catalog change at a time, together with the swap of what is published

  mutable Mutex mu_;
  CondVar progress_;  ///< some work or append is over
  std::shared_ptr<const PublishedSegments> published_ GUARDED_BY(mu_);
  std::vector<UnpublishedPtr> unpublished_ GUARDED_BY(mu_);  ///< ascending; the current one is last
  GenerationPtr current_ GUARDED_BY(mu_);                    ///< null until the next append makes one
  uint64_t current_begin_ GUARDED_BY(mu_) = 0;               ///< sequences from here on are of the current one
  uint64_t next_sequence_ GUARDED_BY(mu_) = 1;
  uint64_t next_generation_ GUARDED_BY(mu_) = 1;
  uint64_t catalog_version_ GUARDED_BY(mu_) = 0;
  std::map<std::string, std::shared_ptr<const DayIds>> day_ids_ GUARDED_BY(mu_);  ///< by key
  std::vector<Retired> retired_ GUARDED_BY(mu_);
  uint64_t next_retired_ GUARDED_BY(mu_) = 0;
  CatalogActs acts_ GUARDED_BY(mu_);
  uint64_t acts_version_ GUARDED_BY(mu_) = 0;                    ///< of the catalog's that acts_ are
  std::map<std::string, RulePtr> delete_rules_ GUARDED_BY(mu_);  ///< by id; of deletes not processed
  std::map<std::string, RulePtr> hold_rules_ GUARDED_BY(mu_);    ///< by id
  uint64_t holds_version_ GUARDED_BY(mu_) = 1;
  std::shared_ptr<const RetentionRules> retention_;  ///< null: everything is kept; constant
  int64_t retention_now_ns_ GUARDED_BY(mu_) = 0;
  TenantVeils tenant_veils_ GUARDED_BY(mu_);            ///< of deletes and holds
  std::shared_ptr<const Veils> veils_ GUARDED_BY(mu_);  ///< null: nothing is hidden
  uint32_t seals_running_ GUARDED_BY(mu_) = 0;
  bool publishing_ GUARDED_BY(mu_) = false;
  uint32_t tasks_posted_ GUARDED_BY(mu_) = 0;
  bool writable_ GUARDED_BY(mu_) = true;
  std::vector<std::unique_ptr<BlockBuilder>> idle_builders_ GUARDED_BY(mu_);
};

}  // namespace cordwood
