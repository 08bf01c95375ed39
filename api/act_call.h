// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "api/params.h"
#include "api/router.h"
#include "api/services.h"
#include "lifecycle/audit_log.h"

namespace cordwood::api {

/// A request that deletes, holds, or asks about that.
struct ActCall {
  TenantId tenant;
  Params params;
  const PathValues& path;
  int64_t now_ns = 0;
};

/// Where the parameters of a POST are.
enum class ActParams : unsigned char { url, url_and_form };

/// A handler that finds tenant and parameters first; an Error it returns goes out as plain text.
RouteHandler act_handler(const Services& services, ActParams where,
                         std::function<Result<HttpResponse>(const ActCall&)> handler);
RouteOptions act_options();

/// Does something that the audit log must know of: it is written there first, and what went wrong after it.
Result<void> act(const Services& services, lifecycle::AuditLog::Entry entry, const std::function<Result<void>()>& does);

}  // namespace cordwood::api
