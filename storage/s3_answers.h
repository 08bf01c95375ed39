// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "storage/base/object_store.h"
#include "storage/base/result.h"
#include "storage/s3_signature.h"

namespace cordwood {

/// `<Error>`: what it says; empty when the text is none.
struct S3Failure {
  std::string code;
  std::string message;
  std::string region;  ///< of the bucket, when the request was for another
};
S3Failure parse_s3_failure(std::string_view xml);

/// `<ListBucketResult>`, keys as they are in the bucket.  corrupt when it is malformed or a key is out of order.
struct S3Listing {
  std::vector<ObjectInfo> objects;
  bool truncated = false;
  std::string next_token;
};
Result<S3Listing> parse_s3_listing(std::string_view xml);

/// `<ListMultipartUploadsResult>`: uploads that are not finished, keys as they are in the bucket.
struct S3Uploads {
  struct Upload {
    std::string key;
    std::string id;
    int64_t begun_ns = INT64_MAX;  ///< Unix time; INT64_MAX when it is not told
  };
  std::vector<Upload> uploads;
  bool truncated = false;
  std::string next_key;
  std::string next_id;
};
Result<S3Uploads> parse_s3_uploads(std::string_view xml);

/// `<InitiateMultipartUploadResult>`.
Result<std::string> parse_upload_id(std::string_view xml);
/// What completes an upload: ETags of the parts, in order.
std::string print_complete_upload(const std::vector<std::string>& etags);

/// What asks for several objects to be removed; only failures are to be answered.
std::string print_delete(const std::vector<std::string>& keys);
/// `<DeleteResult>`: the keys that were not removed, as they are in the bucket.  corrupt when it is none.
struct S3DeleteFailure {
  std::string key;
  S3Failure failure;
};
Result<std::vector<S3DeleteFailure>> parse_delete_failures(std::string_view xml);

/// `<AssumeRoleWithWebIdentityResponse>`.
Result<S3Credentials> parse_sts_credentials(std::string_view xml);
/// What containers and instances answer: AccessKeyId, SecretAccessKey, Token, Expiration.
Result<S3Credentials> parse_json_credentials(std::string_view json);

}  // namespace cordwood
