// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "query/open_block.h"
#include "query/pipeline.h"

namespace cordwood::query {

/// The blocks of one query, opened one after the other in a given order.  While processors have nothing to do, other
/// threads open those that come next and ask their columns what the filters leave of them.  The rows that are left are
/// taken by the query's own thread alone, block by block, so that its answer does not depend on who opened what.
/// One thread at a time; what it is given outlives it.
class BlocksAhead final : private Patience {
 public:
  /// Another pipeline like the query's own.  Thread-safe.  Null: no other thread is asked.
  using MakePipeline = std::function<Result<std::unique_ptr<Pipeline>>()>;
  BlocksAhead(const QueryScope& scope, const ReadPlan& plan, std::vector<const PlannedBlock*> blocks,
              Pipeline* pipeline, MakePipeline make);
  /// Waits for those that are at work on its blocks, who wait for nothing from afar any more.
  ~BlocksAhead() override;
  BlocksAhead(const BlocksAhead&) = delete;  // others point to it
  BlocksAhead& operator=(const BlocksAhead&) = delete;

  struct Block {
    const PlannedBlock* planned;
    OpenBlock* open;
    Pipeline* pipeline;  ///< is on this block
  };
  const std::vector<const PlannedBlock*>& blocks() const { return blocks_; }
  /// Opens blocks()[at] as open_block() does; once others are at work on blocks, each is asked for in its
  /// turn.  Holds until the next call.
  Result<Block> open(size_t at);
  /// Gives back the block that is open, and counts what it cost; open() does so, too.
  void close();

 private:
  struct Work;
  using WorkPtr = std::shared_ptr<Work>;
  Result<Block> open_here(const PlannedBlock& planned);
  void count(const Work& work);
  /// Of those that help: the query's, but it ends with this, too.
  int64_t until_ns() const override { return scope_.guard->patience().until_ns(); }
  Result<void> ended() const override;
  /// How many threads may help now.
  size_t helpers() const;
  /// Finds out, now and then, whether processors have nothing else to do.
  void look_around();
  /// Has others begin with what comes behind this one.
  void order(size_t at);
  WorkPtr idle_work();
  /// Returns when somebody has done it; meanwhile this thread does it itself, or what comes later.
  void await(Work& work);

  const QueryScope& scope_;
  const ReadPlan& plan_;
  const std::vector<const PlannedBlock*> blocks_;
  Pipeline* pipeline_;
  const MakePipeline make_;
  int64_t looked_ns_ = 0;  ///< when look_around() did so last
  int64_t delay_ns_ = 0;   ///< as it was then
  bool may_help_ = false;
  std::atomic<bool> over_{false};
  OpenBlock here_;              ///< opened by this thread with pipeline_
  std::vector<WorkPtr> works_;  ///< all there are
  std::deque<WorkPtr> ahead_;   ///< for the blocks from first_ahead_ on
  size_t first_ahead_ = 0;
  WorkPtr open_;  ///< whose block is open
};

}  // namespace cordwood::query
