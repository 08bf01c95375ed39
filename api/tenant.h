// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "api/http_message.h"
#include "storage/model/stream.h"

namespace cordwood::api {

struct TenantRules {
  bool auth_enabled = false;
  std::string no_auth_tenant = "fake";
};

/// Who a request speaks for.  With auth on, X-Scope-OrgID decides; `a|b` and `a:key=value` are understood.
/// Errors: not_found when the header is missing (401 `no org id`), invalid for what is wrong with it (400).
Result<TenantId> tenant_of(const TenantRules& rules, const HttpRequest& request);

}  // namespace cordwood::api
