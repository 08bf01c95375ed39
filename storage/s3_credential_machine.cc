// SPDX-License-Identifier: Apache-2.0
// What the machine below us gives: the container's agent, or the instance's metadata service.
#include "storage/s3_answers.h"
#include "storage/s3_credentials.h"

namespace cordwood {

namespace {

constexpr int64_t kContainerTimeoutNs = 5'000'000'000;
constexpr int64_t kInstanceTimeoutNs = 2'000'000'000;

std::string trim_lines(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
  return text;
}

/// A secret would be sent in the clear: only to https, to this machine, or to the addresses that agents have.
bool is_trusted(std::string_view url) {
  if (url.starts_with("https://")) return true;
  static constexpr std::string_view kHosts[] = {"127.0.0.1",     "localhost",      "[::1]",
                                                "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"};
  if (!url.starts_with("http://")) return false;
  url.remove_prefix(7);
  for (const std::string_view host : kHosts) {
    if (!url.starts_with(host)) continue;
    const std::string_view rest = url.substr(host.size());
    if (rest.empty() || rest[0] == ':' || rest[0] == '/') return true;
  }
  return false;
}

class ContainerCredentials final : public S3CredentialSource {
 public:
  ContainerCredentials(const S3Environment& env, HttpTransport& http) : env_(env), http_(http) {}
  std::string name() const override { return "container"; }

  Result<std::optional<S3Credentials>> fetch() override {
    const std::string relative = env_.variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").value_or("");
    std::string url = env_.variable("AWS_CONTAINER_CREDENTIALS_FULL_URI").value_or("");
    if (!relative.empty()) url = "http://169.254.170.2" + relative;
    if (url.empty()) return std::optional<S3Credentials>();
    if (!is_trusted(url)) return Error::invalid("AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor near");
    HttpCall call{"GET", url, {{"accept", "application/json"}}, {}, kMaxCredentialBytes, kContainerTimeoutNs};
    std::string token = env_.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN").value_or("");
    if (const auto path = env_.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); path && !path->empty()) {
      TRY_ASSIGN(token, env_.fs->read_all(*path, kMaxCredentialBytes));
    }
    token = trim_lines(std::move(token));
    if (token.find_first_of("\r\n") != std::string::npos) return Error::invalid("the token has several lines");
    if (!token.empty()) call.fields.emplace_back("authorization", token);
    TRY_ASSIGN(const HttpAnswer answer, http_.send(call));
    if (answer.refuses()) return Error::invalid(fmt::format("the agent answers {}", answer.status));
    if (answer.status != 200) return Error::unavailable(fmt::format("the agent answers {}", answer.status));
    TRY_ASSIGN(S3Credentials credentials, parse_json_credentials(answer.body));
    return std::optional<S3Credentials>(std::move(credentials));
  }

 private:
  S3Environment env_;
  HttpTransport& http_;
};

class InstanceCredentials final : public S3CredentialSource {
 public:
  InstanceCredentials(const S3Environment& env, HttpTransport& http) : env_(env), http_(http) {}
  std::string name() const override { return "instance"; }

  Result<std::optional<S3Credentials>> fetch() override {
    if (env_.variable("AWS_EC2_METADATA_DISABLED").value_or("") == "true") return std::optional<S3Credentials>();
    base_ = env_.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT").value_or("http://169.254.169.254");
    while (base_.ends_with('/')) base_.pop_back();
    const Result<std::string> token =
        ask("PUT", "/latest/api/token", {{"x-aws-ec2-metadata-token-ttl-seconds", "21600"}});
    // Nobody there: this is no such instance.
    if (!token.ok() && !known_) return std::optional<S3Credentials>();
    if (!token.ok()) return token.error();
    const HttpFields fields{{"x-aws-ec2-metadata-token", *token}};
    const std::string list = "/latest/meta-data/iam/security-credentials/";
    TRY_ASSIGN(const std::string roles, ask("GET", list, fields));
    const std::string role = roles.substr(0, roles.find('\n'));
    if (role.empty()) return std::optional<S3Credentials>();
    TRY_ASSIGN(const std::string json, ask("GET", list + role, fields));
    TRY_ASSIGN(S3Credentials credentials, parse_json_credentials(json));
    known_ = true;
    return std::optional<S3Credentials>(std::move(credentials));
  }

 private:
  Result<std::string> ask(const char* method, const std::string& path, const HttpFields& fields) {
    HttpCall call{method, base_ + path, fields, {}, kMaxCredentialBytes, kInstanceTimeoutNs};
    TRY_ASSIGN(HttpAnswer answer, http_.send(call));
    if (answer.status == 404) return std::string();
    if (answer.status != 200) return Error::unavailable(fmt::format("the metadata service answers {}", answer.status));
    return trim_lines(std::move(answer.body));
  }

  S3Environment env_;
  HttpTransport& http_;
  std::string base_;
  bool known_ = false;  ///< it gave credentials before
};

}  // namespace

std::unique_ptr<S3CredentialSource> container_credentials(const S3Environment& env, HttpTransport& http) {
  return std::make_unique<ContainerCredentials>(env, http);
}

std::unique_ptr<S3CredentialSource> instance_credentials(const S3Environment& env, HttpTransport& http) {
  return std::make_unique<InstanceCredentials>(env, http);
}

}  // namespace cordwood
