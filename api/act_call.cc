// SPDX-License-Identifier: Apache-2.0
#include "api/act_call.h"

#include "api/text_response.h"
#include "api/url.h"

namespace cordwood::api {

static HttpResponse act_error(const Error& error) {
  int status = 500;
  switch (error.kind) {
    case ErrorKind::invalid: status = 400; break;
    case ErrorKind::not_found: status = 404; break;
    case ErrorKind::unavailable: status = 503; break;
    default: break;
  }
  return text_response(status, error.message + "\n");
}

RouteHandler act_handler(const Services& services, ActParams where,
                         std::function<Result<HttpResponse>(const ActCall&)> handler) {
  return [&services, where, handler = std::move(handler)](HttpRequest& request, const PathValues& path) {
    auto tenant = tenant_of(services.config->tenants, request);
    if (!tenant.ok()) {
      return text_response(tenant.error().kind == ErrorKind::not_found ? 401 : 400, tenant.error().message + "\n");
    }
    Result<Params> params = Error::invalid("");
    if (where == ActParams::url) {
      auto form = parse_form(request.query);
      params = form.ok() ? Result<Params>(Params(std::move(*form))) : Result<Params>(form.error());
    } else {
      params = Params::parse(request);
    }
    if (!params.ok()) return act_error(params.error());
    if (services.engine->delete_target() == nullptr) return text_response(404, "404 page not found\n");
    auto response = handler({std::move(*tenant), std::move(*params), path, services.clock->now_ns()});
    return response.ok() ? std::move(*response) : act_error(response.error());
  };
}

RouteOptions act_options() {
  return {.work = WorkClass::query, .body_limit_bytes = 1 << 20, .refuse = nullptr};
}

Result<void> act(const Services& services, lifecycle::AuditLog::Entry entry,
                 const std::function<Result<void>()>& does) {
  if (const Result<void> noted = services.audit->add(entry); !noted.ok()) {
    return Error::unavailable("the audit log could not be written, try again: " + noted.error().message);
  }
  Result<void> done = does();
  services.log->info("act", {{"act", entry.act},
                             {"tenant", entry.tenant},
                             {"id", entry.id},
                             {"query", entry.query},
                             {"error", done.ok() ? std::string() : done.error().message}});
  if (done.ok()) return done;
  entry.error = done.error().message;
  if (const Result<void> noted = services.audit->add(entry); !noted.ok()) {
    services.log->error("an act could not be written into the audit log",
                        {{"act", entry.act}, {"id", entry.id}, {"error", noted.error().message}});
  }
  return done;
}

}  // namespace cordwood::api
