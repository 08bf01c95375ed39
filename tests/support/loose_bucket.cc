// SPDX-License-Identifier: Apache-2.0
#include "tests/support/loose_bucket.h"

#include <fmt/core.h>

#include <cstdlib>

#include "storage/s3_address.h"
#include "storage/s3_objects.h"

namespace cordwood {

namespace {

std::string_view field_of(const HttpCall& call, std::string_view name) {
  for (const auto& [field, value] : call.fields) {
    if (field == name) return value;
  }
  return {};
}

std::string parameter(const HttpCall& call, std::string_view name) {
  size_t at = call.url.find('?');
  while (at != std::string::npos) {
    const size_t end = call.url.find('&', at + 1);
    const std::string_view pair = std::string_view(call.url).substr(at + 1, end - at - 1);
    if (pair.substr(0, pair.find('=')) == name) return s3_decode(pair.substr(std::min(name.size() + 1, pair.size())));
    at = end;
  }
  return {};
}

HttpAnswer failure(int status, std::string_view code) {
  return {status, {}, fmt::format("<Error><Code>{}</Code><Message>no</Message></Error>", code)};
}

}  // namespace

std::string LooseBucket::key_of(const HttpCall& call) {
  const std::string root = fmt::format("{}/{}/", kEndpoint, kName);
  const std::string_view path = std::string_view(call.url).substr(0, call.url.find('?'));
  return path.starts_with(root) ? s3_decode(path.substr(root.size())) : std::string();
}

size_t LooseBucket::count(const std::string& prefix) const {
  size_t n = 0;
  for (auto it = objects_.lower_bound(prefix); it != objects_.end() && it->first.starts_with(prefix); ++it) ++n;
  return n;
}

const std::string* LooseBucket::find(const std::string& key) const {
  const auto found = objects_.find(key);
  return found == objects_.end() ? nullptr : &found->second.bytes;
}

HttpAnswer LooseBucket::put(const HttpCall& call, const std::string& key) {
  const bool taken = objects_.contains(key);
  if (taken && conditional_ && field_of(call, "if-none-match") == "*") return failure(412, "PreconditionFailed");
  objects_[key] = {std::string(call.body), std::string(field_of(call, kS3NameField))};
  if (!taken) newest_ = key;
  return {200, {{"etag", "\"e\""}}, {}};
}

HttpAnswer LooseBucket::get(const HttpCall& call, const std::string& key) const {
  const auto found = objects_.find(key);
  if (found == objects_.end()) return failure(404, "NoSuchKey");
  const std::string& bytes = found->second.bytes;
  HttpAnswer answer{200, {{std::string(kS3NameField), found->second.name}}, {}};
  answer.fields.emplace_back("content-length", std::to_string(bytes.size()));
  if (call.method == "HEAD") return answer;
  const std::string range(field_of(call, "range"));
  if (range.empty()) {
    answer.body = bytes;
    return answer;
  }
  char* rest = nullptr;
  const uint64_t first = std::strtoull(range.c_str() + std::string_view("bytes=").size(), &rest, 10);
  const uint64_t last = std::strtoull(rest + 1, nullptr, 10);
  if (first >= bytes.size()) return failure(416, "InvalidRange");
  answer.status = 206;
  answer.body = bytes.substr(first, last - first + 1);
  answer.fields.emplace_back("content-range",
                             fmt::format("bytes {}-{}/{}", first, first + answer.body.size() - 1, bytes.size()));
  return answer;
}

HttpAnswer LooseBucket::list(const HttpCall& call, bool old_list) const {
  const std::string prefix = parameter(call, "prefix");
  std::string after = parameter(call, "start-after");
  if (const std::string token = parameter(call, "continuation-token"); !token.empty()) after = token;
  const size_t most = std::strtoull(parameter(call, "max-keys").c_str(), nullptr, 10);
  std::string contents, last;
  size_t n = 0;
  bool truncated = false;
  for (auto it = objects_.lower_bound(std::max(prefix, after)); it != objects_.end(); ++it) {
    const auto& [key, object] = *it;
    if (!key.starts_with(prefix)) break;
    if (key == after || (old_list && key == newest_)) continue;
    truncated = n == most;
    if (truncated) break;
    ++n;
    last = key;
    contents +=
        fmt::format("<Contents><Key>{}</Key><Size>{}</Size></Contents>", s3_encode(key, true), object.bytes.size());
  }
  return {200,
          {},
          fmt::format("<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>{}</IsTruncated>"
                      "<NextContinuationToken>{}</NextContinuationToken>{}</ListBucketResult>",
                      truncated, truncated ? last : "", contents)};
}

HttpAnswer LooseBucket::answer(const HttpCall& call, bool old_list) {
  const std::string key = key_of(call);
  if (key.empty()) return call.method == "GET" ? list(call, old_list) : failure(501, "NotImplemented");
  if (call.method == "PUT") return put(call, key);
  if (call.method == "GET" || call.method == "HEAD") return get(call, key);
  if (call.method != "DELETE") return failure(501, "NotImplemented");
  objects_.erase(key);
  return {204, {}, {}};
}

}  // namespace cordwood
