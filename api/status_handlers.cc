// SPDX-License-Identifier: Apache-2.0
#include "api/build_version.h"
#include "api/handlers.h"
#include "api/text_response.h"

namespace cordwood::api {
namespace {

constexpr std::string_view kFrontPage =
    "Cordwood keeps logs. It speaks Loki's HTTP API and LogQL.\n"
    "\n"
    "Push a line:\n"
    "  curl -H 'Content-Type: application/json' http://HOST/loki/api/v1/push \\\n"
    "    -d '{\"streams\":[{\"stream\":{\"app\":\"demo\"},\"values\":[[\"'$(date +%s%N)'\",\"hello\"]]}]}'\n"
    "  cordwood push --label app=demo FILE\n"
    "\n"
    "Ask for it:\n"
    "  curl -G http://HOST/loki/api/v1/query_range --data-urlencode 'query={app=\"demo\"}'\n"
    "  cordwood query '{app=\"demo\"}'\n"
    "All lines of a trace, by its id alone:\n"
    "  curl http://HOST/api/v1/traces/4bf92f3577b34da6a3ce929d0e0e4736\n"
    "\n"
    "Grafana: add a Loki data source with the address of this server.\n"
    "More: /ready  /metrics  /config\n";

HttpResponse front_page(const HttpRequest& request) {
  std::string page(kFrontPage);
  std::string_view host = request.headers.get("Host");
  if (host.empty()) host = "127.0.0.1:3100";
  for (size_t at = page.find("HOST"); at != std::string::npos; at = page.find("HOST", at + host.size())) {
    page.replace(at, 4, host);
  }
  return text_response(200, std::move(page));
}

HttpResponse ready(const Services& services) {
  const std::string why = services.waits_for ? services.waits_for() : "";
  switch (services.phase->load()) {
    case Phase::running:
      return why.empty() ? text_response(200, "ready\n") : text_response(503, "Ingester not ready: " + why + "\n");
    case Phase::stopping: return text_response(503, "Application is stopping\n");
    case Phase::starting: break;
  }
  return text_response(503, "Ingester not ready: starting" + (why.empty() ? "" : ": " + why) + "\n");
}

HttpResponse build_info() {
  HttpResponse response;
  response.content_type = "application/json";
  response.body = "{\"version\":\"" + std::string(kLokiVersion) + "\",\"revision\":\"cordwood-" +
                  std::string(kVersion) + R"(","branch":"main","buildUser":"","buildDate":"","goVersion":""})";
  return response;
}

HttpResponse metrics_page(const Services& services) {
  HttpResponse response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = services.metrics->text();
  return response;
}

HttpResponse flush(const Services& services) {
  auto flushed = services.engine->flush();
  if (!flushed.ok()) return text_response(500, flushed.error().message + "\n");
  HttpResponse response;
  response.status = 204;
  return response;
}

}  // namespace

void add_status_routes(Router& router, const Services& services) {
  const auto get = [&](const char* path, std::function<HttpResponse(HttpRequest&)> answer) {
    RouteOptions always;
    always.needs_store = false;
    router.add("GET", path, always, [answer](HttpRequest& request, const PathValues&) { return answer(request); });
  };
  get("/", front_page);
  get("/ready", [&services](HttpRequest&) { return ready(services); });
  get("/loki/api/v1/status/buildinfo", [](HttpRequest&) { return build_info(); });
  get("/metrics", [&services](HttpRequest&) { return metrics_page(services); });
  get("/config", [&services](HttpRequest&) { return text_response(200, services.config_yaml()); });
  get("/services", [&services](HttpRequest&) {
    const char* state = services.phase->load() == Phase::running ? "Running" : "Starting";
    return text_response(200, std::string("server => ") + state + "\nstore => " + state + "\n");
  });
  get("/log_level", [&services](HttpRequest&) {
    return json_response("{\"message\":\"Current log level is " + services.config->log_level + "\"}\n");
  });
  const RouteOptions waits{.work = WorkClass::query, .body_limit_bytes = 1 << 20, .refuse = nullptr};
  router.add("GET POST", "/flush", waits, [&services](HttpRequest&, const PathValues&) { return flush(services); });
  router.add("POST", "/flush/tenant", waits, [&services](HttpRequest&, const PathValues&) { return flush(services); });
}

}  // namespace cordwood::api
