// SPDX-License-Identifier: Apache-2.0
#include "storage/s3_credentials.h"

#include <algorithm>

namespace cordwood {

namespace {

class ConfiguredCredentials final : public S3CredentialSource {
 public:
  explicit ConfiguredCredentials(const S3Options& o)
      : credentials_{o.access_key_id, o.secret_access_key, o.session_token, 0} {}
  std::string name() const override { return "configuration"; }
  Result<std::optional<S3Credentials>> fetch() override {
    if (credentials_.access_key_id.empty()) return std::optional<S3Credentials>();
    return std::optional<S3Credentials>(credentials_);
  }

 private:
  S3Credentials credentials_;
};

class EnvironmentCredentials final : public S3CredentialSource {
 public:
  explicit EnvironmentCredentials(const S3Environment& env) : env_(env) {}
  std::string name() const override { return "environment"; }
  Result<std::optional<S3Credentials>> fetch() override {
    S3Credentials c;
    c.access_key_id = env_.variable("AWS_ACCESS_KEY_ID").value_or("");
    c.secret_access_key = env_.variable("AWS_SECRET_ACCESS_KEY").value_or("");
    c.session_token = env_.variable("AWS_SESSION_TOKEN").value_or("");
    if (c.access_key_id.empty() || c.secret_access_key.empty()) return std::optional<S3Credentials>();
    return std::optional<S3Credentials>(std::move(c));
  }

 private:
  S3Environment env_;
};

}  // namespace

std::unique_ptr<S3CredentialSource> configured_credentials(const S3Options& options) {
  return std::make_unique<ConfiguredCredentials>(options);
}

std::unique_ptr<S3CredentialSource> environment_credentials(const S3Environment& env) {
  return std::make_unique<EnvironmentCredentials>(env);
}

S3CredentialSources all_credential_sources(const S3Options& options, const S3Environment& env, HttpTransport& http,
                                           const std::string& region) {
  S3CredentialSources sources;
  sources.push_back(configured_credentials(options));
  // A profile that is asked for by name wins over what happens to be in the environment.
  if (!options.profile.empty()) sources.push_back(file_credentials(env, options.profile));
  sources.push_back(environment_credentials(env));
  sources.push_back(web_identity_credentials(env, http, region));
  if (options.profile.empty()) sources.push_back(file_credentials(env, ""));
  sources.push_back(container_credentials(env, http));
  sources.push_back(instance_credentials(env, http));
  return sources;
}

/// Without the lock, by one thread at a time.
Result<S3Credentials> S3CredentialCache::fetch() {
  std::string tried;
  for (const auto& source : sources_) {
    if (chosen_ != nullptr && source.get() != chosen_) continue;
    Result<std::optional<S3Credentials>> got = source->fetch();
    if (!got.ok()) {
      Error error = got.error().with_context("credentials from " + source->name());
      const bool later = error.kind == ErrorKind::unavailable || error.kind == ErrorKind::timeout;
      error.kind = later || had_some_ ? ErrorKind::unavailable : ErrorKind::invalid;
      return error;
    }
    if (*got) {
      had_some_ = true;
      if (chosen_ == nullptr) log_.info("credentials for the bucket found", {{"source", source->name()}});
      chosen_ = source.get();
      return std::move(**got);
    }
    tried += (tried.empty() ? "" : ", ") + source->name();
  }
  chosen_ = nullptr;  // what was chosen is gone: everything is asked next time
  const std::string message = "no credentials for the bucket; looked in " + tried;
  return had_some_ ? Error::unavailable(message) : Error::invalid(message);
}

/// Once when there are none any more, and when there are some again.
void S3CredentialCache::tell(const Result<S3Credentials>& got, bool holds) {
  const bool same = got.ok() && refused_ && got->access_key_id == refused_->access_key_id &&
                    got->session_token == refused_->session_token;
  if (got.ok() && !same) {
    refused_.reset();
    if (lost_) log_.info("there are credentials for the bucket again");
    lost_ = false;
    return;
  }
  if (lost_ || (!same && holds)) return;
  lost_ = true;
  log_.warn("the credentials for the bucket do not hold any more and there are no others: it counts as away",
            {{"error", same ? why_refused_ : got.error().message}});
}

Result<S3Credentials> S3CredentialCache::get() {
  {
    const MutexLock lock(mu_);
    for (;;) {
      const int64_t now_ns = clock_.now_ns();
      const bool holds = current_ && (current_->expires_at_ns == 0 || now_ns < current_->expires_at_ns);
      if (holds && (now_ns < refresh_at_ns_ || fetching_)) return *current_;
      if (!fetching_) break;
      fetched_.wait(mu_);
    }
    fetching_ = true;
  }
  Result<S3Credentials> got = fetch();
  const int64_t now_ns = clock_.now_ns();
  const MutexLock lock(mu_);
  fetching_ = false;
  fetched_.notify_all();
  const bool holds = current_ && (current_->expires_at_ns == 0 || now_ns < current_->expires_at_ns);
  if (current_) tell(got, holds);
  if (got.ok()) {
    current_ = *got;
    const bool expires = got->expires_at_ns != 0;
    refresh_at_ns_ =
        expires ? std::max(got->expires_at_ns - kRefreshBeforeNs, now_ns + kRetryAfterNs) : now_ns + kLookAgainNs;
    return got;
  }
  if (!holds) return got;
  log_.warn("credentials for the bucket could not be renewed; the old ones still hold",
            {{"error", got.error().message}});
  refresh_at_ns_ = now_ns + kRetryAfterNs;
  return *current_;
}

void S3CredentialCache::refuse(const S3Credentials& credentials, const std::string& why) {
  const MutexLock lock(mu_);
  if (current_ && current_->access_key_id == credentials.access_key_id &&
      current_->session_token == credentials.session_token) {
    refresh_at_ns_ = 0;
    refused_ = credentials;
    why_refused_ = why;
  }
}

}  // namespace cordwood
