// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "storage/base/checksum.h"
#include "storage/model/labels.h"

namespace cordwood {

/// Who owns the data.  1–150 bytes of Loki's tenant alphabet; `t/` + percent-encoded in keys and paths.
using TenantId = std::string;

/// Keys and paths: all but [A-Za-z0-9-_] percent-encoded.
std::string tenant_path(std::string_view tenant);

enum class StreamKind : uint8_t { log = 0, span = 1, internal = 2 };

/// XXH3-128 of kind and encoded labels.  Equal ids are always confirmed by comparing labels.
using StreamId = Hash128;
struct StreamIdHash {
  size_t operator()(const StreamId& id) const { return id.low; }
};

/// A stream, made once and shared.  Immutable.
struct Stream {
  TenantId tenant;
  StreamKind kind = StreamKind::log;
  Labels labels;
  StreamId id;
  std::string label_string;  ///< labels.to_string()
  uint64_t family = 0;       ///< hash of tenant, kind, label names and service_name: rows of one block share it

  static std::shared_ptr<const Stream> make(TenantId tenant, StreamKind kind, Labels labels);
  bool same_as(const Stream& other) const {
    return id == other.id && kind == other.kind && tenant == other.tenant && labels == other.labels;
  }
};
using StreamPtr = std::shared_ptr<const Stream>;

}  // namespace cordwood
