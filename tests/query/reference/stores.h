// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "index/segment_terms_builder.h"
#include "index/segment_terms_opener.h"
#include "tests/query/query_store.h"
#include "tests/query/reference/random_entries.h"
#include "tests/support/merge_world.h"
#include "tests/support/temporary_directory.h"

namespace cordwood::query::reference {

/// A store that holds the pushes in one form.
class FormedStore {
 public:
  enum Form : unsigned char { head, young, merged, mixed };

  FormedStore(Form form, const std::vector<Push>& pushes) : store_(&opener_) {
    merges_.terms = &builder_;
    merges_.options.block_limits.rows = 40;
    for (size_t i = 0; i < pushes.size(); ++i) {
      store_.push_json(push_body(pushes[i]));
      if (form != head && i % 4 == 3 && (form != mixed || i < 8)) store_.flush();
      if (form == mixed && i == 7) merge();
    }
    if (form == merged) merge();
  }
  Answer<QueryResult> range(const RangeRequest& request) const { return store_.queries().range(context(), request); }
  Answer<QueryResult> instant(const InstantRequest& request) const {
    return store_.queries().instant(context(), request);
  }

 private:
  ReadContext context() const {
    ReadContext out = store_.context();
    out.limits.max_query_series = 1'000'000;
    return out;
  }
  void merge() {
    auto done = merges_.merger().merge_segments(merges_.keys());
    EXPECT_TRUE(done.ok());
  }

  TemporaryDirectory directory_;
  PosixFileSystem fs_;
  MemoryAccountant memory_{{}};
  Metrics metrics_;
  std::shared_ptr<Logger> log_ = Logger::silent();
  index::XapianTermsBuilder builder_{{}, directory_.path() + "/terms", fs_, metrics_};
  index::XapianTermsOpener opener_{1 << 20, memory_, *log_, metrics_};
  QueryStore store_;
  MergeWorld merges_{store_.world()};
};

/// The same pushes in every form.
struct AllForms {
  explicit AllForms(const std::vector<Push>& pushes)
      : stores{{FormedStore::head, pushes},
               {FormedStore::young, pushes},
               {FormedStore::merged, pushes},
               {FormedStore::mixed, pushes}} {}
  FormedStore stores[4];
};

inline constexpr const char* kFormNames[] = {"head", "young", "merged", "mixed"};

}  // namespace cordwood::query::reference
