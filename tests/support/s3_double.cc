// SPDX-License-Identifier: Apache-2.0
#include "tests/support/s3_double.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <thread>

#include "storage/s3_address.h"
#include "storage/s3_hash.h"
#include "storage/s3_time.h"
#include "storage/s3_xml.h"

namespace cordwood {

/// A request, taken apart.
struct S3Double::Call {
  const HttpDouble::Request* request = nullptr;
  std::string path;  ///< raw
  std::map<std::string, std::string> query;
  std::string raw_query;
  std::string key;
  std::string op;

  bool asks(const std::string& name) const { return query.contains(name); }
  std::string parameter(const std::string& name) const {
    const auto found = query.find(name);
    return found == query.end() ? "" : found->second;
  }
  std::string_view field(std::string_view name) const { return request->field(name); }
};

namespace {

HttpDouble::Reply xml(const std::string& body) {
  HttpDouble::Reply reply;
  reply.fields = {{"content-type", "application/xml"}};
  reply.body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + body;
  return reply;
}

std::vector<std::string> split(std::string_view text, char mark) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const size_t end = std::min(text.find(mark), text.size());
    if (end > 0) parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

bool is_archived(const S3Double::Object& object) {
  const bool archive = object.storage_class == "GLACIER" || object.storage_class == "DEEP_ARCHIVE";
  return archive && object.restore.find("\"false\"") == std::string::npos;
}

bool known_class(const std::string& name) {
  static const std::set<std::string> kKnown{"STANDARD", "STANDARD_IA", "ONEZONE_IA",  "INTELLIGENT_TIERING",
                                            "GLACIER",  "GLACIER_IR",  "DEEP_ARCHIVE"};
  return kKnown.contains(name);
}

std::string etag_of(const std::string& bytes) {
  return "\"" + hex_of(sha256(bytes)).substr(0, 32) + "\"";
}

std::string op_of(const std::string& method, bool of_bucket, const std::map<std::string, std::string>& query,
                  bool copies) {
  const bool part = query.contains("partNumber");
  if (of_bucket && method == "POST" && query.contains("delete")) return "delete_objects";
  if (of_bucket && method == "GET" && query.contains("uploads")) return "list_uploads";
  if (of_bucket) return method == "GET" && query.contains("list-type") ? "list" : "?";
  if (method == "GET" && query.empty()) return "get";
  if (method == "HEAD" && query.empty()) return "head";
  if (method == "PUT" && part && query.contains("uploadId")) return copies ? "copy_part" : "upload_part";
  if (method == "PUT" && query.empty()) return copies ? "copy" : "put";
  if (method == "DELETE" && query.contains("uploadId")) return "abort_multipart";
  if (method == "DELETE" && query.empty()) return "delete";
  if (method == "POST" && query.contains("uploads")) return "create_multipart";
  if (method == "POST" && query.contains("uploadId")) return "complete_multipart";
  if (method == "POST" && query.contains("restore")) return "restore";
  return "?";
}

}  // namespace

HttpDouble::Reply S3Double::failure(int status, const std::string& code) {
  HttpDouble::Reply reply;
  reply.status = status;
  reply.fields = {{"content-type", "application/xml"}};
  reply.body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>" + code +
               "</Code><Message>refused &amp; told" + "</Message><RequestId>1</RequestId></Error>";
  return reply;
}

S3Double::S3Double(Options options)
    : options_(std::move(options)), server_([this](const HttpDouble::Request& request) {
        const size_t now = ++at_once_;
        for (size_t most = most_at_once_; most < now && !most_at_once_.compare_exchange_weak(most, now);) {
        }
        if (latency_ns_ > 0) std::this_thread::sleep_for(std::chrono::nanoseconds(latency_ns_));
        HttpDouble::Reply reply = handle(request);
        --at_once_;
        return reply;
      }) {}

void S3Double::set_faults(Faults faults) {
  const MutexLock lock(mu_);
  faults_ = std::move(faults);
}

void S3Double::set_answers(Answers answers) {
  const MutexLock lock(mu_);
  answers_ = std::move(answers);
}

std::vector<S3Double::Seen> S3Double::seen() const {
  const MutexLock lock(mu_);
  return seen_;
}

std::map<std::string, S3Double::Object> S3Double::objects() const {
  const MutexLock lock(mu_);
  return objects_;
}

void S3Double::put(const std::string& key, const std::string& bytes) {
  const MutexLock lock(mu_);
  Object object;
  object.bytes = bytes;
  object.etag = etag_of(bytes);
  object.made = ++made_;
  objects_[key] = std::move(object);
}

size_t S3Double::open_uploads() const {
  const MutexLock lock(mu_);
  return uploads_.size();
}

uint64_t S3Double::refused_signatures() const {
  const MutexLock lock(mu_);
  return refused_;
}

void S3Double::finish_restores() {
  const MutexLock lock(mu_);
  for (auto& [key, object] : objects_) {
    if (!object.restore.empty()) {
      object.restore = R"(ongoing-request="false", expiry-date="Fri, 21 Dec 2040 00:00:00 GMT")";
    }
  }
}

HttpDouble::Reply S3Double::handle(const HttpDouble::Request& request) {
  const MutexLock lock(mu_);
  Call call;
  Reply refused = check(request, &call);
  const S3Fault fault = faults_ ? faults_({call.op, call.key, request}) : S3Fault::none;
  seen_.push_back({call.op, call.key, request});
  if (fault == S3Fault::hang_up) {
    Reply reply;
    reply.hang_up = true;
    return reply;
  }
  if (fault == S3Fault::error_500) return failure(500, "InternalError");
  if (fault == S3Fault::slow_down) return failure(503, "SlowDown");
  if (fault == S3Fault::throttled) return failure(429, "TooManyRequests");
  if (fault == S3Fault::conflict) return failure(409, "ConditionalRequestConflict");
  if (fault == S3Fault::late_failure) {
    Reply reply = failure(500, "InternalError");
    reply.status = 200;
    return reply;
  }
  std::optional<Reply> instead = answers_ ? answers_({call.op, call.key, request}) : std::nullopt;
  if (refused.status != 200) instead = std::move(refused);
  Reply reply = instead ? std::move(*instead) : perform(call, fault);
  if (request.method == "HEAD") reply.body.clear();
  if (fault == S3Fault::lost_answer) reply.hang_up = true;
  if (fault == S3Fault::lost_to_500) return failure(500, "InternalError");
  if (fault == S3Fault::cut_body) reply.cut_at = reply.body.size() / 2;
  if (fault == S3Fault::slow_body) reply.stall = true;
  return reply;
}

/// 200 when the request is well formed and signed.
HttpDouble::Reply S3Double::check(const HttpDouble::Request& request, Call* call) {
  call->request = &request;
  const size_t mark = request.target.find('?');
  call->path = request.target.substr(0, mark);
  call->raw_query = mark == std::string::npos ? "" : request.target.substr(mark + 1);
  for (const std::string& pair : split(call->raw_query, '&')) {
    const size_t equals = pair.find('=');
    const std::string name = s3_decode(pair.substr(0, equals));
    call->query[name] = equals == std::string::npos ? "" : s3_decode(pair.substr(equals + 1));
  }
  std::string path = call->path;
  if (!options_.virtual_host) {
    const std::string begin = "/" + options_.bucket;
    if (!path.starts_with(begin)) return failure(404, "NoSuchBucket");
    path.erase(0, begin.size());
  }
  const std::string host = std::string(request.field("host"));
  const bool ours = host.starts_with("127.0.0.1:") || host.starts_with("localhost:");
  if (!options_.virtual_host && !ours) return failure(400, "InvalidHost");
  if (options_.virtual_host && !host.starts_with(options_.bucket + ".")) return failure(400, "InvalidHost");
  if (path.starts_with('/')) path.erase(0, 1);
  call->key = s3_decode(path);
  if (s3_encode(call->key, true) != path) return failure(400, "InvalidURI");
  call->op = op_of(request.method, call->key.empty(), call->query, !call->field("x-amz-copy-source").empty());
  if (call->op == "?") return failure(405, "MethodNotAllowed");
  const bool has_body = request.method == "PUT" || request.method == "POST";
  if (has_body && request.field("content-length").empty()) return failure(411, "MissingContentLength");
  return check_signature(request, *call);
}

/// Signature version 4, read from the wire.
HttpDouble::Reply S3Double::check_signature(const HttpDouble::Request& request, const Call& call) {
  const auto refuse = [this](const std::string& code) NO_THREAD_SAFETY_ANALYSIS {
    ++refused_;
    return failure(403, code);
  };
  const std::string authorization(request.field("authorization"));
  const auto part = [&authorization](const std::string& name) {
    const size_t at = authorization.find(name + "=");
    if (at == std::string::npos) return std::string();
    const size_t begin = at + name.size() + 1;
    return authorization.substr(begin, authorization.find(',', begin) - begin);
  };
  if (!authorization.starts_with("AWS4-HMAC-SHA256 ")) return refuse("AccessDenied");
  const std::vector<std::string> scope = split(part("Credential"), '/');
  const std::string time(request.field("x-amz-date"));
  if (scope.size() != 5 || scope[0] != options_.access_key_id) return refuse("InvalidAccessKeyId");
  if (scope[1] != time.substr(0, 8) || scope[2] != options_.region || scope[3] != "s3" || scope[4] != "aws4_request") {
    return refuse("AuthorizationHeaderMalformed");
  }
  Clock* clock = options_.clock;
  const int64_t now_ns = clock != nullptr ? clock->now_ns() : system_clock_.now_ns();
  if (print_amz_time(now_ns - 900'000'000'000) > time || print_amz_time(now_ns + 900'000'000'000) < time) {
    Reply reply = failure(403, "RequestTimeTooSkewed");
    const std::string day = print_amz_time(now_ns);
    static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    reply.fields.emplace_back("date", "Mon, " + day.substr(6, 2) + " " + kMonths[std::stoi(day.substr(4, 2)) - 1] +
                                          " " + day.substr(0, 4) + " " + day.substr(9, 2) + ":" + day.substr(11, 2) +
                                          ":" + day.substr(13, 2) + " GMT");
    return reply;
  }
  if (!options_.session_token.empty() && request.field("x-amz-security-token") != options_.session_token) {
    return refuse("ExpiredToken");
  }
  const std::string hash(request.field("x-amz-content-sha256"));
  if (hash != "UNSIGNED-PAYLOAD" && hash != hex_of(sha256(request.body)))
    return failure(400, "XAmzContentSHA256Mismatch");
  std::vector<std::string> names = split(part("SignedHeaders"), ';');
  for (const auto& [name, value] : request.fields) {
    const bool must = name == "host" || name.starts_with("x-amz-") || name == "if-none-match" || name == "range";
    if (must && std::find(names.begin(), names.end(), name) == names.end()) return refuse("UnsignedHeader");
  }
  if (!std::is_sorted(names.begin(), names.end())) return refuse("AuthorizationHeaderMalformed");
  std::vector<std::string> pairs;
  for (std::string pair : split(call.raw_query, '&')) {
    pairs.push_back(pair.find('=') == std::string::npos ? pair + "=" : pair);
  }
  std::sort(pairs.begin(), pairs.end());
  std::string query;
  for (const std::string& pair : pairs) query += (query.empty() ? "" : "&") + pair;
  std::string canonical = request.method + "\n" + call.path + "\n" + query + "\n";
  for (const std::string& name : names) canonical += name + ":" + std::string(request.field(name)) + "\n";
  canonical += "\n" + part("SignedHeaders") + "\n" + hash;
  const std::string to_sign =
      "AWS4-HMAC-SHA256\n" + time + "\n" + scope[1] + "/" + scope[2] + "/s3/aws4_request\n" + hex_of(sha256(canonical));
  std::string key = "AWS4" + options_.secret_access_key;
  for (const char* step : {scope[1].c_str(), scope[2].c_str(), "s3", "aws4_request"}) key = hmac_sha256(key, step);
  if (hex_of(hmac_sha256(key, to_sign)) != part("Signature")) return refuse("SignatureDoesNotMatch");
  return {};
}

HttpDouble::Reply S3Double::perform(const Call& call, S3Fault fault) {
  if (call.op == "put") return put_object(call);
  if (call.op == "get" || call.op == "head") return get_object(call);
  if (call.op == "copy") return copy_object(call);
  if (call.op == "list") return list(call, fault == S3Fault::stale_list);
  if (call.op == "list_uploads") return list_uploads(call);
  if (call.op == "delete_objects") return remove_many(call, fault == S3Fault::half_done);
  if (call.op == "create_multipart") return begin_upload(call);
  if (call.op == "upload_part") return put_part(call);
  if (call.op == "complete_multipart") return complete_upload(call);
  if (call.op == "restore") return restore(call);
  Reply done;
  done.status = 204;
  if (call.op == "delete") objects_.erase(call.key);
  if (call.op == "abort_multipart" && uploads_.erase(call.parameter("uploadId")) == 0)
    return failure(404, "NoSuchUpload");
  return done;
}

namespace {

/// Class, encryption and metadata of an object to be made; a code when they are refused.
std::string read_new_object(const HttpDouble::Request& request, S3Double::Object* object) {
  for (const auto& [name, value] : request.fields) {
    if (name == "x-amz-storage-class") object->storage_class = value;
    if (name.starts_with("x-amz-meta-") || name.starts_with("x-amz-server-side-")) object->metadata[name] = value;
  }
  if (!known_class(object->storage_class)) return "InvalidStorageClass";
  const auto sse = object->metadata.find("x-amz-server-side-encryption");
  if (sse != object->metadata.end() && sse->second != "AES256" && sse->second != "aws:kms") return "InvalidArgument";
  return "";
}

}  // namespace

HttpDouble::Reply S3Double::put_object(const Call& call) {
  Object object;
  if (const std::string code = read_new_object(*call.request, &object); !code.empty()) return failure(400, code);
  if (options_.conditional && call.field("if-none-match") == "*" && objects_.contains(call.key)) {
    return failure(412, "PreconditionFailed");
  }
  object.bytes = call.request->body;
  object.etag = etag_of(object.bytes);
  object.made = ++made_;
  Reply reply;
  reply.fields = {{"etag", object.etag}};
  objects_[call.key] = std::move(object);
  return reply;
}

HttpDouble::Reply S3Double::remove_many(const Call& call, bool half) {
  const int status = options_.removes_many_status;
  if (status != 200) return failure(status, status == 403 ? "AccessDenied" : "NotImplemented");
  const std::string& body = call.request->body;
  const std::string_view md5_field = call.field("content-md5");
  const std::string_view sha_field = call.field("x-amz-checksum-sha256");
  if (md5_field.empty() && sha_field.empty()) return failure(400, "InvalidRequest");
  if (!md5_field.empty() && md5_field != base64_of(md5(body))) return failure(400, "BadDigest");
  if (!sha_field.empty() && sha_field != base64_of(sha256(body))) return failure(400, "BadDigest");
  std::vector<std::string> keys;
  bool quiet = false;
  XmlReader reader(body);
  for (;;) {
    Result<std::optional<XmlReader::Event>> event = reader.next();
    if (!event.ok()) return failure(400, "MalformedXML");
    if (!*event) break;
    XmlReader::Event& e = **event;
    if (!e.end) continue;
    if (e.depth == 3 && e.name == "Key") keys.push_back(std::move(e.text));
    if (e.depth == 2 && e.name == "Quiet") quiet = e.text == "true";
  }
  if (keys.empty() || keys.size() > 1000) return failure(400, "MalformedXML");
  std::string answer = "<DeleteResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
  for (size_t i = 0; i < keys.size(); ++i) {
    const std::string key = "<Key>" + keys[i] + "</Key>";
    if (half && i % 2 == 1) {
      answer += "<Error>" + key + "<Code>InternalError</Code><Message>again</Message></Error>";
    } else {
      objects_.erase(keys[i]);
      if (!quiet) answer += "<Deleted>" + key + "</Deleted>";
    }
  }
  return xml(answer + "</DeleteResult>");
}

HttpDouble::Reply S3Double::get_object(const Call& call) {
  const auto found = objects_.find(call.key);
  if (found == objects_.end()) return failure(404, "NoSuchKey");
  const Object& object = found->second;
  Reply reply;
  reply.fields = {{"etag", object.etag}, {"accept-ranges", "bytes"}};
  for (const auto& [name, value] : object.metadata) reply.fields.emplace_back(name, value);
  if (object.storage_class != "STANDARD") reply.fields.emplace_back("x-amz-storage-class", object.storage_class);
  if (!object.restore.empty()) reply.fields.emplace_back("x-amz-restore", object.restore);
  if (call.op == "head") {
    reply.fields.emplace_back("content-length", std::to_string(object.bytes.size()));
    return reply;
  }
  if (is_archived(object)) return failure(403, "InvalidObjectState");
  reply.body = object.bytes;
  const std::string range(call.field("range"));
  if (range.empty()) return reply;
  const size_t dash = range.find('-');
  if (!range.starts_with("bytes=") || dash == std::string::npos) return failure(400, "InvalidArgument");
  const uint64_t first = std::stoull(range.substr(6, dash - 6));
  const uint64_t last = std::stoull(range.substr(dash + 1));
  if (first >= object.bytes.size() || last < first) return failure(416, "InvalidRange");
  reply.status = 206;
  reply.body = object.bytes.substr(first, last - first + 1);
  reply.fields.emplace_back("content-range", "bytes " + std::to_string(first) + "-" +
                                                 std::to_string(first + reply.body.size() - 1) + "/" +
                                                 std::to_string(object.bytes.size()));
  return reply;
}

HttpDouble::Reply S3Double::copy_object(const Call& call) {
  const std::string source = s3_decode(std::string(call.field("x-amz-copy-source")));
  const std::string begin = options_.bucket + "/";
  const auto found = source.starts_with(begin) ? objects_.find(source.substr(begin.size())) : objects_.end();
  if (found == objects_.end()) return failure(404, "NoSuchKey");
  const std::string_view match = call.field("x-amz-copy-source-if-match");
  if (!match.empty() && match != found->second.etag) return failure(412, "PreconditionFailed");
  if (is_archived(found->second)) return failure(403, "InvalidObjectState");
  const bool replaces = call.field("x-amz-metadata-directive") == "REPLACE";
  if (found->first == call.key && !replaces && call.field("x-amz-storage-class").empty()) {
    return failure(400, "InvalidRequest");
  }
  Object object;
  if (const std::string code = read_new_object(*call.request, &object); !code.empty()) return failure(400, code);
  if (!replaces) object.metadata = found->second.metadata;
  object.bytes = found->second.bytes;
  object.etag = found->second.etag;
  object.made = ++made_;
  const std::string etag = object.etag;
  objects_[call.key] = std::move(object);
  return xml("<CopyObjectResult><ETag>" + etag + "</ETag></CopyObjectResult>");
}

HttpDouble::Reply S3Double::list(const Call& call, bool stale) {
  if (call.parameter("list-type") != "2" || call.parameter("encoding-type") != "url") {
    return failure(400, "InvalidArgument");
  }
  const std::string prefix = call.parameter("prefix");
  const std::string token = call.parameter("continuation-token");
  if (call.asks("continuation-token") && !token.starts_with("after ")) return failure(400, "InvalidArgument");
  const std::string after = token.empty() ? call.parameter("start-after") : token.substr(6);
  const size_t limit =
      std::min<size_t>(options_.page, call.asks("max-keys") ? std::stoul(call.parameter("max-keys")) : 1000);
  std::string body =
      "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><EncodingType>url</EncodingType>";
  std::string last;
  size_t count = 0;
  bool truncated = false;
  for (const auto& [key, object] : objects_) {
    if (!key.starts_with(prefix) || key <= after || (stale && object.made == made_)) continue;
    if (count == limit) {
      truncated = true;
      break;
    }
    ++count;
    last = key;
    body += "<Contents><Key>" + s3_encode(key, false) + "</Key><Size>" + std::to_string(object.bytes.size()) +
            "</Size><ETag>&quot;x&quot;</ETag></Contents>";
  }
  body += std::string("<IsTruncated>") + (truncated ? "true" : "false") + "</IsTruncated>";
  if (truncated) body += "<NextContinuationToken>after " + last + "</NextContinuationToken>";
  return xml(body + "</ListBucketResult>");
}

/// By key, then as they were begun; a marker of key and id names the last of the page before.
HttpDouble::Reply S3Double::list_uploads(const Call& call) {
  std::map<std::pair<std::string, std::string>, const Upload*> sorted;
  for (const auto& [id, upload] : uploads_) sorted[{upload.key, id}] = &upload;
  const std::pair<std::string, std::string> after{call.parameter("key-marker"), call.parameter("upload-id-marker")};
  std::string body;
  std::pair<std::string, std::string> last;
  size_t count = 0;
  bool truncated = false;
  for (const auto& [name, upload] : sorted) {
    if (!name.first.starts_with(call.parameter("prefix")) || (!after.first.empty() && name <= after)) continue;
    if (count == options_.page) {
      truncated = true;
      break;
    }
    ++count;
    last = name;
    const std::string t = print_amz_time(upload->begun_ns);  // 20130524T000000Z
    const std::string begun = t.substr(0, 4) + "-" + t.substr(4, 2) + "-" + t.substr(6, 5) + ":" + t.substr(11, 2) +
                              ":" + t.substr(13, 2) + ".000Z";
    body += "<Upload><Key>" + name.first + "</Key><UploadId>" + name.second + "</UploadId><Initiated>" + begun +
            "</Initiated></Upload>";
  }
  if (truncated) {
    body +=
        "<NextKeyMarker>" + last.first + "</NextKeyMarker><NextUploadIdMarker>" + last.second + "</NextUploadIdMarker>";
  }
  return xml("<ListMultipartUploadsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><IsTruncated>" +
             std::string(truncated ? "true" : "false") + "</IsTruncated>" + body + "</ListMultipartUploadsResult>");
}

HttpDouble::Reply S3Double::begin_upload(const Call& call) {
  Upload upload;
  upload.key = call.key;
  upload.begun_ns = options_.clock != nullptr ? options_.clock->now_ns() : system_clock_.now_ns();
  if (const std::string code = read_new_object(*call.request, &upload.object); !code.empty()) return failure(400, code);
  const std::string id = "upload+" + std::to_string(++made_) + "/=";
  uploads_[id] = std::move(upload);
  return xml("<InitiateMultipartUploadResult><UploadId>" + id + "</UploadId></InitiateMultipartUploadResult>");
}

HttpDouble::Reply S3Double::put_part(const Call& call) {
  const auto found = uploads_.find(call.parameter("uploadId"));
  if (found == uploads_.end() || found->second.key != call.key) return failure(404, "NoSuchUpload");
  const int number = std::stoi(call.parameter("partNumber"));
  if (number < 1 || number > 10'000) return failure(400, "InvalidArgument");
  const std::string etag = etag_of(call.request->body);
  found->second.parts[number] = {etag, call.request->body};
  Reply reply;
  reply.fields = {{"etag", etag}};
  return reply;
}

HttpDouble::Reply S3Double::complete_upload(const Call& call) {
  const auto found = uploads_.find(call.parameter("uploadId"));
  if (found == uploads_.end() || found->second.key != call.key) return failure(404, "NoSuchUpload");
  if (options_.conditional && call.field("if-none-match") == "*" && objects_.contains(call.key)) {
    return failure(412, "PreconditionFailed");
  }
  std::vector<std::pair<int, std::string>> wanted;
  XmlReader reader(call.request->body);
  for (auto event = reader.next(); event.ok() && *event; event = reader.next()) {
    if ((*event)->end && (*event)->name == "PartNumber") wanted.emplace_back(std::stoi((*event)->text), "");
    if ((*event)->end && (*event)->name == "ETag") wanted.back().second = (*event)->text;
  }
  if (wanted.empty() || !std::is_sorted(wanted.begin(), wanted.end())) return failure(400, "MalformedXML");
  Object object = std::move(found->second.object);
  for (const auto& [number, etag] : wanted) {
    const auto part = found->second.parts.find(number);
    if (part == found->second.parts.end() || part->second.first != etag) return failure(400, "InvalidPart");
    const bool last = number == wanted.back().first;
    if (!last && part->second.second.size() < options_.min_part_bytes) return failure(400, "EntityTooSmall");
    object.bytes += part->second.second;
  }
  object.etag = etag_of(object.bytes);
  object.made = ++made_;
  const std::string etag = object.etag;
  objects_[call.key] = std::move(object);
  uploads_.erase(found);
  return xml("<CompleteMultipartUploadResult><ETag>" + etag + "</ETag></CompleteMultipartUploadResult>");
}

HttpDouble::Reply S3Double::restore(const Call& call) {
  const auto found = objects_.find(call.key);
  if (found == objects_.end()) return failure(404, "NoSuchKey");
  Object& object = found->second;
  if (object.storage_class != "GLACIER" && object.storage_class != "DEEP_ARCHIVE")
    return failure(403, "InvalidObjectState");
  if (call.request->body.find("<Days>") == std::string::npos) return failure(400, "MalformedXML");
  if (object.restore.find("\"true\"") != std::string::npos) return failure(409, "RestoreAlreadyInProgress");
  Reply reply;
  reply.status = object.restore.empty() ? 202 : 200;
  if (object.restore.empty()) object.restore = R"(ongoing-request="true")";
  return reply;
}

}  // namespace cordwood
