// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <optional>
#include <string>

#include "storage/base/random.h"

namespace cordwood {

/// A real bucket that CORDWOOD_S3_… variables name (`./dev radosgw` sets them), with a prefix of its own each time.
struct RealBucket {
  std::string endpoint, bucket, access_key_id, secret_access_key, prefix;
  std::string cold_class;  ///< a storage class besides STANDARD; empty: none

  static std::optional<RealBucket> find() {
    const auto variable = [](const char* name) {
      const char* value = std::getenv(name);
      return std::string(value == nullptr ? "" : value);
    };
    const std::string endpoint = variable("CORDWOOD_S3_ENDPOINT");
    if (endpoint.empty()) return std::nullopt;
    return RealBucket{endpoint,
                      variable("CORDWOOD_S3_BUCKET"),
                      variable("CORDWOOD_S3_KEY"),
                      variable("CORDWOOD_S3_SECRET"),
                      "test/" + SystemRandom().hex128(),
                      variable("CORDWOOD_S3_CLASS")};
  }
};

/// A server's configuration with that bucket as home; empty when there is none.
inline std::string real_bucket_config() {
  const auto b = RealBucket::find();
  if (!b) return "";
  return "storage: s3\nstorage_config:\n  object_prefix: " + b->prefix + "\n  aws:\n    bucketnames: " + b->bucket +
         "\n    endpoint: " + b->endpoint + "\n    region: us-east-1\n    access_key_id: " + b->access_key_id +
         "\n    secret_access_key: " + b->secret_access_key + "\n    s3forcepathstyle: true\n";
}

}  // namespace cordwood
