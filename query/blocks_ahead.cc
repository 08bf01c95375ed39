// SPDX-License-Identifier: Apache-2.0
#include "query/blocks_ahead.h"

#include <algorithm>
#include <exception>
#include <optional>

#include "query/ahead_threads.h"
#include "storage/base/check.h"
#include "storage/base/mutex.h"

namespace cordwood::query {

namespace {

/// Blocks ahead of the one that is read, for each thread: what one is done with waits while it has the next.
constexpr size_t kAheadPerThread = 2;
/// A query that waits for a processor for this part of its time is on a busy machine.
constexpr int64_t kLeastOfDelay = 16;

void add_to(const ReadStats& from, ReadStats* to) {
  // Fails to compile when there are others.
  const auto& [opened, narrow, heap, read, unpacked, rendered, head_rows, index_reads, index_bytes, damages] = from;
  to->blocks_opened += opened;
  to->narrow_frames += narrow;
  to->heap_frames += heap;
  to->bytes_read += read;
  to->bytes_unpacked += unpacked;
  to->lines_rendered += rendered;
  to->head_rows += head_rows;
  to->index_reads += index_reads;
  to->index_bytes += index_bytes;
  to->index_damages += damages;
}

}  // namespace

/// One block that anybody may open.  Reused once it was closed.
struct BlocksAhead::Work {
  enum class State : uint8_t { free, waiting, running, done };

  bool begin() {
    const MutexLock lock(mu);
    if (state != State::waiting) return false;
    state = State::running;
    return true;
  }
  void end() {
    const MutexLock lock(mu);
    state = State::done;
    changed.notify_all();
  }
  bool is(State one) {
    const MutexLock lock(mu);
    return state == one;
  }
  void await_end() {
    const MutexLock lock(mu);
    while (state == State::running) changed.wait(mu);
  }
  void become(State next) {
    const MutexLock lock(mu);
    state = next;
  }
  /// By whoever began it.
  void run(const BlocksAhead& owner);
  Result<void> open(const BlocksAhead& owner);

  Mutex mu;
  CondVar changed;
  State state GUARDED_BY(mu) = State::free;

