// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "storage/catalog.h"
#include "storage/engine.h"
#include "tests/support/manual_clock.h"
#include "tests/support/s3_world.h"
#include "tests/support/simple_predicate.h"
#include "tests/support/step_task_runner.h"
#include "tests/support/stored_rows.h"
#include "tests/support/temporary_directory.h"

namespace cordwood {

/// An engine whose home is the bucket double, on the real disk.
struct S3EngineWorld {
  explicit S3EngineWorld(S3Double::Options bucket_options = {}) : s3(std::move(bucket_options)), memory({}) {
    options.append_wait_ns = 0;
    options.wal.group_wait_us = 0;
  }
  ~S3EngineWorld() { close(); }
  std::string data_dir() const { return directory.path() + "/data"; }
  std::string catalog_path() const { return data_dir() + "/catalog.sqlite"; }
  /// The bucket alone.
  Result<void> open_store() { return s3.try_open(); }
  Result<void> open() {
    close();
    TRY(open_store());
    options.data_dir = data_dir();
    TRY_ASSIGN(engine, Engine::open(options, {.fs = &s3.fs,
                                              .clock = &clock,
                                              .store = s3.store.get(),
                                              .memory = &memory,
                                              .random = &s3.random,
                                              .background = &tasks,
                                              .body_decoder = &decoder,
                                              .log = s3.log.get(),
                                              .metrics = &s3.metrics,
                                              .predicates = &predicates}));
    return {};
  }
  /// As a process that is killed.
  void close() {
    engine.reset();
    tasks.forget();
    s3.store.reset();
  }
  void lose_disk() { std::filesystem::remove_all(data_dir()); }
  Result<Engine::Appended> append(const std::vector<StoredRow>& rows, const TenantId& tenant = "t") {
    return engine->append(make_batch(*engine, tenant, rows), nullptr);
  }
  std::vector<StoredRow> read(const TenantId& tenant = "t") {
    auto rows = read_rows(*engine->snapshot(), tenant);
    CHECK(rows.ok(), "{}", rows.error().message);
    return *rows;
  }

  TemporaryDirectory directory;
  S3World s3;
  ManualClock clock;
  MemoryAccountant memory;
  StepTaskRunner tasks;
  BatchBodyDecoder decoder;
  SimplePredicateCompiler predicates;
  EngineOptions options;
  std::unique_ptr<Engine> engine;
};

}  // namespace cordwood
