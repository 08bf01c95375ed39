// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include "storage/s3_objects.h"
#include "storage/s3_time.h"

namespace cordwood {

namespace {

constexpr uint64_t kMaxCopyBytes = 5ull << 30;  ///< of one request, as AWS has it; segments are far smaller

bool is_archive(std::string_view storage_class) {
  return storage_class == "GLACIER" || storage_class == "DEEP_ARCHIVE";
}

/// `ongoing-request="false", expiry-date="Fri, 21 Dec 2012 00:00:00 GMT"`.
void read_restore(std::string_view text, ObjectTier* tier) {
  if (text.find("ongoing-request=\"true\"") != std::string_view::npos) {
    tier->access = ObjectTier::Access::restoring;
    return;
  }
  if (text.find("ongoing-request=\"false\"") == std::string_view::npos) return;
  tier->access = ObjectTier::Access::restored;
  static constexpr std::string_view kMark = "expiry-date=\"";
  const size_t at = text.find(kMark);
  if (at == std::string_view::npos) return;
  text.remove_prefix(at + kMark.size());
  tier->restored_until_ns = parse_http_time(text.substr(0, text.find('"'))).value_or(0);
}

ObjectTier tier_of(const HttpAnswer& answer) {
  ObjectTier tier;
  tier.storage_class = answer.field("x-amz-storage-class");
  if (tier.storage_class.empty()) tier.storage_class = "STANDARD";
  const bool archived = is_archive(tier.storage_class) || !answer.field("x-amz-archive-status").empty();
  if (archived) tier.access = ObjectTier::Access::archived;
  if (archived) read_restore(answer.field("x-amz-restore"), &tier);
  return tier;
}

class S3Tiers final : public ObjectTiers {
 public:
  S3Tiers(S3Objects& objects, bool if_absent) : objects_(objects), client_(objects.client()), if_absent_(if_absent) {}

  Result<std::unique_ptr<ObjectUpload>> upload_as(const std::string& key, const std::string& storage_class) override {
    TRY(objects_.check_key(key));
    return make_s3_upload(objects_, {key, storage_class, client_.env().random->hex128()}, if_absent_);
  }

  Result<ObjectTier> tier(const std::string& key) override {
    TRY(objects_.check_key(key));
    TRY_ASSIGN(const HttpAnswer answer, objects_.head(key));
    return tier_of(answer);
  }

  Result<void> change_class(const std::string& key, const std::string& storage_class) override {
    TRY(objects_.check_key(key));
    TRY_ASSIGN(const HttpAnswer answer, objects_.head(key));
    if (tier_of(answer).storage_class == storage_class) return {};
    const uint64_t size = s3_object_bytes(answer).value_or(0);
    const S3NewObject object{key, storage_class, std::string(answer.field(kS3NameField))};
    if (size > kMaxCopyBytes) return Error::exhausted(fmt::format("object {}: {} bytes to copy at once", key, size));
    return copy(object, answer.field("etag"));
  }

  Result<void> restore(const std::string& key, uint32_t days, Speed speed) override {
    TRY(objects_.check_key(key));
    static constexpr const char* kSpeeds[] = {"Bulk", "Standard", "Expedited"};
    S3Call call;
    call.op = "restore";
    call.method = "POST";
    call.key = key;
    call.query = {{"restore", ""}};
    call.fields = {{"content-type", "application/xml"}};
    const std::string body =
        fmt::format(R"(<RestoreRequest xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Days>{}</Days>)"
                    R"(<GlacierJobParameters><Tier>{}</Tier></GlacierJobParameters></RestoreRequest>)",
                    days, kSpeeds[static_cast<size_t>(speed)]);
    call.body = body;
    TRY_ASSIGN(const S3Reply reply, client_.call(call));
    if (reply.ok() || reply.failure.code == "RestoreAlreadyInProgress") return {};
    if (reply.failure.code == "NoSuchKey") return Error::not_found(fmt::format("object {}", key));
    if (reply.failure.code != "InvalidObjectState") return client_.refused(call, reply);
    // Not archived (any more), or a class that needs no restoring.
    TRY_ASSIGN(const ObjectTier now, tier(key));
    return now.access == ObjectTier::Access::archived ? Result<void>(client_.refused(call, reply)) : Result<void>();
  }

 private:
  /// Onto itself.  What was looked at is what is copied.
  Result<void> copy(const S3NewObject& object, std::string_view etag) {
    S3Call call;
    call.op = "copy";
    call.method = "PUT";
    call.key = object.key;
    call.fields = s3_new_object_fields(client_.options(), object);
    // STANDARD has to be said here: the bucket's default need not be STANDARD.
    if (object.storage_class == "STANDARD") call.fields.emplace_back("x-amz-storage-class", "STANDARD");
    call.fields.emplace_back("x-amz-metadata-directive", "REPLACE");
    call.fields.emplace_back("x-amz-copy-source", client_.address().copy_source(object.key));
    if (!etag.empty()) call.fields.emplace_back("x-amz-copy-source-if-match", etag);
    call.failure_in_success = true;
    TRY_ASSIGN(const S3Reply reply, client_.call(call));
    if (reply.ok()) return {};
    if (reply.failure.code == "NoSuchKey") return Error::not_found(fmt::format("object {}", object.key));
    return client_.refused(call, reply);
  }

  S3Objects& objects_;
  S3Client& client_;
  const bool if_absent_;
};

}  // namespace

std::unique_ptr<ObjectTiers> make_s3_tiers(S3Objects& objects, bool if_absent) {
  return std::make_unique<S3Tiers>(objects, if_absent);
}

}  // namespace cordwood
