// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "api/params.h"
#include "api/router.h"
#include "api/services.h"

namespace cordwood::api {

/// A read with what every read needs already found out.
struct ReadCall {
  HttpRequest& http;
  Params params;
  query::ReadContext context;
  const PathValues& path;
  int64_t now_ns = 0;
};

/// A handler that finds tenant and parameters first; an Error it returns goes out as plain text.
RouteHandler read_handler(const Services& services, std::function<Result<HttpResponse>(ReadCall&)> handler);
RouteOptions read_options(const Services& services);

inline constexpr uint32_t kDefaultQueryLimit = 100;
inline constexpr size_t kLoggedQueryBytes = 1024;  ///< of a query's text, in log lines

/// The parameters of query_range, which some other reads check too without using them all.
Result<query::RangeRequest> parse_range_request(const ReadCall& call);

/// The answer to a failed query.
HttpResponse query_error(const query::QueryError& error);

}  // namespace cordwood::api
