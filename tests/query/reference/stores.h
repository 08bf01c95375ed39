// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/query/merged_store.h"
#include "tests/query/reference/random_entries.h"

namespace cordwood::query::reference {

/// A store that holds the pushes in one form.
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
  }
  Answer<QueryResult> range(const RangeRequest& request) const {
    return world_.store.queries().range(context(), request);
  }
  Answer<QueryResult> instant(const InstantRequest& request) const {
    return world_.store.queries().instant(context(), request);
  }

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
  DeleteTarget& target() { return *world_.store.world().engine->delete_target(); }
  ReadContext context() const {
    ReadContext out = world_.store.context();
    out.limits.max_query_series = 1'000'000;
    return out;
  }

  MergedStore world_;
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
