// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include "ingest/body_unpacker.h"
#include "ingest/row_builder.h"
#include "storage/wal_format.h"

namespace cordwood::ingest {

/// A received body made readable: what was packed, unpacked.  Protobuf pushes are snappy inside whatever else packs
/// them.
struct ReadableBody {
  explicit ReadableBody(MemoryReservation* memory) : outer(memory), inner(memory) {}
  std::string_view bytes;  ///< into the received body or one of the buffers
  ReservedBuffer outer;
  ReservedBuffer inner;
};
std::optional<UnpackFailure> open_body(BodyFormat format, BodyEncoding encoding, std::string_view received,
                                       uint64_t max_bytes, ReadableBody* out);

/// Reads the entries of a body by its format.  `body` must outlive the rows.
Result<void> decode_body(BodyFormat format, std::string_view body, RowBuilder* rows);

}  // namespace cordwood::ingest
