// SPDX-License-Identifier: Apache-2.0
#include "api/tenant.h"

#include <set>

#include "storage/base/ascii.h"

namespace cordwood::api {
namespace {

constexpr size_t kMaxTenantBytes = 150;

bool allowed(char c) {
  return is_alphanumeric(c) || std::string_view("!-_.*'()").find(c) != std::string_view::npos;
}

Result<void> check(std::string_view tenant) {
  for (const char c : tenant) {
    if (!allowed(c)) {
      return Error::invalid("tenant ID '" + std::string(tenant) + "' contains unsupported character '" +
                            std::string(1, c) + "'");
    }
  }
  if (tenant.size() > kMaxTenantBytes) return Error::invalid("tenant ID is too long: max 150 characters");
  if (tenant == "." || tenant == "..") return Error::invalid("tenant ID is '.' or '..'");
  return {};
}

}  // namespace

Result<TenantId> tenant_of(const TenantRules& rules, const HttpRequest& request) {
  if (!rules.auth_enabled) return TenantId(rules.no_auth_tenant);
  std::string_view header = request.headers.get("X-Scope-OrgID");
  if (header.empty()) return Error::not_found("no org id");
  std::set<std::string_view> tenants;
  for (;;) {
    const size_t bar = header.find('|');
    std::string_view tenant = header.substr(0, bar);
    tenant = tenant.substr(0, tenant.find(':'));
    TRY(check(tenant));
    tenants.insert(tenant);
    if (bar == std::string_view::npos) break;
    header.remove_prefix(bar + 1);
  }
  if (tenants.size() > 1) return Error::invalid("multiple org IDs present");
  if (tenants.begin()->empty()) return Error::not_found("no org id");
  return TenantId(*tenants.begin());
}

}  // namespace cordwood::api
