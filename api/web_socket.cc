// SPDX-License-Identifier: Apache-2.0
#include "api/web_socket.h"

#include "api/text_response.h"

namespace cordwood::api {

static constexpr size_t kKeyChars = 24;  // 16 bytes in base64

/// Whether a header that is a list of words has one of them.
static bool has_word(const HttpHeaders& headers, std::string_view name, std::string_view word) {
  for (const auto& [field, value] : headers.fields()) {
    if (!equal_without_case(field, name)) continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      const size_t end = std::min(rest.find(','), rest.size());
      std::string_view item = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      while (item.starts_with(' ') || item.starts_with('\t')) item.remove_prefix(1);
      while (item.ends_with(' ') || item.ends_with('\t')) item.remove_suffix(1);
      if (equal_without_case(item, word)) return true;
    }
  }
  return false;
}

bool asks_for_web_socket(const HttpRequest& request) {
  const HttpHeaders& headers = request.headers;
  return request.method == "GET" && request.body.empty() && has_word(headers, "Connection", "upgrade") &&
         has_word(headers, "Upgrade", "websocket") && headers.get("Sec-WebSocket-Version") == "13" &&
         headers.get("Sec-WebSocket-Key").size() == kKeyChars;
}

HttpResponse no_web_socket() {
  HttpResponse response = text_response(400, "Bad Request\n");
  response.headers.emplace_back("Sec-Websocket-Version", "13");
  return response;
}

}  // namespace cordwood::api
