// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "storage/base/ascii.h"
#include "storage/s3_credentials.h"

namespace cordwood {

namespace {

constexpr uint64_t kMaxFileBytes = 1u << 20;

std::string_view trim_line(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

/// `[profile]` sections of `name = value` lines.
std::optional<S3Credentials> find_profile(std::string_view text, std::string_view profile) {
  S3Credentials c;
  bool inside = false;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trim_line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line[0] == '#' || line[0] == ';') continue;
    if (line[0] == '[') {
      std::string_view section = trim_line(line.substr(1, line.find(']') - 1));
      if (section.starts_with("profile ")) section = trim_line(section.substr(8));
      inside = section == profile;
      continue;
    }
    const size_t equals = line.find('=');
    if (!inside || equals == std::string_view::npos) continue;
    std::string name(trim_line(line.substr(0, equals)));
    std::transform(name.begin(), name.end(), name.begin(), fold_byte);
    const std::string_view value = trim_line(line.substr(equals + 1));
    if (name == "aws_access_key_id") c.access_key_id = value;
    if (name == "aws_secret_access_key") c.secret_access_key = value;
    if (name == "aws_session_token") c.session_token = value;
  }
  if (c.access_key_id.empty() || c.secret_access_key.empty()) return std::nullopt;
  return c;
}

class FileCredentials final : public S3CredentialSource {
 public:
  FileCredentials(const S3Environment& env, std::string profile) : env_(env), profile_(std::move(profile)) {}
  std::string name() const override { return "shared file"; }

  Result<std::optional<S3Credentials>> fetch() override {
    const std::string home = env_.variable("HOME").value_or("");
    std::string path = env_.variable("AWS_SHARED_CREDENTIALS_FILE").value_or("");
    if (path.empty() && !home.empty()) path = home + "/.aws/credentials";
    const bool asked_for = !profile_.empty();
    const std::string profile = asked_for ? profile_ : env_.variable("AWS_PROFILE").value_or("default");
    if (path.empty()) return std::optional<S3Credentials>();
    const Result<std::string> text = env_.fs->read_all(path, kMaxFileBytes);
    if (!text.ok() && (asked_for || text.error().kind != ErrorKind::not_found)) return text.error().with_context(path);
    if (!text.ok()) return std::optional<S3Credentials>();
    auto found = find_profile(*text, profile);
    if (!found && asked_for) return Error::not_found(fmt::format("{} has no keys for profile {}", path, profile));
    return found;
  }

 private:
  S3Environment env_;
  const std::string profile_;
};

}  // namespace

std::unique_ptr<S3CredentialSource> file_credentials(const S3Environment& env, std::string profile) {
  return std::make_unique<FileCredentials>(env, std::move(profile));
}

}  // namespace cordwood
