// SPDX-License-Identifier: Apache-2.0
// A token that the orchestrator puts into a file, given to STS for credentials of a role.
#include "storage/s3_address.h"
#include "storage/s3_answers.h"
#include "storage/s3_credentials.h"

namespace cordwood {

namespace {

constexpr int64_t kTimeoutNs = 10'000'000'000;

class WebIdentityCredentials final : public S3CredentialSource {
 public:
  WebIdentityCredentials(const S3Environment& env, HttpTransport& http, std::string region)
      : env_(env), http_(http), region_(std::move(region)) {}
  std::string name() const override { return "web identity"; }

  Result<std::optional<S3Credentials>> fetch() override {
    const std::string path = env_.variable("AWS_WEB_IDENTITY_TOKEN_FILE").value_or("");
    const std::string role = env_.variable("AWS_ROLE_ARN").value_or("");
    if (path.empty() || role.empty()) return std::optional<S3Credentials>();
    TRY_ASSIGN(std::string token, env_.fs->read_all(path, kMaxCredentialBytes));  // it is written anew now and then
    while (token.ends_with('\n')) token.pop_back();
    std::string session = env_.variable("AWS_ROLE_SESSION_NAME").value_or("");
    if (session.empty()) session = "cordwood";
    const std::string body = s3_query({{"Action", "AssumeRoleWithWebIdentity"},
                                       {"Version", "2011-06-15"},
                                       {"RoleArn", role},
                                       {"RoleSessionName", session},
                                       {"WebIdentityToken", token}});
    const HttpCall call{"POST", endpoint(),          {{"content-type", "application/x-www-form-urlencoded"}},
                        body,   kMaxCredentialBytes, kTimeoutNs};
    TRY_ASSIGN(const HttpAnswer answer, http_.send(call));
    if (answer.status != 200) {
      const S3Failure failure = parse_s3_failure(answer.body);
      const std::string what =
          fmt::format("STS answers {} {}: {}", answer.status, failure.code, failure.message.substr(0, 500));
      const bool refused =
          answer.refuses() && failure.code != "IDPCommunicationError" && !failure.code.starts_with("Throttling");
      return refused ? Error::invalid(what) : Error::unavailable(what);
    }
    TRY_ASSIGN(S3Credentials credentials, parse_sts_credentials(answer.body));
    return std::optional<S3Credentials>(std::move(credentials));
  }

 private:
  std::string endpoint() const {
    std::string url = env_.variable("AWS_ENDPOINT_URL_STS").value_or("");
    if (url.empty()) {
      url = "https://sts." + region_ + (region_.starts_with("cn-") ? ".amazonaws.com.cn" : ".amazonaws.com");
    }
    while (url.ends_with('/')) url.pop_back();
    return url + "/";
  }

  S3Environment env_;
  HttpTransport& http_;
  const std::string region_;
};

}  // namespace

std::unique_ptr<S3CredentialSource> web_identity_credentials(const S3Environment& env, HttpTransport& http,
                                                             std::string region) {
  return std::make_unique<WebIdentityCredentials>(env, http, std::move(region));
}

}  // namespace cordwood
