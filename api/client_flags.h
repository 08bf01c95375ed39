// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "api/http_client.h"

namespace CLI {
class App;
}

namespace cordwood::api {

/// Which server a client command talks to, and as whom.
struct ClientFlags {
  std::string url = "http://127.0.0.1:3100";
  std::string org_id;
  std::string username;
  std::string password;

  Result<std::unique_ptr<HttpClient>> connect() const;
  /// Tenant and authorisation.
  HttpHeaders headers() const;
};

/// Adds --url, --org-id, --username and --password, each also as a CORDWOOD_… variable.
void add_client_flags(CLI::App& command, ClientFlags* flags);

}  // namespace cordwood::api
