// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "storage/base/coding.h"
#include "storage/base/result.h"
#include "storage/model/stream.h"

namespace cordwood {

/// Rows that a user wants gone.  From the moment it is durable no reader sees them.
struct DeleteRequest {
  enum class State : uint8_t { received = 1, processed = 2 };  ///< on disk
  std::string id;
  TenantId tenant;
  std::string query;     ///< selector and pipeline, as they were asked
  int64_t start_ns = 0;  ///< both ends belong to the range
  int64_t end_ns = 0;
  int64_t created_ns = 0;
  uint64_t arrival_cut = 0;  ///< rows that arrived later are not meant; no block has rows of both sides
  uint64_t generation = 0;   ///< no row that is meant is in the WAL of a later one
  State state = State::received;
  int64_t processed_ns = 0;
  bool begun = false;  ///< rows of it are gone already, as nothing could hide them: cancelling does not bring them back

  bool operator==(const DeleteRequest&) const = default;
  void encode(std::string* out) const;
  static Result<DeleteRequest> decode(ByteReader* in);
};

/// Rows that neither deletes nor retention may touch.
struct LegalHold {
  std::string id;
  TenantId tenant;
  std::string selector;
  int64_t start_ns = 0;  ///< both ends belong to the range
  int64_t end_ns = 0;
  std::string reason;
  int64_t created_ns = 0;

  bool operator==(const LegalHold&) const = default;
  void encode(std::string* out) const;
  static Result<LegalHold> decode(ByteReader* in);
};

}  // namespace cordwood
