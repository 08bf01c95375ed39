// SPDX-License-Identifier: Apache-2.0
#include "storage/s3_objects.h"

#include <charconv>

#include "storage/s3_answers.h"
#include "storage/s3_hash.h"

namespace cordwood {

std::optional<uint64_t> s3_object_bytes(const HttpAnswer& answer) {
  const std::string_view text = answer.field("content-length");
  uint64_t value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || ec != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

HttpFields s3_new_object_fields(const S3Options& options, const S3NewObject& object) {
  HttpFields fields{{"content-type", "application/octet-stream"}};
  if (!object.name.empty()) fields.emplace_back(kS3NameField, object.name);
  const std::string& storage_class = object.storage_class.empty() ? options.storage_class : object.storage_class;
  if (!storage_class.empty() && storage_class != "STANDARD") fields.emplace_back("x-amz-storage-class", storage_class);
  if (options.sse_type == "SSE-S3") fields.emplace_back("x-amz-server-side-encryption", "AES256");
  if (options.sse_type == "SSE-KMS") {
    fields.emplace_back("x-amz-server-side-encryption", "aws:kms");
    if (!options.sse_kms_key_id.empty()) {
      fields.emplace_back("x-amz-server-side-encryption-aws-kms-key-id", options.sse_kms_key_id);
    }
    if (!options.sse_kms_context.empty()) {
      fields.emplace_back("x-amz-server-side-encryption-context", base64_of(options.sse_kms_context));
    }
  }
  return fields;
}

Result<S3Objects::Put> S3Objects::put(const S3NewObject& object, std::string_view data, bool if_absent,
                                      int64_t timeout_ns) {
  S3Call call;
  call.op = "put";
  call.method = "PUT";
  call.key = object.key;
  call.timeout_ns = timeout_ns;
  call.fields = s3_new_object_fields(client_.options(), object);
  if (if_absent) call.fields.emplace_back("if-none-match", "*");
  call.body = data;
  TRY_ASSIGN(const S3Reply reply, client_.call(call));
  if (reply.ok()) return Put::made;
  if (if_absent && reply.http.status == 412) return Put::taken;
  if (if_absent && (reply.http.status == 501 || reply.failure.code == "NotImplemented")) return Put::unsupported;
  return client_.refused(call, reply);
}

Result<HttpAnswer> S3Objects::head(const std::string& key) {
  S3Call call;
  call.op = "head";
  call.method = "HEAD";
  call.key = key;
  call.max_answer_bytes = 0;
  TRY_ASSIGN(S3Reply reply, client_.call(call));
  if (reply.http.status == 404) return Error::not_found(fmt::format("object {}", key));
  if (!reply.ok()) return client_.refused(call, reply);
  return std::move(reply.http);
}

Result<bool> S3Objects::is_ours(const S3NewObject& object) {
  TRY_ASSIGN(const HttpAnswer answer, head(object.key));
  return answer.field(kS3NameField) == object.name;
}

Result<void> S3Objects::remove(const std::string& key) {
  S3Call call;
  call.op = "delete";
  call.method = "DELETE";
  call.key = key;
  TRY_ASSIGN(const S3Reply reply, client_.call(call));
  if (reply.ok() || reply.failure.code == "NoSuchKey") return {};
  return client_.refused(call, reply);
}

Result<bool> S3Objects::remove_many(const std::vector<std::string>& keys, std::vector<std::string>* left) {
  const std::string& prefix = client_.address().prefix();
  std::vector<std::string> full;
  full.reserve(keys.size());
  for (const std::string& key : keys) full.push_back(prefix + key);
  const std::string body = print_delete(full);
  const std::string digest = md5(body);
  S3Call call;
  call.op = "delete_objects";
  call.method = "POST";
  call.query = {{"delete", ""}};
  call.fields = {{"content-type", "application/xml"}};
  if (!digest.empty()) {
    call.fields.emplace_back("content-md5", base64_of(digest));
  } else {
    call.fields.emplace_back("x-amz-checksum-sha256", base64_of(sha256(body)));
  }
  call.body = body;
  call.failure_in_success = true;
  TRY_ASSIGN(const S3Reply reply, client_.call(call));
  const std::string& code = reply.failure.code;
  const int status = reply.http.status;
  // Ceph refuses it (403) to a policy that allows objects below a prefix alone; AWS looks at each key.
  if (status == 501 || status == 405 || status == 403 || code == "NotImplemented") return false;
  if (!reply.ok()) return client_.refused(call, reply);
  Result<std::vector<S3DeleteFailure>> failures = parse_delete_failures(reply.http.body);
  if (!failures.ok()) return Error::unavailable(failures.error().message);
  for (S3DeleteFailure& failed : *failures) {
    if (failed.failure.code == "NoSuchKey") continue;
    if (!failed.key.starts_with(prefix)) return Error::unavailable("a deletion tells of keys of another prefix");
    left->push_back(failed.key.substr(prefix.size()));
  }
  return true;
}

Result<void> S3Objects::abort_upload(const std::string& key, const std::string& id) {
  constexpr int64_t kAbortTimeoutNs = 10'000'000'000;
  S3Call call;
  call.op = "abort_multipart";
  call.method = "DELETE";
  call.key = key;
  call.query = {{"uploadId", id}};
  call.timeout_ns = kAbortTimeoutNs;
  TRY_ASSIGN(const S3Reply reply, client_.call(call));
  if (reply.ok() || reply.failure.code == "NoSuchUpload") return {};
  return client_.refused(call, reply);
}

Result<S3Uploads> S3Objects::list_uploads(const std::string& prefix, const S3Uploads& after) {
  constexpr uint64_t kMaxListBytes = 8u << 20;
  const std::string& ours = client_.address().prefix();
  S3Call call;
  call.op = "list_uploads";
  call.method = "GET";
  call.query = {{"uploads", ""}, {"prefix", ours + prefix}, {"max-uploads", "1000"}};
  if (!after.next_key.empty()) {
    call.query.emplace_back("key-marker", after.next_key);
    call.query.emplace_back("upload-id-marker", after.next_id);
  }
  call.max_answer_bytes = kMaxListBytes;
  TRY_ASSIGN(const S3Reply reply, client_.call(call));
  if (!reply.ok()) return client_.refused(call, reply);
  Result<S3Uploads> found = parse_s3_uploads(reply.http.body);
  if (!found.ok()) return Error::unavailable(found.error().message);
  for (S3Uploads::Upload& upload : found->uploads) {
    if (!upload.key.starts_with(ours + prefix))
      return Error::unavailable("a list of uploads has keys of another prefix");
    upload.key.erase(0, ours.size());
  }
  return found;
}

}  // namespace cordwood
