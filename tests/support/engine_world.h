// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>

#include "storage/catalog.h"
#include "storage/engine.h"
#include "tests/support/manual_clock.h"
#include "tests/support/seeded_random.h"
#include "tests/support/sim_file_system.h"
#include "tests/support/step_task_runner.h"
#include "tests/support/stored_rows.h"

namespace cordwood {

/// An engine with all it needs, on a simulated disk, in one thread.
struct EngineWorld {
  explicit EngineWorld(uint64_t seed, MemoryAccountant::Limits limits = {}) : fs(seed), random(seed), memory(limits) {
    environment.fs = &fs;
    environment.clock = &clock;
    environment.random = &random;
    environment.memory = &memory;
    environment.background = &tasks;
    environment.body_decoder = &decoder;
    environment.log = log.get();
    environment.metrics = &metrics;
    options.data_dir = "data";
    options.append_wait_ns = 0;
    options.parallel_reads = 1;
    options.wal.group_wait_us = 0;
    options.head_keeps_from_rows = 1;
  }
  /// Opens the store as a process that starts does.
  Result<void> open() {
    close();
    TRY_ASSIGN(store, open_store ? open_store() : open_directory_store(fs, "data/objects"));
    environment.store = store.get();
    TRY_ASSIGN(engine, Engine::open(options, environment));
    return {};
  }
  /// As a process that is killed: nothing is flushed.
  void close() {
    engine.reset();
    tasks.forget();
    store.reset();
  }

  SimFileSystem fs;
  ManualClock clock;
  SeededRandom random;
  MemoryAccountant memory;
  StepTaskRunner tasks;
  BatchBodyDecoder decoder;
  std::shared_ptr<Logger> log = Logger::silent();
  Metrics metrics;
  EngineOptions options;
  EngineEnvironment environment;
  std::function<Result<std::unique_ptr<ObjectStore>>()> open_store;  ///< none: a directory of the disk
  std::unique_ptr<ObjectStore> store;
  std::unique_ptr<Engine> engine;
};

}  // namespace cordwood
