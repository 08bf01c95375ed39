// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "storage/base/file_system.h"
#include "storage/base/mutex.h"
#include "storage/head_block.h"
#include "storage/segment.h"

namespace cordwood {

/// The sealed blocks of one generation, one after the other.  Derived from the WAL, so never synced; removed when
/// the generation is published and at start.  Thread-safe.
class SpillFile {
 public:
  SpillFile(FileSystem& fs, std::string path) : fs_(fs), path_(std::move(path)) {}
  ~SpillFile();
  /// Where the block's entry, narrow and heap pieces can be read from now on.
  Result<SpilledBlock> write(const EncodedBlock& block);
  uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  FileSystem& fs_;
  const std::string path_;
  Mutex mu_;
  std::shared_ptr<File> file_ GUARDED_BY(mu_);
  std::shared_ptr<const ByteSource> source_ GUARDED_BY(mu_);
  uint64_t end_ GUARDED_BY(mu_) = 0;
  std::atomic<uint64_t> bytes_{0};  ///< end_, for whoever only looks
};

/// Head blocks that become one sealed block.  Of one tenant and UTC day; no stream is in two of them.
struct SealJob {
  std::vector<HeadPrefix> blocks;
  bool running = false;  ///< guarded by the generation's lock

  uint64_t memory_bytes() const;
  uint64_t raw_bytes() const;
  uint64_t rows() const;
};

struct SealedJob {
  BlockSourcePtr source;
  SpilledBlock spilled;
};

/// Sorts by (stream id, time, arrival), builds the block and spills it.
Result<SealedJob> seal(const SealJob& job, BlockBuilder& builder, SpillFile& spill);

}  // namespace cordwood
