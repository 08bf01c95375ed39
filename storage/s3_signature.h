// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "storage/s3_http.h"

namespace cordwood {

struct S3Credentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;  ///< empty: none
  int64_t expires_at_ns = 0;  ///< Unix time; 0: never
};

/// What a signature is for and when.
struct SigningScope {
  std::string time;  ///< `20130524T000000Z`
  std::string region;
  std::string service = "s3";
};

/// A request as it goes over the wire.
struct SignableRequest {
  std::string_view method;
  std::string_view path;          ///< encoded
  std::string_view query;         ///< encoded and sorted (s3_query)
  const HttpFields& fields;       ///< all that are signed: names in small letters, `host` among them
  std::string_view payload_hash;  ///< hex of SHA-256, or UNSIGNED-PAYLOAD
};

/// AWS Signature Version 4: the three steps, then the value of the Authorization header.
std::string canonical_request(const SignableRequest& request);
std::string string_to_sign(const SigningScope& scope, std::string_view canonical);
std::string authorization_of(const S3Credentials& credentials, const SigningScope& scope,
                             const SignableRequest& request);

}  // namespace cordwood
