// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "storage/engine.h"
#include "storage/generation_seal.h"

namespace cordwood {

struct GenerationLimits {
  uint64_t block_raw_bytes = 8u << 20;
  uint32_t block_rows = 64u << 10;
  uint32_t head_keeps_from_rows = 0;
};

/// The rows of one WAL file set: open head blocks by family and day, blocks on their way to being sealed, and
/// sealed ones in the spill file.  It is closed by the engine once, after which nothing is appended; when its last
/// append has come in, what is open goes to be sealed, and when nothing is left to seal it can be published.
/// Thread-safe.
class Generation {
 public:
  /// One append between its place in the WAL and its rows being visible.
  struct Pending {
    const RowBatch* batch = nullptr;
    uint64_t sequence = 0;  ///< arrival of its first row; the others follow
    enum class State : uint8_t { in_wal, durable, failed, inserted } state = State::in_wal;
    Engine::Appended result;
  };

  Generation(uint64_t number, GenerationLimits limits, EngineEnvironment environment, std::string spill_path);

  uint64_t number() const { return number_; }
  /// Null for a generation that was replayed.
  WalWriter* wal() const { return wal_.get(); }
  void set_wal(std::unique_ptr<WalWriter> wal) { wal_ = std::move(wal); }

  /// Under the engine's lock, in the order of sequences.
  void begin(Pending* pending);
  /// After the WAL has answered.  Rows are inserted in the order of their arrival: by whichever thread finds that
  /// all before it have their answer, on behalf of the others.  Returns when the rows can be seen, or at once when
  /// they are not durable.
  void finish(Pending* pending, bool durable);
  /// Replay: in the order of sequences.
  Engine::Appended insert(const RowBatch& batch, uint64_t sequence);

  void close();
  /// Sends the largest open blocks to be sealed until no more than `keep_bytes` of memory are open.
  void seal_down_to(uint64_t keep_bytes);
  /// The next blocks to be sealed, or nothing.  The caller seals them and answers with sealed() or seal_failed().
  std::shared_ptr<SealJob> take_seal_job();
  void sealed(const std::shared_ptr<SealJob>& job, SealedJob block);
  void seal_failed(const std::shared_ptr<SealJob>& job);
  SpillFile& spill() { return spill_; }

  struct State {
    bool closed = false;
    bool publishable = false;   ///< closed, and every row is in a sealed block
    bool seal_waiting = false;  ///< take_seal_job() would give one
    uint64_t pending = 0;       ///< appends not visible yet
    uint64_t rows = 0;          ///< accepted, duplicates not counted
    uint64_t raw_bytes = 0;
    uint64_t open_memory_bytes = 0;
    uint64_t sealing_memory_bytes = 0;    ///< of blocks on their way
    std::optional<int64_t> first_row_ns;  ///< monotonic
  };
  State state() const;
  /// Sealed blocks by (tenant, day, family, arrival).  For a publishable generation.
  std::vector<SpilledBlock> spilled_blocks() const;
  /// Everything that can be read now.
  void read_into(std::vector<BlockSourcePtr>* sealed, std::vector<HeadPrefix>* open) const;

 private:
  struct Family {
    std::shared_ptr<HeadBlock> block;  ///< null until a row comes
    uint64_t blocks_begun = 0;         ///< tells a stream whether it is registered with `block`
    uint64_t sealed_arrival_max = 0;   ///< of blocks that left; 0 = none
    TenantId tenant;
    int32_t day = 0;
  };
  using FamilyKey = std::tuple<uint64_t, int32_t, TenantId>;
  /// Where the rows of a stream and day go.
  struct DayPlace {
    int32_t day = 0;
    Family* family = nullptr;
    uint64_t block_number = 0;  ///< Family::blocks_begun when registered
    uint32_t stream_number = 0;
  };
  struct StreamEntry {
    StreamPtr stream;
    std::vector<DayPlace> days;  ///< ascending
    size_t last_day = 0;
  };

  void insert_pending(Pending* pending) REQUIRES(mu_);
  /// Notes the rows that were not there yet, unless `fresh` is null.
  Engine::Appended insert_locked(const RowBatch& batch, uint64_t sequence, std::vector<uint32_t>* fresh) REQUIRES(mu_);
  uint32_t entry_of(const StreamPtr& stream) REQUIRES(mu_);
  DayPlace& place_of(StreamEntry& entry, int64_t time_ns) REQUIRES(mu_);
  void register_stream(const StreamEntry& entry, DayPlace& place) REQUIRES(mu_);
  void detach(Family& family, SealJob* job) REQUIRES(mu_);
  void seal_alone(Family& family) REQUIRES(mu_);
  void seal_rest() REQUIRES(mu_);
  HeadPrefix prefix_of(const std::shared_ptr<HeadBlock>& block) const REQUIRES(mu_);
  bool drained() const REQUIRES(mu_) { return closed_ && pending_.empty() && (rest_sealed_ || rows_ == 0); }

  const uint64_t number_;
  const GenerationLimits limits_;
  const EngineEnvironment environment_;
  const uint64_t seed_;
  std::unique_ptr<WalWriter> wal_;
  SpillFile spill_;

  mutable Mutex mu_;
  CondVar inserted_;
  std::deque<Pending*> pending_ GUARDED_BY(mu_);  ///< ascending sequences
  bool closed_ GUARDED_BY(mu_) = false;
  bool rest_sealed_ GUARDED_BY(mu_) = false;
  std::map<FamilyKey, Family> families_ GUARDED_BY(mu_);
  std::deque<StreamEntry> streams_ GUARDED_BY(mu_);
  std::unordered_multimap<uint64_t, uint32_t> stream_numbers_ GUARDED_BY(mu_);
  std::vector<uint32_t> batch_streams_ GUARDED_BY(mu_);  ///< scratch of insert_locked
  std::vector<uint32_t> fresh_ GUARDED_BY(mu_);          ///< scratch of insert_pending
  std::deque<std::shared_ptr<SealJob>> jobs_ GUARDED_BY(mu_);
  std::vector<SealedJob> sealed_ GUARDED_BY(mu_);
  uint64_t rows_ GUARDED_BY(mu_) = 0;
  uint64_t raw_bytes_ GUARDED_BY(mu_) = 0;
  uint64_t open_memory_bytes_ GUARDED_BY(mu_) = 0;
  std::optional<int64_t> first_row_ns_ GUARDED_BY(mu_);
};

}  // namespace cordwood
