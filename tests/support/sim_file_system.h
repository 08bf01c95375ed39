// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "storage/base/file_system.h"

namespace cordwood {

/// Operations that change something and so can fail, be counted, and be where the power goes.
enum class SimOperation : uint8_t { create, write, truncate, sync, rename, remove, make_directory, sync_directory };
inline constexpr size_t kSimOperations = 8;

/// A disk in memory that forgets what was not synced, when the power goes, in every way a real one may:
/// - of a file, any subset of the 512-byte sectors written since its last sync, in any order; the size may have
///   grown without the data (zeros);
/// - of a directory, any subset of the names created, renamed and removed since its last sync; a rename is kept or
///   lost as a whole, and lasts once the directory of the new name is synced;
/// - after a failed sync of a file, what was written before it may never get to the disk, though it can be read
///   until the power goes and a later sync succeeds.
/// All choices come from the seed: the same calls in the same order give the same disk.  Thread-safe.
class SimFileSystem final : public FileSystem {
 public:
  explicit SimFileSystem(uint64_t seed);
  ~SimFileSystem() override;

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& path) override;
  Result<void> create_directories(const std::string& path) override;
  Result<void> remove_directory(const std::string& path) override;
  Result<void> sync_directory(const std::string& path) override;
  Result<bool> exists(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;

  // Power.

  /// Operations made so far (those of SimOperation; failed ones too).
  uint64_t operations() const;
  /// The operation with this number (operations() + 1 is the next) happens or not, as the seed says; the power goes
  /// with it.
  void cut_power_at(uint64_t operation);
  void cut_power();
  bool powered() const;
  /// The power is back: names and contents are what lasted; files opened before stay unusable.
  void restart();
  /// Another disk, an empty one.
  void replace();

  // Faults.

  /// Chance of each operation of a kind to fail; io or unavailable ("No space left"), as the seed says.
  void set_failure_rate(SimOperation operation, double rate);
  void clear_failure_rates();
  /// The nth operation of a kind from now on (1 is the next) fails with `kind`.
  void fail_nth(SimOperation operation, uint64_t nth, ErrorKind kind);
  /// Creating and growing files beyond this many bytes in all is refused with unavailable.
  void set_capacity_bytes(uint64_t bytes);
  uint64_t used_bytes() const;
  /// For canaries: syncs of files and directories whose path contains `part` succeed and do nothing.
  void ignore_syncs_of(std::string part);
  /// Changes stored bytes behind everybody's back: flips `bits` at random places of a file.
  void damage(const std::string& path, unsigned bits);

 private:
  friend class SimFile;
  struct Node;
  using NodePtr = std::shared_ptr<Node>;
  struct NameChange;

  struct Place {
    NodePtr directory;
    std::string name;
  };
  Result<Place> find_parent(const std::string& path, const char* what) const;
  NodePtr find(const std::string& path) const;
  /// Counts an operation.  An error when it is to fail; `apply` says whether its effect may still last (power cut).
  Result<void> begin(SimOperation operation, const std::string& path, bool* apply);
  Result<void> check_power(const std::string& path) const;
  void change_name(NameChange change);
  void apply_durably(const NameChange& change, bool within_target_only);
  void settle(Node* node);
  void settle_names();
  void lose_power();
  bool chance(double probability);
  uint64_t pick(uint64_t below);
  bool sync_ignored(const std::string& path) const;
  Result<void> write(Node* node, const std::string& path, uint64_t offset, std::string_view data);
  Result<void> truncate(Node* node, const std::string& path, uint64_t size);
  Result<void> sync(Node* node, const std::string& path);

  mutable std::mutex mu_;
  std::mt19937_64 random_;
  NodePtr root_;
  std::vector<NameChange> name_changes_;  ///< not durable yet, in order
  uint64_t epoch_ = 0;                    ///< restarts so far: files of an older one are dead
  bool powered_ = true;
  uint64_t operations_ = 0;
  uint64_t cut_at_ = 0;
  std::array<double, kSimOperations> rates_{};
  struct Planned {
    uint64_t after = 0;
    ErrorKind kind = ErrorKind::io;
  };
  std::array<std::optional<Planned>, kSimOperations> planned_;
  uint64_t capacity_bytes_ = UINT64_MAX;
  uint64_t used_bytes_ = 0;
  std::string ignored_;
};

}  // namespace cordwood
