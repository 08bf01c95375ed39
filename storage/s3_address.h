// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/base/result.h"
#include "storage/s3_options.h"

namespace cordwood {

/// Percent-encodes all but unreserved characters, as signatures want it; '/' stays when told so.
std::string s3_encode(std::string_view text, bool keep_slash);
/// The reverse; what is no valid escape stays as it is.
std::string s3_decode(std::string_view text);
/// `a=1&b=`: names and values encoded, sorted by name as signatures want it.
std::string s3_query(std::vector<std::pair<std::string, std::string>> parameters);

/// What `s3://…` says.  Other fields of `location` win over it.
struct S3UrlParts {
  std::string access_key_id, secret_access_key;
};
Result<S3UrlParts> take_s3_url(S3Location* location);

/// Turns keys into the places where requests go.
class S3Address {
 public:
  struct Target {
    std::string origin;  ///< `https://host:port`
    std::string host;    ///< as the Host header has it
    std::string path;    ///< encoded, begins with '/'
  };
  /// invalid when something is missing or malformed.  `location.region` must be set.
  static Result<S3Address> make(const S3Location& location);

  /// `key` without the prefix.
  Target object(std::string_view key) const;
  Target bucket() const;
  /// `bucket/prefix+key`, encoded, as copies name their source.
  std::string copy_source(std::string_view key) const;
  const std::string& prefix() const { return prefix_; }
  const std::string& region() const { return region_; }
  const std::string& bucket_name() const { return bucket_; }
  /// For messages: `s3://bucket/prefix at host`.
  std::string describe() const;

 private:
  std::string bucket_, prefix_, region_, scheme_, host_;  ///< host_ with the bucket and the port, if any
  bool path_style_ = false;
};

}  // namespace cordwood
