// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "storage/base/file_system.h"
#include "storage/wal_format.h"

namespace cordwood {

struct WalReplayReport {
  uint64_t records = 0;
  uint64_t torn_bytes = 0;       ///< cut from the end of the newest file
  uint64_t damaged_records = 0;  ///< skipped elsewhere; the file was copied to `<name>.damaged`
  std::vector<std::string> problems;
};

/// Generations that have WAL files in `dir`, ascending.
Result<std::vector<uint64_t>> list_wal_generations(FileSystem& fs, const std::string& dir);
/// Paths of one generation's files in the order they were written.
Result<std::vector<std::string>> list_wal_files(FileSystem& fs, const std::string& dir, uint64_t generation);
/// Hands every whole record of a generation, policies included, to `visit` in order.  `newest`: a torn tail of the
/// last file is an unacknowledged write and is cut; anything else that is damaged is reported, copied aside, skipped.
Result<WalReplayReport> replay_wal(FileSystem& fs, const std::string& dir, uint64_t generation, bool newest,
                                   const std::function<Result<void>(const WalRecord&)>& visit);
/// Removes one generation's files and makes that durable.
Result<void> remove_wal(FileSystem& fs, const std::string& dir, uint64_t generation);

/// push_batch payloads (after LZ4).
void encode_wal_batch(const RowBatch& batch, std::string* out);
/// Streams are made anew from their labels.
Result<void> decode_wal_batch(std::string_view encoded, const TenantId& tenant, RowBatch* out);

}  // namespace cordwood
