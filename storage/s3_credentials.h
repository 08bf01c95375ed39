// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/base/mutex.h"
#include "storage/s3_http.h"
#include "storage/s3_options.h"
#include "storage/s3_signature.h"

namespace cordwood {

/// One place where credentials may come from.  Called by one thread at a time.
class S3CredentialSource {
 public:
  virtual ~S3CredentialSource() = default;
  virtual std::string name() const = 0;
  /// nullopt: this source is not set up here; the next one is asked.  unavailable: it may give some later; any other
  /// error is for whoever set it up.
  virtual Result<std::optional<S3Credentials>> fetch() = 0;
};
/// Of a file with a token or credentials, or of an answer that gives them: what is longer is refused.
inline constexpr uint64_t kMaxCredentialBytes = 64u << 10;

using S3CredentialSources = std::vector<std::unique_ptr<S3CredentialSource>>;

// Each in a file of its own name.  `http` and what the environment points to outlive them.
std::unique_ptr<S3CredentialSource> configured_credentials(const S3Options& options);
std::unique_ptr<S3CredentialSource> environment_credentials(const S3Environment& env);
/// AWS_SHARED_CREDENTIALS_FILE, else ~/.aws/credentials.
std::unique_ptr<S3CredentialSource> file_credentials(const S3Environment& env, std::string profile);
/// AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN, by STS of the region (AWS_ENDPOINT_URL_STS).
std::unique_ptr<S3CredentialSource> web_identity_credentials(const S3Environment& env, HttpTransport& http,
                                                             std::string region);
/// AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or …_FULL_URI.
std::unique_ptr<S3CredentialSource> container_credentials(const S3Environment& env, HttpTransport& http);
/// The instance's metadata service, version 2 only (AWS_EC2_METADATA_SERVICE_ENDPOINT, AWS_EC2_METADATA_DISABLED).
std::unique_ptr<S3CredentialSource> instance_credentials(const S3Environment& env, HttpTransport& http);

/// All of them, in the order they are asked.
S3CredentialSources all_credential_sources(const S3Options& options, const S3Environment& env, HttpTransport& http,
                                           const std::string& region);

/// Keeps what the first source that is set up gives, and asks that one again before it expires.  Thread-safe.
class S3CredentialCache {
 public:
  S3CredentialCache(S3CredentialSources sources, Clock& clock, Logger& log)
      : sources_(std::move(sources)), clock_(clock), log_(log) {}

  /// unavailable when no source gives any now.  invalid when none ever gave any and waiting would not help: no source
  /// is set up, or the one that is is set up wrongly.
  Result<S3Credentials> get();
  /// The server called them expired or unknown (`why`): the next get() asks again.
  void refuse(const S3Credentials& credentials, const std::string& why);

 private:
  Result<S3Credentials> fetch();
  void tell(const Result<S3Credentials>& got, bool holds) REQUIRES(mu_);

  static constexpr int64_t kRefreshBeforeNs = 300'000'000'000;
  static constexpr int64_t kRetryAfterNs = 10'000'000'000;  ///< a refresh that failed while the old ones hold
  static constexpr int64_t kLookAgainNs = 300'000'000'000;  ///< files that are written anew now and then

  S3CredentialSources sources_;
  Clock& clock_;
  Logger& log_;
  S3CredentialSource* chosen_ = nullptr;  ///< of the thread that fetches
  bool had_some_ = false;                 ///< the same
  Mutex mu_;
  CondVar fetched_;
  bool fetching_ GUARDED_BY(mu_) = false;
  std::optional<S3Credentials> current_ GUARDED_BY(mu_);
  int64_t refresh_at_ns_ GUARDED_BY(mu_) = 0;  ///< Unix time
  std::optional<S3Credentials> refused_ GUARDED_BY(mu_);
  std::string why_refused_ GUARDED_BY(mu_);
  bool lost_ GUARDED_BY(mu_) = false;  ///< there are none that hold; said in the log
};

}  // namespace cordwood
