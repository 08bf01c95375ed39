// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "ingest/push.h"
#include "query/delete_predicate.h"
#include "query/query_engine.h"
#include "query/tail.h"
#include "query/view_pool.h"
#include "storage/delete_target.h"
#include "tests/support/engine_world.h"

namespace cordwood::query {

/// Answers a selector from the blocks of the snapshot it is given.
class BlockStreamIndex final : public index::StreamIndex {
 public:
  explicit BlockStreamIndex(const Engine* engine) : engine_(engine) {}
  Result<void> sync(std::function<SnapshotPtr()>) override { return {}; }
  Result<void> commit(uint64_t) override { return {}; }
  void on_stream_day(const StreamPtr&, int32_t) override {}
  uint64_t memory_bytes() const override { return 0; }
  Result<std::vector<StreamPtr>> select(const TenantId& tenant, TimeRange range,
                                        std::span<const Matcher> matchers) const override;

 private:
  const Engine* engine_;
};

/// A store on a simulated disk that takes pushes and answers queries.
class QueryStore {
 public:
  using OpenStore = decltype(EngineWorld::open_store);
  /// `terms` opens the Xapian parts of merged segments; outlives it.  `open_store`: none is a directory.
  explicit QueryStore(SegmentTermsOpener* terms = nullptr, TailOptions tail_options = {},
                      std::optional<uint64_t> rows_one_by_one = {}, OpenStore open_store = {});
  void push(const std::string& path, const std::string& content_type, const std::string& body);
  /// `{"streams":[…]}` as Loki takes it.
  void push_json(const std::string& body) { push("/loki/api/v1/push", "application/json", body); }
  /// Seals all rows into published blocks.
  void flush();
  ReadContext context() const;
  const QueryEngine& queries() const { return *queries_; }
  /// What queries() reads.
  QueryEngine::Environment environment() const { return reads_; }
  const TailReader& tails() const { return *tails_; }
  EngineWorld& world() { return world_; }

 private:
  DeletePredicateCompiler predicates_;
  EngineWorld world_{7};
  ViewPool views_{4u << 20, world_.memory, world_.metrics};
  TailHub tail_hub_;
  std::unique_ptr<BlockStreamIndex> index_;
  std::unique_ptr<ingest::Pusher> pusher_;
  QueryEngine::Environment reads_;
  std::unique_ptr<QueryEngine> queries_;
  std::unique_ptr<TailReader> tails_;
};

inline Result<std::vector<StreamPtr>> BlockStreamIndex::select(const TenantId& tenant, TimeRange range,
                                                               std::span<const Matcher> matchers) const {
  std::vector<StreamPtr> out;
  for (const BlockSourcePtr& block : engine_->snapshot()->blocks(tenant, range)) {
    for (const BlockStream& part : block->info().streams) {
      if (matches_all(part.stream->labels, matchers.data(), matchers.size())) out.push_back(part.stream);
    }
  }
  std::sort(out.begin(), out.end(), [](const StreamPtr& a, const StreamPtr& b) {
    return a->label_string != b->label_string ? a->label_string < b->label_string : a->id < b->id;
  });
  out.erase(std::unique(out.begin(), out.end(), [](const auto& a, const auto& b) { return a->same_as(*b); }),
            out.end());
  return out;
}

inline QueryStore::QueryStore(SegmentTermsOpener* terms, TailOptions tail_options,
                              std::optional<uint64_t> rows_one_by_one, OpenStore open_store)
    : tail_hub_(tail_options, {.memory = &world_.memory, .clock = &world_.clock, .metrics = &world_.metrics}) {
  world_.environment.terms = terms;
  world_.open_store = std::move(open_store);
  world_.environment.predicates = &predicates_;
  world_.environment.rows = &tail_hub_;
  if (auto opened = world_.open(); !opened.ok()) ADD_FAILURE() << opened.error().message;
  index_ = std::make_unique<BlockStreamIndex>(world_.engine.get());
  ingest::Pusher::Environment environment;
  environment.engine = world_.engine.get();
  environment.memory = &world_.memory;
  environment.clock = &world_.clock;
  environment.metrics = &world_.metrics;
  environment.limits = [](const TenantId&) {
    ingest::IngestLimits limits = ingest::default_ingest_limits();
    limits.reject_old_samples = false;
    limits.creation_grace_period_ns = 100 * 365 * kNsPerDay;
    limits.ingestion_rate_mb = 0;
    return limits;
  };
  pusher_ = std::make_unique<ingest::Pusher>(ingest::IngestOptions{}, environment);
  reads_.snapshot = [this] { return world_.engine->snapshot(); };
  reads_.streams = index_.get();
  reads_.memory = &world_.memory;
  reads_.clock = &world_.clock;
  reads_.views = &views_;
  reads_.zone_file = [](std::string_view name) {
    std::ifstream file("/usr/share/zoneinfo/" + std::string(name), std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  reads_.rows_one_by_one = rows_one_by_one.value_or(reads_.rows_one_by_one);
  queries_ = std::make_unique<QueryEngine>(reads_);
  tails_ = std::make_unique<TailReader>(reads_, tail_hub_);
}

inline void QueryStore::push(const std::string& path, const std::string& content_type, const std::string& body) {
  ingest::PushRequest request;
  request.tenant = "fake";
  request.protocol = path.find("otlp") != std::string::npos ? ingest::PushProtocol::otlp : ingest::PushProtocol::loki;
  request.content_type = content_type;
  request.body = body;
  const ingest::PushResponse response = pusher_->push(request);
  EXPECT_EQ(response.status, 204) << response.body;
}

inline void QueryStore::flush() {
  world_.tasks.drain();
  if (auto flushed = world_.engine->flush(); !flushed.ok()) ADD_FAILURE() << flushed.error().message;
}

inline ReadContext QueryStore::context() const {
  ReadContext context;
  context.tenant = "fake";
  return context;
}

}  // namespace cordwood::query
