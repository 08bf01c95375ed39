// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "query/query_engine.h"

namespace cordwood::query {

/// One stream's part of one block, as far as it can lie in the range of a metadata read.
struct StreamPart {
  StreamPtr stream;
  const BlockStream* part = nullptr;
  const BlockSource* block = nullptr;
  uint32_t index = 0;  ///< of the stream in the block
};

/// What a metadata read looks at: the snapshot keeps the parts alive.
struct StreamParts {
  SnapshotPtr snapshot;
  std::vector<BlockSourcePtr> blocks;
  std::vector<StreamPart> parts;
};

/// The parts of blocks whose stream satisfies every matcher and whose times meet [start_ns, end_ns].  Reads no data:
/// the stream index and the blocks' own tables know it.
Result<StreamParts> find_stream_parts(const QueryEngine::Environment& environment, const TenantId& tenant,
                                      int64_t start_ns, int64_t end_ns, std::span<const Matcher> matchers);

/// The streams of those parts, each once, sorted by label string.
std::vector<StreamPtr> distinct_streams(const StreamParts& parts);

}  // namespace cordwood::query
