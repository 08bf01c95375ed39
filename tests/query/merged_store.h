// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "index/segment_terms_builder.h"
#include "index/segment_terms_opener.h"
#include "tests/query/query_store.h"
#include "tests/support/merge_world.h"
#include "tests/support/temporary_directory.h"

namespace cordwood::query {

/// A store whose segments are merged into blocks of few rows, with a Xapian part.
struct MergedStore {
  explicit MergedStore(std::optional<uint64_t> rows_one_by_one = {}) : store(&opener, {}, rows_one_by_one) {
    merges.terms = &builder;
    merges.options.block_limits.rows = 40;
  }
  void merge() { ASSERT_TRUE(merges.merger().merge_segments(merges.keys()).ok()); }

  TemporaryDirectory directory;
  PosixFileSystem fs;
  MemoryAccountant memory{{}};
  Metrics metrics;
  std::shared_ptr<Logger> log = Logger::silent();
  index::XapianTermsBuilder builder{{}, directory.path() + "/terms", fs, metrics};
  index::XapianTermsOpener opener{1 << 20, memory, *log, metrics};
  QueryStore store;
  MergeWorld merges{store.world()};
};

}  // namespace cordwood::query