  // Of whoever has begun it, then of the query's thread.
  const PlannedBlock* planned = nullptr;
  QueryScope scope;  ///< the query's, but for these two
  QueryStats stats;
  std::vector<std::string> warnings;
  std::unique_ptr<Pipeline> pipeline;
  OpenBlock block;
  std::optional<Error> error;
  std::exception_ptr thrown;
};

Result<void> BlocksAhead::Work::open(const BlocksAhead& owner) {
  if (pipeline == nullptr) {
    TRY_ASSIGN(pipeline, owner.make_());
  }
  TRY_ASSIGN(block, open_block(scope, owner.plan_, *planned));
  pipeline->on_block(row_count(block.spans));
  for (const RowSpan& span : block.spans) {
    if (owner.over_) break;
    pipeline->on_stream(block.view.get(), owner.plan_.streams[span.ordinal].stream.get());
    // An error comes again when the rows are read, and is told then.
    (void)pipeline->ruled_out(span.begin, span.end - span.begin, /*downwards=*/false);
  }
  return {};
}

void BlocksAhead::Work::run(const BlocksAhead& owner) {
  // The one before goes where it came from when one thread helps: those that free what others have allocated wait.
  block = OpenBlock();
  try {
    const Result<void> done = open(owner);
    if (!done.ok()) error = done.error();
  } catch (const std::exception&) {
    thrown = std::current_exception();  // as if the query's thread had done it
  }
}

BlocksAhead::BlocksAhead(const QueryScope& scope, const ReadPlan& plan, std::vector<const PlannedBlock*> blocks,
                         Pipeline* pipeline, MakePipeline make)
    : scope_(scope), plan_(plan), blocks_(std::move(blocks)), pipeline_(pipeline), make_(std::move(make)) {
  if (scope_.environment->ahead == nullptr || make_ == nullptr) return;
  looked_ns_ = scope_.environment->clock->monotonic_ns();
  delay_ns_ = scope_.environment->ahead->options().run_delay_ns();
}

BlocksAhead::~BlocksAhead() {
  over_ = true;
  for (const WorkPtr& work : works_) {
    if (work->begin()) work->end();
    work->await_end();
  }
  close();
  for (const WorkPtr& unread : ahead_) count(*unread);
  for (const WorkPtr& work : works_) {
    // Those threads may hold it for a while yet.
    work->block = OpenBlock();
    work->pipeline.reset();
    work->scope = QueryScope();
  }
}

Result<BlocksAhead::Block> BlocksAhead::open(size_t at) {
  close();
  order(at);
  if (ahead_.empty() || at < first_ahead_) return open_here(*blocks_[at]);
  CHECK(at == first_ahead_, "block {} is asked for, and {} comes next", at, first_ahead_);
  open_ = ahead_.front();
  ahead_.pop_front();
  ++first_ahead_;
  await(*open_);
  for (std::string& warning : open_->warnings) {
    if (std::find(scope_.warnings->begin(), scope_.warnings->end(), warning) == scope_.warnings->end())
      scope_.warnings->push_back(std::move(warning));
  }
  if (open_->thrown) std::rethrow_exception(open_->thrown);
  if (open_->error) return *open_->error;
  return Block{open_->planned, &open_->block, open_->pipeline.get()};
}

Result<BlocksAhead::Block> BlocksAhead::open_here(const PlannedBlock& planned) {
  TRY_ASSIGN(here_, open_block(scope_, plan_, planned));
  pipeline_->on_block(row_count(here_.spans));
  return Block{&planned, &here_, pipeline_};
}

void BlocksAhead::close() {
  here_ = OpenBlock();
  if (open_ == nullptr) return;
  count(*open_);
  scope_.stats->blocks_ruled_out += open_->stats.blocks_ruled_out;
  open_->become(Work::State::free);
  open_ = nullptr;
}

void BlocksAhead::count(const Work& work) {
  add_to(work.stats.read, &scope_.stats->read);
  scope_.stats->cpu_ns += work.stats.cpu_ns;
}

Result<void> BlocksAhead::ended() const {
  if (over_) return Error::cancelled("the query needs no more blocks");
  return scope_.guard->patience().ended();
}

size_t BlocksAhead::helpers() const {
  const ReadGate* gate = scope_.environment->gate;
  const uint32_t idle = gate != nullptr ? gate->idle_processors() : UINT32_MAX;
  return std::min(scope_.environment->ahead->options().threads, idle);
}

BlocksAhead::WorkPtr BlocksAhead::idle_work() {
  const auto is_free = [](const WorkPtr& work) { return work->is(Work::State::free); };
  const auto found = std::find_if(works_.begin(), works_.end(), is_free);
  if (found != works_.end()) return *found;
  works_.push_back(std::make_shared<Work>());
  return works_.back();
}

void BlocksAhead::look_around() {
  const AheadOptions& options = scope_.environment->ahead->options();
  const int64_t now_ns = scope_.environment->clock->monotonic_ns();
  if (now_ns - looked_ns_ < options.begin_after_ns) return;
  const int64_t delay_ns = options.run_delay_ns();
  may_help_ = (delay_ns - delay_ns_) * kLeastOfDelay <= now_ns - looked_ns_;
  looked_ns_ = now_ns;
  delay_ns_ = delay_ns;
}

void BlocksAhead::order(size_t at) {
  AheadThreads* const threads = scope_.environment->ahead;
  if (threads == nullptr || make_ == nullptr) return;
  look_around();
  if (!may_help_) return;
  if (ahead_.empty()) first_ahead_ = at + 1;
  const size_t most = helpers();
  if (most == 0) return;
  while (ahead_.size() <= kAheadPerThread * most && first_ahead_ + ahead_.size() < blocks_.size()) {
    const WorkPtr work = idle_work();
    work->planned = blocks_[first_ahead_ + ahead_.size()];
    work->stats = QueryStats();  // also of the view that it may still hold
    work->warnings.clear();
    work->error.reset();
    work->thrown = nullptr;
    work->scope = scope_;
    work->scope.stats = &work->stats;
    work->scope.warnings = &work->warnings;
    work->become(Work::State::waiting);
    ahead_.push_back(work);
    threads->runner().post([this, work, threads, gate = scope_.environment->gate] {
      if (gate != nullptr && gate->idle_processors() == 0) return;
      if (!work->begin()) return;  // from here on the query waits for it, and this holds
      threads->opened().add();
      Clock& clock = *work->scope.environment->clock;
      const int64_t begun_ns = clock.thread_cpu_ns();
      {
        const Patience::Scope patience(this);
        work->run(*this);
      }
      work->stats.cpu_ns = clock.thread_cpu_ns() - begun_ns;
      work->end();
    });
  }
}

void BlocksAhead::await(Work& work) {
  const auto run = [this](Work& one) {
    one.run(*this);
    one.end();
  };
  if (work.begin()) return run(work);
  for (const WorkPtr& later : ahead_) {
    if (!work.is(Work::State::running)) return;
    if (later->begin()) run(*later);
  }
  work.await_end();
}

}  // namespace cordwood::query
