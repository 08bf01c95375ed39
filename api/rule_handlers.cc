// SPDX-License-Identifier: Apache-2.0
#include "api/handlers.h"
#include "api/text_response.h"

namespace cordwood::api {

void add_rule_routes(Router& router, const Services&) {
  // Grafana asks for these before it shows the data source's alerts; there are none.  A group by name stays a
  // `page not found`, which tells Grafana not to offer editing.
  const auto add_json = [&](const char* path, std::string list) {
    router.add("GET", path, {}, [list](HttpRequest&, const PathValues&) {
      HttpResponse response;
      response.content_type = "application/json";
      response.body = R"({"status":"success","data":{")" + list + R"(":[]},"errorType":"","error":""})";
      return response;
    });
  };
  add_json("/prometheus/api/v1/rules", "groups");
  add_json("/prometheus/api/v1/alerts", "alerts");
  for (const char* path : {"/loki/api/v1/rules", "/api/prom/rules"}) {
    router.add("GET", path, {},
               [](HttpRequest&, const PathValues&) { return text_response(404, "no rule groups found\n"); });
  }
}

}  // namespace cordwood::api
