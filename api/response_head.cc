// SPDX-License-Identifier: Apache-2.0
#include "api/response_head.h"

#include "api/http_dates.h"

namespace cordwood::api {

static std::string_view reason_of(int status) {
  static constexpr std::pair<int, std::string_view> kReasons[] = {{200, "OK"},
                                                                  {204, "No Content"},
                                                                  {400, "Bad Request"},
                                                                  {401, "Unauthorized"},
                                                                  {403, "Forbidden"},
                                                                  {404, "Not Found"},
                                                                  {405, "Method Not Allowed"},
                                                                  {413, "Request Entity Too Large"},
                                                                  {422, "Unprocessable Entity"},
                                                                  {429, "Too Many Requests"},
                                                                  {431, "Request Header Fields Too Large"},
                                                                  {500, "Internal Server Error"},
                                                                  {503, "Service Unavailable"},
                                                                  {504, "Gateway Timeout"}};
  for (const auto& [code, reason] : kReasons) {
    if (code == status) return reason;
  }
  return "Status";
}

std::string response_head(const HttpResponse& response, const Framing& framing) {
  std::string head;
  head.reserve(256);
  head.append(framing.http10 ? "HTTP/1.0 " : "HTTP/1.1 ").append(std::to_string(response.status)).append(" ");
  head.append(reason_of(response.status)).append("\r\n");
  const auto add = [&](std::string_view name, std::string_view value) {
    head.append(name).append(": ").append(value).append("\r\n");
  };
  if (!response.content_type.empty()) add("Content-Type", response.content_type);
  for (const auto& [name, value] : response.headers) add(name, value);
  if (framing.gzip) {
    add("Content-Encoding", "gzip");
    add("Vary", "Accept-Encoding");
  }
  const bool bodiless = response.status == 204 || response.status == 304;
  if (!framing.length) {
    if (!framing.http10) add("Transfer-Encoding", "chunked");
  } else if (!bodiless) {
    add("Content-Length", std::to_string(*framing.length));
  }
  add("Date", http_date(framing.now_ns));
  if (!framing.keep) {
    add("Connection", "close");
  } else if (framing.http10) {
    add("Connection", "keep-alive");
  }
  head.append("\r\n");
  return head;
}

}  // namespace cordwood::api
