// SPDX-License-Identifier: Apache-2.0
#include "api/router.h"

#include <algorithm>
#include <optional>

#include "api/text_response.h"
#include "api/url.h"

namespace cordwood::api {
namespace {

std::vector<std::string> split(std::string_view text, char by) {
  std::vector<std::string> parts;
  for (;;) {
    const size_t end = text.find(by);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

/// What the braces matched, or nothing when the path is another.
std::optional<PathValues> match_segments(const std::vector<std::string>& pattern,
                                         const std::vector<std::string>& path) {
  if (pattern.size() != path.size()) return std::nullopt;
  PathValues values;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i].starts_with('{')) {
      auto value = percent_decode(path[i], false);
      if (!value.ok() || value->empty()) return std::nullopt;
      values.push_back(std::move(*value));
    } else if (pattern[i] != path[i]) {
      return std::nullopt;
    }
  }
  return values;
}

HttpResponse try_later(std::string text) {
  HttpResponse response = text_response(503, std::move(text));
  response.headers.emplace_back("Retry-After", "1");
  return response;
}

HttpResponse refuse_body(const HttpRequest& request) {
  if (request.body_state == BodyState::too_large) return text_response(413, "http: request body too large\n");
  return try_later("The server cannot accept more requests at this time.\n");
}

}  // namespace

void Router::add(std::string_view methods, std::string pattern, RouteOptions options, RouteHandler handler) {
  Route route;
  route.methods = split(methods, ' ');
  route.pattern = std::move(pattern);
  route.segments = split(prefix_ + route.pattern, '/');
  route.options = std::move(options);
  route.handler = std::move(handler);
  route.duration = &metrics_.histogram("cordwood_http_request_duration_seconds", "Time to make an answer.",
                                       {{"route", route.pattern}});
  routes_.push_back(std::move(route));
}

Router::Match Router::match(const HttpRequest& request) const {
  Match match;
  const auto path = split(request.path, '/');
  for (const Route& route : routes_) {
    auto values = match_segments(route.segments, path);
    if (!values) continue;
    match.path_known = true;
    if (std::find(route.methods.begin(), route.methods.end(), request.method) == route.methods.end()) continue;
    match.route = &route;
    match.values = std::move(*values);
    return match;
  }
  return match;
}

HttpPlan Router::plan(const HttpRequest& head) {
  const Match found = match(head);
  if (found.route == nullptr) return {WorkClass::quick, 1 << 20};
  return {found.route->options.work, found.route->options.body_limit_bytes};
}

HttpResponse Router::answer(const Match& found, HttpRequest& request) const {
  if (found.route == nullptr) {
    return found.path_known ? HttpResponse{.status = 405, .content_type = {}, .headers = {}, .body = {}, .stream = {}}
                            : text_response(404, "404 page not found\n");
  }
  const RouteOptions& options = found.route->options;
  if (options.needs_store && phase_.load() == Phase::starting) {
    return try_later("the server is starting: it reads its write-ahead log\n");
  }
  if (request.body_state != BodyState::complete) return options.refuse ? options.refuse(request) : refuse_body(request);
  const int64_t begin_ns = clock_.monotonic_ns();
  HttpResponse response = found.route->handler(request, found.values);
  found.route->duration->observe_ns(clock_.monotonic_ns() - begin_ns);
  return response;
}

HttpResponse Router::handle(HttpRequest& request) {
  const Match found = match(request);
  HttpResponse response = answer(found, request);
  metrics_
      .counter("cordwood_http_requests_total", "Requests answered.",
               {{"route", found.route != nullptr ? found.route->pattern : "other"},
                {"status", std::to_string(response.status)}})
      .add();
  return response;
}

}  // namespace cordwood::api
