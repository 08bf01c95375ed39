// SPDX-License-Identifier: Apache-2.0
#include "storage/s3_lease.h"

#include "storage/s3_objects.h"

namespace cordwood {

namespace {

class S3LeaseObject final : public LeaseObject {
 public:
  S3LeaseObject(S3Client& client, std::string key) : client_(client), key_(std::move(key)) {}

  Result<std::string> read(int64_t timeout_ns) override {
    S3Call call = call_of("get", "GET", timeout_ns);
    TRY_ASSIGN(S3Reply reply, client_.call(call));
    if (reply.failure.code == "NoSuchKey") return Error::not_found("the lease of the bucket");
    if (!reply.ok()) return client_.refused(call, reply);
    return std::move(reply.http.body);
  }

  Result<void> write(std::string_view text, int64_t timeout_ns) override {
    S3Call call = call_of("put", "PUT", timeout_ns);
    // In the bucket's own class: others may not be written over before some months.
    call.fields = s3_new_object_fields(client_.options(), {key_, "STANDARD", ""});
    call.body = text;
    TRY_ASSIGN(const S3Reply reply, client_.call(call));
    return reply.ok() ? Result<void>() : client_.refused(call, reply);
  }

 private:
  S3Call call_of(const char* op, const char* method, int64_t timeout_ns) const {
    S3Call call;
    call.op = op;
    call.method = method;
    call.key = key_;
    call.timeout_ns = timeout_ns;
    call.of_lease = true;
    return call;
  }

  S3Client& client_;
  const std::string key_;
};

}  // namespace

std::string node_lease_key(const std::string& node) {
  return kLeasePrefix + ("node/" + node);
}

std::unique_ptr<LeaseObject> make_s3_lease_object(S3Client& client, std::string key) {
  return std::make_unique<S3LeaseObject>(client, std::move(key));
}

}  // namespace cordwood
