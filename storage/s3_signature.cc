// SPDX-License-Identifier: Apache-2.0
#include "storage/s3_signature.h"

#include <fmt/core.h>

#include <algorithm>

#include "storage/s3_hash.h"

namespace cordwood {

namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

/// Without white space around it, and with one space for a run of them.
std::string trimmed(std::string_view value) {
  std::string out;
  for (const char c : value) {
    const bool space = c == ' ' || c == '\t';
    if (space && (out.empty() || out.back() == ' ')) continue;
    out.push_back(space ? ' ' : c);
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

/// By name; values of the same name in the order they are sent, joined.
HttpFields sorted_fields(const HttpFields& fields) {
  HttpFields sorted = fields;
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  HttpFields joined;
  for (auto& [name, value] : sorted) {
    if (!joined.empty() && joined.back().first == name) {
      joined.back().second += "," + trimmed(value);
    } else {
      joined.emplace_back(name, trimmed(value));
    }
  }
  return joined;
}

std::string names_of(const HttpFields& sorted) {
  std::string out;
  for (const auto& [name, value] : sorted) out += (out.empty() ? "" : ";") + name;
  return out;
}

std::string scope_text(const SigningScope& scope) {
  return fmt::format("{}/{}/{}/aws4_request", scope.time.substr(0, 8), scope.region, scope.service);
}

}  // namespace

std::string canonical_request(const SignableRequest& request) {
  const HttpFields sorted = sorted_fields(request.fields);
  std::string out = fmt::format("{}\n{}\n{}\n", request.method, request.path, request.query);
  for (const auto& [name, value] : sorted) out += name + ":" + value + "\n";
  out += "\n" + names_of(sorted) + "\n";
  out += request.payload_hash;
  return out;
}

std::string string_to_sign(const SigningScope& scope, std::string_view canonical) {
  return fmt::format("{}\n{}\n{}\n{}", kAlgorithm, scope.time, scope_text(scope), hex_of(sha256(canonical)));
}

std::string authorization_of(const S3Credentials& credentials, const SigningScope& scope,
                             const SignableRequest& request) {
  std::string key = hmac_sha256("AWS4" + credentials.secret_access_key, scope.time.substr(0, 8));
  key = hmac_sha256(key, scope.region);
  key = hmac_sha256(key, scope.service);
  key = hmac_sha256(key, "aws4_request");
  const std::string signature = hex_of(hmac_sha256(key, string_to_sign(scope, canonical_request(request))));
  return fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", kAlgorithm, credentials.access_key_id,
                     scope_text(scope), names_of(sorted_fields(request.fields)), signature);
}

}  // namespace cordwood
