// SPDX-License-Identifier: Apache-2.0
#include "storage/s3_answers.h"

#include <fmt/core.h>

#include <charconv>
#include <functional>
#include <nlohmann/json.hpp>

#include "storage/s3_address.h"
#include "storage/s3_time.h"
#include "storage/s3_xml.h"

namespace cordwood {

namespace {

constexpr size_t kMaxListed = 10'000;  ///< servers give at most 1,000 at a time

/// Calls `leaf` at the end of every element.
Result<void> walk(std::string_view xml, std::string_view* root,
                  const std::function<Result<void>(XmlReader::Event&)>& leaf) {
  XmlReader reader(xml);
  for (;;) {
    TRY_ASSIGN(std::optional<XmlReader::Event> event, reader.next());
    if (!event) return {};
    if (!event->end && event->depth == 1) *root = event->name;
    if (event->end) TRY(leaf(*event));
  }
}

std::string xml_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '&': out += "&amp;"; break;
      case '"': out += "&quot;"; break;
      default: out.push_back(c);
    }
  }
  return out;
}

Result<void> check_whole(const S3Credentials& c) {
  if (c.access_key_id.empty() || c.secret_access_key.empty()) return Error::corrupt("an answer without credentials");
  return {};
}

}  // namespace

S3Failure parse_s3_failure(std::string_view xml) {
  S3Failure failure;
  std::string_view root;
  const Result<void> walked = walk(xml, &root, [&failure](XmlReader::Event& e) -> Result<void> {
    if (e.name == "Code" && failure.code.empty()) failure.code = std::move(e.text);
    if (e.name == "Region" && failure.region.empty()) failure.region = std::move(e.text);
    if (e.name == "Message" && failure.message.empty()) failure.message = std::move(e.text);
    return {};
  });
  const bool is_failure = root == "Error" || root == "ErrorResponse";
  // What was read before a cut is better than nothing.
  return is_failure || (!walked.ok() && !failure.code.empty()) ? failure : S3Failure{};
}

Result<S3Listing> parse_s3_listing(std::string_view xml) {
  S3Listing listing;
  ObjectInfo object;
  bool encoded = false;
  std::string_view root;
  TRY(walk(xml, &root, [&](XmlReader::Event& e) -> Result<void> {
    if (e.depth == 3 && e.name == "Key") object.key = std::move(e.text);
    if (e.depth == 3 && e.name == "Size") {
      const auto [end, ec] = std::from_chars(e.text.data(), e.text.data() + e.text.size(), object.size_bytes);
      if (ec != std::errc() || end != e.text.data() + e.text.size())
        return Error::corrupt("listing: a size is no number");
    }
    if (e.depth != 2) return {};
    if (e.name == "Contents") {
      if (listing.objects.size() >= kMaxListed) return Error::corrupt("listing: too many keys");
      listing.objects.push_back(std::exchange(object, {}));
    }
    if (e.name == "IsTruncated") listing.truncated = e.text == "true";
    if (e.name == "NextContinuationToken") listing.next_token = std::move(e.text);
    if (e.name == "EncodingType") encoded = e.text == "url";
    return {};
  }));
  if (root != "ListBucketResult") return Error::corrupt(fmt::format("listing: its root is '{}'", root.substr(0, 100)));
  std::string_view last;
  for (ObjectInfo& o : listing.objects) {
    if (encoded) o.key = s3_decode(o.key);
    if (o.key.empty() || std::string_view(o.key) <= last) return Error::corrupt("listing: keys are out of order");
    last = o.key;
  }
  if (listing.truncated && listing.next_token.empty() && listing.objects.empty()) {
    return Error::corrupt("listing: says that there is more, but not where");
  }
  return listing;
}

