// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "api/router.h"
#include "api/services.h"

namespace cordwood::api {

// One function, in one file, per group of endpoints.  `services` outlives the router.
void add_push_routes(Router& router, const Services& services);
void add_query_routes(Router& router, const Services& services);
void add_label_routes(Router& router, const Services& services);
void add_index_routes(Router& router, const Services& services);
void add_detected_routes(Router& router, const Services& services);
void add_rule_routes(Router& router, const Services& services);
void add_limits_routes(Router& router, const Services& services);
void add_status_routes(Router& router, const Services& services);
void add_trace_routes(Router& router, const Services& services);
void add_tail_routes(Router& router, const Services& services);
void add_pattern_routes(Router& router, const Services& services);
void add_delete_routes(Router& router, const Services& services);
void add_hold_routes(Router& router, const Services& services);

inline void add_all_routes(Router& router, const Services& services) {
  add_push_routes(router, services);
  add_query_routes(router, services);
  add_label_routes(router, services);
  add_index_routes(router, services);
  add_detected_routes(router, services);
  add_rule_routes(router, services);
  add_limits_routes(router, services);
  add_status_routes(router, services);
  add_trace_routes(router, services);
  add_tail_routes(router, services);
  add_pattern_routes(router, services);
  add_delete_routes(router, services);
  add_hold_routes(router, services);
}

}  // namespace cordwood::api
