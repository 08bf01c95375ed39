// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <charconv>

#include "storage/s3_objects.h"
#include "storage/s3_time.h"

namespace cordwood {

namespace {

constexpr uint64_t kMaxCopyBytes = 5ull << 30;  ///< larger ones are copied in parts
constexpr uint64_t kCopyPartBytes = 1ull << 30;

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
    TRY(check_s3_key(key, client_.address().prefix().size()));
    return make_s3_upload(objects_, {key, storage_class, client_.env().random->hex128()}, if_absent_);
  }

  Result<ObjectTier> tier(const std::string& key) override {
    TRY(check_s3_key(key, client_.address().prefix().size()));
    TRY_ASSIGN(const HttpAnswer answer, objects_.head(key));
    return tier_of(answer);
  }

  Result<void> change_class(const std::string& key, const std::string& storage_class) override {
    TRY(check_s3_key(key, client_.address().prefix().size()));
    TRY_ASSIGN(const HttpAnswer answer, objects_.head(key));
    if (tier_of(answer).storage_class == storage_class) return {};
    uint64_t size = 0;
    const std::string_view length = answer.field("content-length");
    std::from_chars(length.data(), length.data() + length.size(), size);
    const S3NewObject object{key, storage_class, std::string(answer.field(kS3NameField))};
    if (size <= kMaxCopyBytes) return copy_whole(object, answer.field("etag"));
    return copy_parts(object, answer.field("etag"), size);
  }

  Result<void> restore(const std::string& key, uint32_t days, Speed speed) override {
    TRY(check_s3_key(key, client_.address().prefix().size()));
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
  S3Call copy_call(const S3NewObject& object, const char* op, std::string_view etag) const {
    S3Call call;
    call.op = op;
    call.method = "PUT";
    call.key = object.key;
    call.fields = {{"x-amz-copy-source", client_.address().copy_source(object.key)}};
    // What we looked at is what is copied.
    if (!etag.empty()) call.fields.emplace_back("x-amz-copy-source-if-match", etag);
    call.failure_in_success = true;
    return call;
  }

  Result<void> copied(const S3Call& call, const S3Reply& reply) const {
    if (reply.ok()) return {};
    if (reply.failure.code == "NoSuchKey") return Error::not_found(fmt::format("object {}", call.key));
    return client_.refused(call, reply);
  }

  Result<void> copy_whole(const S3NewObject& object, std::string_view etag) {
    S3Call call = copy_call(object, "copy", etag);
    for (auto& field : s3_new_object_fields(client_.options(), object)) call.fields.push_back(std::move(field));
    // STANDARD has to be said here: a copy does not keep the class, but the bucket's default need not be STANDARD.
    if (object.storage_class == "STANDARD") call.fields.emplace_back("x-amz-storage-class", "STANDARD");
    call.fields.emplace_back("x-amz-metadata-directive", "REPLACE");
    TRY_ASSIGN(const S3Reply reply, client_.call(call));
    return copied(call, reply);
  }

  /// Beyond 5 GB a copy is a multipart upload whose parts are ranges of the source.
  Result<void> copy_parts(const S3NewObject& object, std::string_view etag, uint64_t size) {
    S3Call begin;
    begin.op = "create_multipart";
    begin.method = "POST";
    begin.key = object.key;
    begin.query = {{"uploads", ""}};
    begin.fields = s3_new_object_fields(client_.options(), object);
    TRY_ASSIGN(const S3Reply begun, client_.call(begin));
    if (!begun.ok()) return client_.refused(begin, begun);
    TRY_ASSIGN(const std::string id, parse_upload_id(begun.http.body));
    const Result<void> done = copy_ranges(object, etag, size, id);
    if (done.ok()) return {};
    S3Call abort;
    abort.op = "abort_multipart";
    abort.method = "DELETE";
    abort.key = object.key;
    abort.query = {{"uploadId", id}};
    static_cast<void>(client_.call(abort).ok());  // what stays is for the bucket's own rule (README)
    return done;
  }

  Result<void> copy_ranges(const S3NewObject& object, std::string_view etag, uint64_t size, const std::string& id) {
    std::vector<std::string> etags;
    for (uint64_t offset = 0; offset < size; offset += kCopyPartBytes) {
      S3Call call = copy_call(object, "copy_part", etag);
      call.query = {{"partNumber", std::to_string(etags.size() + 1)}, {"uploadId", id}};
      const uint64_t end = std::min(size, offset + kCopyPartBytes) - 1;
      call.fields.emplace_back("x-amz-copy-source-range", fmt::format("bytes={}-{}", offset, end));
      TRY_ASSIGN(const S3Reply reply, client_.call(call));
      TRY(copied(call, reply));
      TRY_ASSIGN(std::string part, parse_result_etag(reply.http.body));
      etags.push_back(std::move(part));
    }
    S3Call call;
    call.op = "complete_multipart";
    call.method = "POST";
    call.key = object.key;
    call.query = {{"uploadId", id}};
    call.fields = {{"content-type", "application/xml"}};
    const std::string body = print_complete_upload(etags);
    call.body = body;
    call.failure_in_success = true;
    TRY_ASSIGN(const S3Reply reply, client_.call(call));
    return copied(call, reply);
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
