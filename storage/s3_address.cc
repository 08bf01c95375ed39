// SPDX-License-Identifier: Apache-2.0
#include "storage/s3_address.h"

#include <fmt/core.h>

#include <algorithm>

#include "storage/base/ascii.h"
#include "storage/base/percent.h"

namespace cordwood {

namespace {

bool host_byte(char c) {
  return is_alphanumeric(c) || c == '-' || c == '.' || c == ':' || c == '[' || c == ']' || c == '_';
}

bool bucket_byte(char c) {
  return is_alphanumeric(c) || c == '-' || c == '.' || c == '_';
}

std::string amazon_host(const std::string& region) {
  return "s3." + region + (region.starts_with("cn-") ? ".amazonaws.com.cn" : ".amazonaws.com");
}

}  // namespace

std::string s3_encode(std::string_view text, bool keep_slash) {
  return percent_encode(text, keep_slash ? "-_.~/" : kUnreservedInUrls);
}

std::string s3_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && text.size() - i > 2 ? hex_value(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_value(text[i + 2]) : -1;
    if (low >= 0) {
      out.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

std::string s3_query(std::vector<std::pair<std::string, std::string>> parameters) {
  for (auto& [name, value] : parameters) {
    name = s3_encode(name, false);
    value = s3_encode(value, false);
  }
  std::sort(parameters.begin(), parameters.end());
  std::string out;
  for (const auto& [name, value] : parameters) out += (out.empty() ? "" : "&") + name + "=" + value;
  return out;
}

Result<S3UrlParts> take_s3_url(S3Location* location) {
  S3UrlParts parts;
  if (location->url.empty()) return parts;
  const auto refuse = [] {
    return Error::invalid("the S3 URL is not of the form s3://[key:secret@]region-or-host/bucket");
  };
  std::string_view rest = location->url;
  if (!rest.starts_with("s3://")) return refuse();
  rest.remove_prefix(5);
  const size_t slash = rest.find('/');
  std::string_view authority = rest.substr(0, slash);
  const std::string_view bucket = slash == std::string_view::npos ? "" : rest.substr(slash + 1);
  if (const size_t at = authority.rfind('@'); at != std::string_view::npos) {
    const std::string_view user = authority.substr(0, at);
    const size_t colon = user.find(':');
    if (colon == std::string_view::npos) return refuse();
    parts.access_key_id = s3_decode(user.substr(0, colon));
    parts.secret_access_key = s3_decode(user.substr(colon + 1));
    authority.remove_prefix(at + 1);
  }
  if (authority.empty()) return refuse();
  const bool is_host = authority.find_first_of(".:") != std::string_view::npos || authority == "localhost";
  std::string& place = is_host ? location->endpoint : location->region;
  if (place.empty()) place = authority;
  if (location->bucket.empty()) location->bucket = bucket;
  return parts;
}

Result<S3Address> S3Address::make(const S3Location& location) {
  S3Address a;
  a.bucket_ = location.bucket;
  a.region_ = location.region;
  a.prefix_ = location.prefix;
  if (a.bucket_.empty()) return Error::invalid("no bucket is named");
  if (a.bucket_.find(',') != std::string::npos) return Error::invalid("several buckets are named; one is wanted");
  if (a.bucket_.size() > 255 || !std::all_of(a.bucket_.begin(), a.bucket_.end(), bucket_byte)) {
    return Error::invalid(fmt::format("bucket '{}': bytes outside [A-Za-z0-9-._]", a.bucket_.substr(0, 255)));
  }
  if (a.prefix_.starts_with('/')) return Error::invalid("the prefix of keys begins with '/'");
  if (!a.prefix_.empty() && !a.prefix_.ends_with('/')) a.prefix_ += '/';
  std::string endpoint = location.endpoint.empty() ? amazon_host(location.region) : location.endpoint;
  a.scheme_ = location.insecure ? "http" : "https";
  for (const char* scheme : {"http", "https"}) {
    const std::string mark = std::string(scheme) + "://";
    if (!endpoint.starts_with(mark)) continue;
    endpoint.erase(0, mark.size());
    a.scheme_ = scheme;
    break;
  }
  while (endpoint.ends_with('/')) endpoint.pop_back();
  if (endpoint.empty() || !std::all_of(endpoint.begin(), endpoint.end(), host_byte)) {
    return Error::invalid(fmt::format("endpoint '{}' is not host[:port]", location.endpoint));
  }
  // The port a scheme has anyway is not part of the Host header.
  const std::string_view usual = a.scheme_ == "https" ? ":443" : ":80";
  if (endpoint.ends_with(usual)) endpoint.resize(endpoint.size() - usual.size());
  // A certificate for *.s3.region… does not cover a bucket with dots.
  const bool dots = a.scheme_ == "https" && a.bucket_.find('.') != std::string::npos;
  a.path_style_ = location.path_style || dots;
  a.host_ = a.path_style_ ? endpoint : a.bucket_ + "." + endpoint;
  return a;
}

S3Address::Target S3Address::bucket() const {
  return {scheme_ + "://" + host_, host_, path_style_ ? "/" + bucket_ : "/"};
}

S3Address::Target S3Address::object(std::string_view key) const {
  const std::string encoded = s3_encode(prefix_, true) + s3_encode(key, true);
  return {scheme_ + "://" + host_, host_, path_style_ ? "/" + bucket_ + "/" + encoded : "/" + encoded};
}

std::string S3Address::copy_source(std::string_view key) const {
  return bucket_ + "/" + s3_encode(prefix_, true) + s3_encode(key, true);
}

std::string S3Address::describe() const {
  return fmt::format("s3://{}/{} at {}", bucket_, prefix_, host_);
}

}  // namespace cordwood
