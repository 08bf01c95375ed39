// SPDX-License-Identifier: Apache-2.0
#include "api/client_flags.h"

#include <CLI/CLI.hpp>

#include "api/json_text.h"

namespace cordwood::api {

Result<std::unique_ptr<HttpClient>> ClientFlags::connect() const {
  TRY_ASSIGN(ServerUrl server, parse_server_url(url));
  return std::make_unique<HttpClient>(std::move(server));
}

HttpHeaders ClientFlags::headers() const {
  HttpHeaders headers;
  if (!org_id.empty()) headers.add("X-Scope-OrgID", org_id);
  if (!username.empty()) {
    std::string credentials;
    append_base64(username + ":" + password, &credentials);
    headers.add("Authorization", "Basic " + credentials);
  }
  return headers;
}

void add_client_flags(CLI::App& command, ClientFlags* flags) {
  command.add_option("--url", flags->url, "The server")->envname("CORDWOOD_URL")->capture_default_str();
  command.add_option("--org-id", flags->org_id, "Tenant, sent as X-Scope-OrgID")->envname("CORDWOOD_ORG_ID");
  command.add_option("--username", flags->username, "For basic authorisation")->envname("CORDWOOD_USERNAME");
  command.add_option("--password", flags->password, "For basic authorisation")->envname("CORDWOOD_PASSWORD");
}

}  // namespace cordwood::api
