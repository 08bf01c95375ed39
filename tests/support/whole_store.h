// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "index/stream_index.h"
#include "ingest/push.h"
#include "query/query_engine.h"
#include "storage/catalog.h"
#include "storage/engine.h"
#include "tests/support/temporary_directory.h"

namespace cordwood {

/// Push, store and query joined as the server joins them, on the real disk, without HTTP.
struct WholeStore {
  explicit WholeStore(EngineOptions engine_options = {}) : options(std::move(engine_options)) {
    options.data_dir = directory.path();
    objects = take(open_directory_store(fs, directory.path() + "/objects"));
    streams = take(index::StreamIndex::open({.directory = directory.path() + "/index"}, fs, *log));
    engine = take(Engine::open(options, {.fs = &fs,
                                         .clock = &clock,
                                         .store = objects.get(),
                                         .memory = &memory,
                                         .random = &random,
                                         .background = background.get(),
                                         .body_decoder = decoder.get(),
                                         .streams = streams.get(),
                                         .log = log.get(),
                                         .metrics = &metrics}));
    const Result<void> synced = streams->sync([this] { return engine->snapshot(); });
    CHECK(synced.ok(), "index: {}", synced.error().message);
    pusher = std::make_unique<ingest::Pusher>(
        ingest::IngestOptions{},
        ingest::Pusher::Environment{.engine = engine.get(),
                                    .memory = &memory,
                                    .clock = &clock,
                                    .metrics = &metrics,
                                    .limits = [](const TenantId&) { return ingest::default_ingest_limits(); }});
    queries = std::make_unique<query::QueryEngine>(
        query::QueryEngine::Environment{.snapshot = [this] { return engine->snapshot(); },
                                        .streams = streams.get(),
                                        .memory = &memory,
                                        .clock = &clock,
                                        .zone_file = {}});
  }
  ~WholeStore() { engine.reset(); }

  ingest::PushResponse push_json(std::string_view body) {
    return pusher->push({.tenant = context.tenant,
                         .protocol = ingest::PushProtocol::loki,
                         .content_type = "application/json",
                         .content_encoding = "",
                         .body = body});
  }
  query::QueryResult range(query::RangeRequest request) {
    auto answer = queries->range(context, request);
    const auto* failed = std::get_if<query::QueryError>(&answer);
    CHECK(failed == nullptr, "{}: {}", request.query, failed == nullptr ? "" : failed->message);
    return std::move(std::get<query::QueryResult>(answer));
  }

  template <typename T>
  static T take(Result<T> result) {
    CHECK(result.ok(), "{}", result.error().message);
    return std::move(result).value();
  }

  TemporaryDirectory directory;
  PosixFileSystem fs;
  SystemClock clock;
  SystemRandom random;
  Metrics metrics;
  MemoryAccountant memory{{}};
  std::shared_ptr<Logger> log = Logger::silent();
  EngineOptions options;
  query::ReadContext context{.tenant = "fake", .limits = {}, .cancelled = nullptr};
  std::unique_ptr<TaskRunner> background = make_thread_pool(1, "background");
  std::unique_ptr<WalBodyDecoder> decoder = ingest::make_wal_body_decoder();
  std::unique_ptr<ObjectStore> objects;
  std::unique_ptr<index::StreamIndex> streams;
  std::unique_ptr<Engine> engine;
  std::unique_ptr<ingest::Pusher> pusher;
  std::unique_ptr<query::QueryEngine> queries;
};

}  // namespace cordwood
