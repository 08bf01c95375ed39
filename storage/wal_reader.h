// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "storage/base/file_system.h"
#include "storage/wal_format.h"

namespace cordwood {

struct WalReplayReport {
  uint64_t records = 0;
  uint64_t torn_bytes = 0;       ///< cut from the end of the newest file
  uint64_t damaged_records = 0;  ///< skipped elsewhere; the file was copied to `<name>.damaged` once
  std::vector<std::string> problems;
};

/// One WAL file as a scan found it.
struct WalFileScan {
  uint64_t records = 0;
  uint64_t file_bytes = 0;
  uint64_t intact_end = 0;  ///< nothing from here on is a record: the torn tail, empty when it is file_bytes
  struct Damage {
    uint64_t begin = 0, end = 0;  ///< bytes that had to be left out
    std::string what;
  };
  std::vector<Damage> damages;  ///< before intact_end, the first kMaxDamages of them
  uint64_t damaged_records = 0;
  static constexpr size_t kMaxDamages = 64;
};

/// Reads one file from front to end and hands every intact record to `visit`; changes nothing.  After damage it goes
/// on at the next intact record.  Holds one record in memory.  `place` is used when the header is damaged.
/// invalid: written by a version this one does not understand.
Result<WalFileScan> scan_wal_file(FileSystem& fs, const std::string& path, const WalPlace& place,
                                  const std::function<Result<void>(uint64_t offset, const WalRecord&)>& visit);

/// Generations that have WAL files in `dir`, ascending.
Result<std::vector<uint64_t>> list_wal_generations(FileSystem& fs, const std::string& dir);
/// Paths of one generation's files in the order they were written.
Result<std::vector<std::string>> list_wal_files(FileSystem& fs, const std::string& dir, uint64_t generation);
/// Hands every whole record of a generation, policies included, to `visit` in order.  `newest`: a torn tail of the
/// last file is an unacknowledged write and is cut; anything else that is damaged is reported, copied aside, skipped.
/// `written_as`: the generation that its records were written for, when the files were renamed since.
Result<WalReplayReport> replay_wal(FileSystem& fs, const std::string& dir, uint64_t generation, bool newest,
                                   const std::function<Result<void>(const WalRecord&)>& visit,
                                   std::optional<uint64_t> written_as = std::nullopt);
/// A log of the directory: the number in the names of its files, and what their headers say.
struct LocalWalLog {
  uint64_t number = 0;
  bool known = false;  ///< a header can be read
  WalLog log;          ///< {number, 0} when none can
};
Result<std::vector<LocalWalLog>> list_wal_logs(FileSystem& fs, const std::string& dir);
/// Hands its whole records to `visit` in order, until that answers false; changes nothing.
Result<void> scan_wal_log(FileSystem& fs, const std::string& dir, const LocalWalLog& log,
                          const std::function<bool(const WalRecord&)>& visit);
/// Gives the files of a log another number; what is in them stays as it is.  Durable.
Result<void> rename_wal(FileSystem& fs, const std::string& dir, uint64_t from, uint64_t to);
/// Removes one generation's files and makes that durable.
Result<void> remove_wal(FileSystem& fs, const std::string& dir, uint64_t generation);

/// push_batch payloads (before LZ4).
void encode_wal_batch(const RowBatch& batch, std::string* out);
/// Streams are made anew from their labels; lines and metadata are views into `encoded`.
/// corrupt for bytes that encode_wal_batch() cannot have written.
Result<void> decode_wal_batch(std::string_view encoded, const TenantId& tenant, RowBatch* out);

}  // namespace cordwood