Result<S3Uploads> parse_s3_uploads(std::string_view xml) {
  S3Uploads found;
  S3Uploads::Upload one;
  std::string_view root;
  TRY(walk(xml, &root, [&](XmlReader::Event& e) -> Result<void> {
    if (e.depth == 3 && e.name == "Key") one.key = std::move(e.text);
    if (e.depth == 3 && e.name == "UploadId") one.id = std::move(e.text);
    if (e.depth == 3 && e.name == "Initiated") one.begun_ns = parse_iso_time(e.text).value_or(INT64_MAX);
    if (e.depth != 2) return {};
    if (e.name == "Upload") {
      if (found.uploads.size() >= kMaxListed) return Error::corrupt("uploads: too many");
      if (one.key.empty() || one.id.empty()) return Error::corrupt("uploads: one without key or id");
      found.uploads.push_back(std::exchange(one, {}));
    }
    if (e.name == "IsTruncated") found.truncated = e.text == "true";
    if (e.name == "NextKeyMarker") found.next_key = std::move(e.text);
    if (e.name == "NextUploadIdMarker") found.next_id = std::move(e.text);
    return {};
  }));
  if (root != "ListMultipartUploadsResult") {
    return Error::corrupt(fmt::format("uploads: the root is '{}'", root.substr(0, 100)));
  }
  if (found.truncated && found.next_key.empty())
    return Error::corrupt("uploads: says that there are more, but not where");
  return found;
}

Result<std::string> parse_upload_id(std::string_view xml) {
  std::string id;
  std::string_view root;
  TRY(walk(xml, &root, [&id](XmlReader::Event& e) -> Result<void> {
    if (e.depth == 2 && e.name == "UploadId") id = std::move(e.text);
    return {};
  }));
  if (id.empty() || id.size() > 4096) return Error::corrupt("an upload was begun without an id");
  return id;
}

std::string print_delete(const std::vector<std::string>& keys) {
  std::string xml = "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>";
  for (const std::string& key : keys) xml += "<Object><Key>" + xml_text(key) + "</Key></Object>";
  return xml + "</Delete>";
}

Result<std::vector<S3DeleteFailure>> parse_delete_failures(std::string_view xml) {
  std::vector<S3DeleteFailure> failures;
  S3DeleteFailure one;
  std::string_view root;
  TRY(walk(xml, &root, [&](XmlReader::Event& e) -> Result<void> {
    if (e.depth == 3 && e.name == "Key") one.key = std::move(e.text);
    if (e.depth == 3 && e.name == "Code") one.failure.code = std::move(e.text);
    if (e.depth == 3 && e.name == "Message") one.failure.message = std::move(e.text);
    if (e.depth != 2) return {};
    if (e.name == "Error") failures.push_back(std::move(one));
    one = {};
    return {};
  }));
  if (root != "DeleteResult") return Error::corrupt("deletion: not a DeleteResult");
  return failures;
}

std::string print_complete_upload(const std::vector<std::string>& etags) {
  std::string out = R"(<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">)";
  for (size_t i = 0; i < etags.size(); ++i) {
    out += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>", i + 1, xml_text(etags[i]));
  }
  return out + "</CompleteMultipartUpload>";
}

Result<S3Credentials> parse_sts_credentials(std::string_view xml) {
  S3Credentials c;
  std::string_view root;
  TRY(walk(xml, &root, [&c](XmlReader::Event& e) -> Result<void> {
    if (e.name == "AccessKeyId") c.access_key_id = std::move(e.text);
    if (e.name == "SecretAccessKey") c.secret_access_key = std::move(e.text);
    if (e.name == "SessionToken") c.session_token = std::move(e.text);
    if (e.name == "Expiration") {
      const auto at = parse_iso_time(e.text);
      if (!at) return Error::corrupt("credentials with a malformed Expiration");
      c.expires_at_ns = *at;
    }
    return {};
  }));
  TRY(check_whole(c));
  return c;
}

Result<S3Credentials> parse_json_credentials(std::string_view json) {
  const auto root = nlohmann::json::parse(json, nullptr, false);
  if (!root.is_object()) return Error::corrupt("credentials are not a JSON object");
  const auto text = [&root](const char* name) {
    const auto found = root.find(name);
    return found != root.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  S3Credentials c;
  c.access_key_id = text("AccessKeyId");
  c.secret_access_key = text("SecretAccessKey");
  c.session_token = text("Token");
  if (const std::string expiration = text("Expiration"); !expiration.empty()) {
    const auto at = parse_iso_time(expiration);
    if (!at) return Error::corrupt("credentials with a malformed Expiration");
    c.expires_at_ns = *at;
  }
  TRY(check_whole(c));
  return c;
}

}  // namespace cordwood
