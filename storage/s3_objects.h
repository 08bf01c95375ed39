// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/mutex.h"
#include "storage/base/object_tiers.h"
#include "storage/object_key.h"
#include "storage/s3_client.h"

namespace cordwood {

/// How an object is to be made.
struct S3NewObject {
  std::string key;
  std::string storage_class;  ///< empty: the options'
  std::string name;           ///< of this attempt, kept with the object (kS3NameField)
};

/// Names the attempt that made an object.
constexpr const char* kS3NameField = "x-amz-meta-cordwood-name";

/// The length that an answer tells of its object; nothing when it tells none.
std::optional<uint64_t> s3_object_bytes(const HttpAnswer& answer);
/// Storage class, encryption and name as fields of a request that makes an object.
HttpFields s3_new_object_fields(const S3Options& options, const S3NewObject& object);
/// Single requests on objects; what they mean together is s3_store.cc's matter.  Thread-safe.
class S3Objects {
 public:
  explicit S3Objects(S3Client& client) : client_(client) {}

  enum class Put : unsigned char {
    made,
    taken,       ///< maybe by an earlier try of ours: see is_ours()
    unsupported  ///< the server knows no condition
  };
  /// With `if_absent` an object that is there stays.  `timeout_ns`: 0 for the options'.
  Result<Put> put(const S3NewObject& object, std::string_view data, bool if_absent, int64_t timeout_ns = 0);
  /// Whether the object at a key was made under this name; not_found.
  Result<bool> is_ours(const S3NewObject& object);
  Result<HttpAnswer> head(const std::string& key);
  Result<void> remove(const std::string& key);
  /// At most kMaxRemoved at once; those that stayed are `left`.  False when the server does not
  /// know how, or does not let us.
  Result<bool> remove_many(const std::vector<std::string>& keys, std::vector<std::string>* left);
  static constexpr size_t kMaxRemoved = 1000;

  /// Success when there is no such upload (any more).
  Result<void> abort_upload(const std::string& key, const std::string& id);
  /// Uploads that are not finished, of keys that start with `prefix`; `after`: the page before.
  Result<S3Uploads> list_uploads(const std::string& prefix, const S3Uploads& after);

  /// Whether the store takes such a key.
  Result<void> check_key(std::string_view key) const {
    return check_object_key(key, {.prefix_bytes = client_.address().prefix().size()});
  }
  S3Client& client() { return client_; }

 private:
  S3Client& client_;
};

/// A multipart upload, or a single put when it stays small.  With `if_absent` finish() answers invalid when the key is
/// taken by another.
std::unique_ptr<ObjectUpload> make_s3_upload(S3Objects& objects, S3NewObject object, bool if_absent);

/// Storage classes over the bucket's API.  `if_absent` as above.
std::unique_ptr<ObjectTiers> make_s3_tiers(S3Objects& objects, bool if_absent);

}  // namespace cordwood
