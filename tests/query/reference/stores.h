// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "query/ahead_threads.h"
#include "tests/query/merged_store.h"
#include "tests/query/reference/random_entries.h"

namespace cordwood::query::reference {

/// A store that holds the pushes in one form.  Of every other question other threads open blocks ahead.
class FormedStore {
 public:
  enum Form : unsigned char { head, young, merged, mixed };

  /// Columns are read as a whole from the first row on, but in the mixed form.
  FormedStore(Form form, const std::vector<Push>& pushes) : world_(form == mixed ? 20 : 0) {
    for (size_t i = 0; i < pushes.size(); ++i) {
      world_.store.push_json(push_body(pushes[i]));
      if (form != head && i % 4 == 3 && (form != mixed || i < 8)) world_.store.flush();
      if (form == mixed && i == 7) world_.merge();
    }
    if (form == merged) world_.merge();
    QueryEngine::Environment helped = world_.store.environment();
    helped.ahead = &ahead_;
    helped_ = std::make_unique<QueryEngine>(helped);
  }
  Answer<QueryResult> range(const RangeRequest& request) const { return engine().range(context(), request); }
  Answer<QueryResult> instant(const InstantRequest& request) const { return engine().instant(context(), request); }

  void request_delete(DeleteRequest request) {
    request.tenant = context().tenant;
    const Result<void> done = target().request_delete(std::move(request));
    EXPECT_TRUE(done.ok()) << done.error().message;
  }
  void set_hold(LegalHold hold) {
    hold.tenant = context().tenant;
    const Result<void> done = target().set_hold(std::move(hold));
    EXPECT_TRUE(done.ok()) << done.error().message;
  }

 private:
  const QueryEngine& engine() const { return ++asked_ % 2 == 0 ? world_.store.queries() : *helped_; }
  DeleteTarget& target() { return *world_.store.world().engine->delete_target(); }
  ReadContext context() const {
    ReadContext out = world_.store.context();
    out.limits.max_query_series = 1'000'000;
    return out;
  }

  MergedStore world_;
  AheadThreads ahead_{{.threads = 2, .begin_after_ns = 0, .run_delay_ns = [] { return 0; }},
                      world_.store.world().metrics};
  std::unique_ptr<QueryEngine> helped_;
  mutable size_t asked_ = 0;
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
