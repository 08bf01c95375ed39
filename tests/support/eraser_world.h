// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "lifecycle/eraser.h"
#include "tests/support/merge_world.h"
#include "tests/support/simple_predicate.h"

namespace cordwood {

/// Deletes, holds and retention of an engine world.
class EraserWorld {
 public:
  EraserWorld(EngineWorld& world, MergeWorld& merging) : world_(world), merging_(merging) {
    world_.environment.predicates = &compiler_;
    options.cancel_period_ns = 0;
    options.retry_after_ns = 1;
  }
  /// For the engine and the merger of now.
  lifecycle::Eraser& renew() {
    forget();
    audit_ = std::make_unique<lifecycle::AuditLog>(*world_.store, world_.clock, world_.options.node);
    options.retention = world_.options.retention;
    eraser_ = std::make_unique<lifecycle::Eraser>(
        options, lifecycle::Eraser::Environment{.clock = &world_.clock,
                                                .segments = world_.engine->merge_target(),
                                                .deletes = world_.engine->delete_target(),
                                                .merger = &merging_.merger(),
                                                .audit = audit_.get(),
                                                .forget_streams = nullptr,
                                                .log = world_.log.get(),
                                                .metrics = &world_.metrics});
    return *eraser_;
  }
  lifecycle::Eraser& eraser() { return eraser_ == nullptr ? renew() : *eraser_; }
  lifecycle::AuditLog& audit() {
    eraser();
    return *audit_;
  }
  void forget() {
    eraser_ = nullptr;
    audit_ = nullptr;
  }
  DeleteTarget& target() { return *world_.engine->delete_target(); }
  /// Rounds of what a server does all the time.
  void run(int rounds) {
    for (int i = 0; i < rounds; ++i) {
      world_.clock.advance_ns(2);
      world_.engine->tick();
      world_.tasks.drain();
      eraser().tick();
    }
  }

  lifecycle::EraserOptions options;

 private:
  EngineWorld& world_;
  MergeWorld& merging_;
  SimplePredicateCompiler compiler_;
  std::unique_ptr<lifecycle::AuditLog> audit_;
  std::unique_ptr<lifecycle::Eraser> eraser_;
};

}  // namespace cordwood
