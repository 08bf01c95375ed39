// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "storage/s3_objects.h"

namespace cordwood {

namespace {

constexpr size_t kMaxParts = 10'000;

class S3Upload final : public ObjectUpload {
 public:
  S3Upload(S3Objects& objects, S3NewObject object, bool if_absent)
      : objects_(objects), client_(objects.client()), object_(std::move(object)), if_absent_(if_absent) {}
  ~S3Upload() override {
    if (!id_.empty() && !finished_) abort();
  }

  Result<void> append(std::string_view data) override {
    TRY(status_);
    const size_t part_bytes = client_.options().part_bytes;
    while (!data.empty()) {
      const size_t taken = std::min(data.size(), part_bytes - buffer_.size());
      buffer_.append(data.substr(0, taken));
      data.remove_prefix(taken);
      // The last part waits: an object that fits into one part is put at once.
      if (buffer_.size() < part_bytes || data.empty()) continue;
      status_ = send_part();
      TRY(status_);
    }
    return {};
  }

  Result<void> finish() override {
    CHECK(!finished_, "{}: finished twice", object_.key);
    TRY(status_);
    status_ = id_.empty() ? put_whole() : complete();
    TRY(status_);
    finished_ = true;
    return {};
  }

 private:
  S3Call call_of(const char* op, const char* method) const {
    S3Call call;
    call.op = op;
    call.method = method;
    call.key = object_.key;
    return call;
  }
  Error taken() const { return Error::invalid(fmt::format("object {} exists already", object_.key)); }

  Result<void> put_whole() {
    TRY_ASSIGN(const S3Objects::Put put, objects_.put(object_, buffer_, if_absent_));
    if (put == S3Objects::Put::made) return {};
    if (put == S3Objects::Put::unsupported) return Error::unavailable("the bucket takes no condition any more");
    TRY_ASSIGN(const bool ours, objects_.is_ours(object_));
    return ours ? Result<void>() : taken();
  }

  Result<void> begin() {
    S3Call call = call_of("create_multipart", "POST");
    call.query = {{"uploads", ""}};
    call.fields = s3_new_object_fields(client_.options(), object_);
    TRY_ASSIGN(const S3Reply reply, client_.call(call));
    if (!reply.ok()) return client_.refused(call, reply);
    Result<std::string> id = parse_upload_id(reply.http.body);
    if (!id.ok()) return Error::unavailable(fmt::format("{}: {}", object_.key, id.error().message));
    id_ = std::move(id).value();
    return {};
  }

  Result<void> send_part() {
    if (id_.empty()) TRY(begin());
    if (etags_.size() >= kMaxParts) {
      return Error::exhausted(fmt::format("object {}: more than {} parts", object_.key, kMaxParts));
    }
    S3Call call = call_of("upload_part", "PUT");
    call.query = {{"partNumber", std::to_string(etags_.size() + 1)}, {"uploadId", id_}};
    call.body = buffer_;
    TRY_ASSIGN(const S3Reply reply, client_.call(call));
    if (!reply.ok()) return client_.refused(call, reply);
    const std::string_view etag = reply.http.field("etag");
    if (etag.empty()) return Error::unavailable(fmt::format("object {}: a part without an ETag", object_.key));
    etags_.emplace_back(etag);
    buffer_.clear();
    return {};
  }

  /// An answer that was lost makes the next try find no upload, or the key taken: then the object tells whose it is.
  Result<void> complete() {
    if (!buffer_.empty()) TRY(send_part());
    S3Call call = call_of("complete_multipart", "POST");
    call.query = {{"uploadId", id_}};
    call.fields = {{"content-type", "application/xml"}};
    if (if_absent_) call.fields.emplace_back("if-none-match", "*");
    const std::string body = print_complete_upload(etags_);
    call.body = body;
    call.failure_in_success = true;
    TRY_ASSIGN(const S3Reply reply, client_.call(call));
    if (reply.ok()) return {};
    const bool gone = reply.failure.code == "NoSuchUpload";
    const bool exists = reply.http.status == 412 || reply.failure.code == "PreconditionFailed";
    if (!gone && !exists) return client_.refused(call, reply);
    const Result<bool> ours = objects_.is_ours(object_);
    if (!ours.ok() && ours.error().kind == ErrorKind::not_found) return client_.refused(call, reply);
    TRY(ours.ok() ? Result<void>() : Result<void>(ours.error()));
    return *ours ? Result<void>() : taken();
  }

  /// Parts that are left behind cost money; what cannot be removed now goes by ObjectStore::abort_uploads().
  void abort() {
    const Result<void> aborted = objects_.abort_upload(object_.key, id_);
    if (aborted.ok()) return;
    client_.env().log->warn("an upload that was given up could not be aborted",
                            {{"key", object_.key}, {"error", aborted.error().message}});
  }

  S3Objects& objects_;
  S3Client& client_;
  const S3NewObject object_;
  const bool if_absent_;
  std::string id_;
  std::string buffer_;
  std::vector<std::string> etags_;
  Result<void> status_;  ///< the first failure: after it nothing may count
  bool finished_ = false;
};

}  // namespace

std::unique_ptr<ObjectUpload> make_s3_upload(S3Objects& objects, S3NewObject object, bool if_absent) {
  return std::make_unique<S3Upload>(objects, std::move(object), if_absent);
}

}  // namespace cordwood
