// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "api/http_server.h"
#include "api/phase.h"
#include "storage/base/clock.h"
#include "storage/base/metrics.h"

namespace cordwood::api {

/// What the braces of a route's pattern matched, decoded, in the order of the pattern.
using PathValues = std::vector<std::string>;
using RouteHandler = std::function<HttpResponse(HttpRequest&, const PathValues&)>;

struct RouteOptions {
  WorkClass work = WorkClass::quick;
  uint64_t body_limit_bytes = 10u << 20;
  /// Answers a request whose body was not taken (HttpRequest::body_state); null: plain text.
  std::function<HttpResponse(const HttpRequest&)> refuse;
  /// Answered with 503 until the server has its store.
  bool needs_store = true;
};

/// Which handler answers a path; the rest is Loki's 404 and 405.  Routes are added before serving.
class Router final : public HttpHandler {
 public:
  Router(std::string prefix, Metrics& metrics, Clock& clock, const std::atomic<Phase>& phase)
      : prefix_(std::move(prefix)), metrics_(metrics), clock_(clock), phase_(phase) {}

  /// `methods`: "GET POST".  `pattern`: "/loki/api/v1/label/{name}/values".
  void add(std::string_view methods, std::string pattern, RouteOptions options, RouteHandler handler);

  HttpPlan plan(const HttpRequest& head) override;
  HttpResponse handle(HttpRequest& request) override;

 private:
  struct Route {
    std::vector<std::string> methods;
    std::string pattern;
    std::vector<std::string> segments;
    RouteOptions options;
    RouteHandler handler;
    Histogram* duration = nullptr;
  };
  struct Match {
    const Route* route = nullptr;  ///< null: nothing has this path and method
    bool path_known = false;
    PathValues values;
  };
  Match match(const HttpRequest& request) const;
  HttpResponse answer(const Match& found, HttpRequest& request) const;

  std::string prefix_;
  Metrics& metrics_;
  Clock& clock_;
  const std::atomic<Phase>& phase_;
  std::vector<Route> routes_;
};

}  // namespace cordwood::api
