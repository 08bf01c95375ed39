// SPDX-License-Identifier: Apache-2.0
#include "storage/s3_client.h"

#include <algorithm>
#include <charconv>

#include "storage/model/time_range.h"
#include "storage/s3_hash.h"
#include "storage/s3_time.h"

namespace cordwood {

namespace {

bool is_one_of(std::string_view code, std::initializer_list<std::string_view> codes) {
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

/// Seconds, as Retry-After has them; dates are not used by stores.
int64_t retry_after_ns(const HttpAnswer& answer) {
  const std::string_view text = answer.field("retry-after");
  uint32_t seconds = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (text.empty() || ec != std::errc() || end != text.data() + text.size()) return 0;
  return static_cast<int64_t>(seconds) * kNsPerSecond;
}

const char* code_of(const Error& error) {
  if (error.kind == ErrorKind::timeout) return "timeout";
  return error.kind == ErrorKind::exhausted ? "too_long" : "network";
}

}  // namespace

S3Client::S3Client(const S3Options& options, const S3Environment& env, S3Address address,
                   std::unique_ptr<HttpTransport> http, S3CredentialSources sources)
    : options_(options),
      env_(env),
      address_(std::move(address)),
      http_(std::move(http)),
      credentials_(std::move(sources), *env.clock, *env.log),
      breaker_(std::make_shared<S3Breaker>(options.breaker_failures, options.breaker_rest_ns)),
      bytes_sent_(env.metrics->counter("cordwood_s3_sent_bytes_total", "Bytes of bodies sent to the bucket.")),
      bytes_received_(env.metrics->counter("cordwood_s3_received_bytes_total", "Bytes of bodies got from the bucket.")),
      retries_(env.metrics->counter("cordwood_s3_retries_total", "Requests to the bucket sent again.")) {
  env.metrics->gauge("cordwood_s3_breaker_open", "1 while the bucket is left alone because it does not answer.", {},
                     [breaker = breaker_] { return breaker->is_open() ? 1.0 : 0.0; });
}

S3Client::~S3Client() = default;

Result<HttpCall> S3Client::sign(const S3Call& call, std::string_view payload_hash, S3Credentials* used) {
  TRY_ASSIGN(*used, credentials_.get());
  const S3Address::Target target = call.key.empty() ? address_.bucket() : address_.object(call.key);
  const std::string query = s3_query(call.query);
  const SigningScope scope{print_amz_time(env_.clock->now_ns() + clock_skew_ns_.load()), address_.region(), "s3"};
  HttpCall http;
  http.method = call.method;
  http.url = target.origin + target.path + (query.empty() ? "" : "?" + query);
  http.fields = call.fields;
  http.fields.emplace_back("host", target.host);
  http.fields.emplace_back("x-amz-date", scope.time);
  http.fields.emplace_back("x-amz-content-sha256", payload_hash);
  if (!used->session_token.empty()) http.fields.emplace_back("x-amz-security-token", used->session_token);
  const SignableRequest signable{http.method, target.path, query, http.fields, payload_hash};
  const std::string authorization = authorization_of(*used, scope, signable);
  http.fields.emplace_back("authorization", authorization);
  http.fields.emplace_back("user-agent", "cordwood");
  http.body = call.body;
  // A refusal is longer than an empty answer.
  http.max_answer_bytes = std::max<uint64_t>(call.max_answer_bytes, 64u << 10);
  return http;
}

/// Which answers another request could better.
S3Client::Verdict S3Client::judge(const S3Call& call, const S3Reply& reply) {
  const int status = reply.http.status;
  const std::string& code = reply.failure.code;
  if (is_one_of(code, {"ExpiredToken", "InvalidToken", "TokenRefreshRequired", "ExpiredTokenException"})) {
    return Verdict::again_with_new_credentials;
  }
  if (call.method == "HEAD" && status == 400) return Verdict::again_with_new_credentials;  // it cannot say why
  if (status == 500 || status == 502 || status == 503 || status == 504 || status == 429 || status == 408) {
    return Verdict::again;
  }
  if (is_one_of(code, {"InternalError", "ServiceUnavailable", "SlowDown", "RequestTimeout", "IncompleteBody",
                       "BadDigest", "XAmzContentSHA256Mismatch", "ConditionalRequestConflict", "OperationAborted",
                       "RequestTimeTooSkewed", "Throttling", "ThrottlingException", "RequestLimitExceeded"})) {
    return Verdict::again;
  }
  return Verdict::final;
}

/// The server refuses our time: from now on we sign with its own.
void S3Client::learn_clock(const S3Reply& reply) {
  if (reply.failure.code != "RequestTimeTooSkewed") return;
  const auto theirs_ns = parse_http_time(reply.http.field("date"));
  if (!theirs_ns) return;
  const int64_t skew_ns = *theirs_ns - env_.clock->now_ns();
  clock_skew_ns_ = skew_ns;
  env_.log->warn("the bucket's clock differs from ours; requests are signed with its time",
                 {{"seconds", skew_ns / kNsPerSecond}});
}

void S3Client::count(const S3Call& call, const Result<HttpAnswer>& answer, int64_t began_ns) {
  const std::string code = answer.ok() ? std::to_string(answer->status) : code_of(answer.error());
  env_.metrics
      ->counter("cordwood_s3_requests_total", "Requests to the bucket by operation and answer.",
                {{"op", call.op}, {"code", code}})
      .add();
  env_.metrics->histogram("cordwood_s3_request_seconds", "Time of requests to the bucket.", {{"op", call.op}})
      .observe_ns(env_.clock->monotonic_ns() - began_ns);
  bytes_sent_.add(call.body.size());
  if (answer.ok()) bytes_received_.add(answer->body.size());
}

/// Tells the breaker how the server is.
void S3Client::judge_server(const Result<HttpAnswer>& answer, const Patience* patience) {
  const int64_t now_ns = env_.clock->monotonic_ns();
  if (answer.ok()) {
    // Being told to slow down is an answer; a server that only breaks is as good as away.
    const bool broken = answer->status == 500 || answer->status == 502 || answer->status == 504;
    return broken ? breaker_->failed(now_ns) : breaker_->succeeded();
  }
  if (answer.error().kind == ErrorKind::exhausted) return breaker_->succeeded();
  constexpr int64_t kShortNs = 2'000'000;  // what a timeout in ms cuts off, and more
  const bool impatient = patience != nullptr && (patience->until_ns() - now_ns < kShortNs || !patience->ended().ok());
  impatient ? breaker_->given_up() : breaker_->failed(now_ns);
}

S3Client::Attempt S3Client::attempt(const S3Call& call, std::string_view payload_hash, int64_t left_ns,
                                    const Patience* patience) {
  S3Credentials used;
  Result<HttpCall> signed_call = sign(call, payload_hash, &used);
  if (!signed_call.ok()) {
    const bool never = signed_call.error().kind == ErrorKind::invalid;
    return {never ? Verdict::final : Verdict::again, std::move(signed_call).error(), 0};
  }
  if (!breaker_->may_ask(env_.clock->monotonic_ns())) {
    return {Verdict::final, Error::unavailable("it did not answer and is left alone for some seconds"), 0};
  }
  const uint64_t bytes = call.body.size() + call.max_answer_bytes;
  const int64_t transfer_ns =
      static_cast<int64_t>(bytes / std::max<uint64_t>(options_.min_bytes_per_second, 1)) * kNsPerSecond;
  signed_call->timeout_ns = std::min(left_ns, options_.answer_timeout_ns + transfer_ns);
  signed_call->given_up = [this, &call, patience] {
    return forbidden(call) != nullptr || (patience != nullptr && !patience->ended().ok());
  };
  const int64_t began_ns = env_.clock->monotonic_ns();
  Result<HttpAnswer> answer = http_->send(*signed_call);
  count(call, answer, began_ns);
  judge_server(answer, patience);
  if (!answer.ok()) {
    if (call.writes()) last_unsure_ns_ = env_.clock->monotonic_ns();
    const bool too_long = answer.error().kind == ErrorKind::exhausted;
    return {too_long ? Verdict::final : Verdict::again, Error::unavailable(answer.error().message), 0};
  }
  S3Reply reply{std::move(answer).value(), {}};
  if (reply.http.status >= 300 || call.failure_in_success) reply.failure = parse_s3_failure(reply.http.body);
  const Verdict verdict = judge(call, reply);
  learn_clock(reply);
  // A server that breaks may have done it, too.
  if (verdict != Verdict::final && call.writes()) last_unsure_ns_ = env_.clock->monotonic_ns();
  if (verdict == Verdict::again_with_new_credentials) {
    credentials_.refuse(used, fmt::format("{} {}", reply.failure.code, reply.failure.message.substr(0, 500)));
  }
  const int64_t wait_ns = retry_after_ns(reply.http);
  return {verdict, std::move(reply), wait_ns};
}

/// Anything between nothing and a bound that doubles: so those who failed together do not come back together.
int64_t S3Client::backoff_ns(uint32_t retries) const {
  const int64_t bound_ns =
      std::min(options_.backoff_max_ns, options_.backoff_min_ns * (int64_t{1} << std::min(retries, 20u)));
  if (bound_ns <= 0) return 0;
  return static_cast<int64_t>(env_.random->next() % static_cast<uint64_t>(bound_ns)) + 1;
}

const char* S3Client::forbidden(const S3Call& call) const {
  const int64_t now_ns = env_.clock->monotonic_ns();
  if (now_ns >= end_ns_ || (env_.given_up && env_.given_up())) return "given up: the process ends";
  if (call.writes() && now_ns >= write_end_ns_) return "this server does not have the lease of the bucket";
  return nullptr;
}

/// Not longer than there is patience.
void S3Client::wait(int64_t wait_ns, const Patience* patience) const {
  constexpr int64_t kLookNs = 100'000'000;
  if (patience == nullptr) return env_.wait_ns(wait_ns);
  for (int64_t left_ns = wait_ns; left_ns > 0 && patience->ended().ok(); left_ns -= kLookNs) {
    env_.wait_ns(std::min(left_ns, kLookNs));
  }
}

Result<S3Reply> S3Client::call(const S3Call& call) {
  const int64_t timeout_ns = call.timeout_ns > 0 ? call.timeout_ns : options_.operation_timeout_ns;
  const int64_t began_ns = env_.clock->monotonic_ns();
  const std::string hash = options_.sign_payload || call.body.empty() ? hex_of(sha256(call.body)) : "UNSIGNED-PAYLOAD";
  const Patience* patience = call.of_lease ? nullptr : Patience::of_this_thread();
  const Patience::Wait waits(patience);
  const int64_t patient_until_ns = patience != nullptr ? patience->until_ns() : INT64_MAX;
  const auto away = [&](const std::string& why) {
    return Error::unavailable(fmt::format("{} of {} ({}): {}", call.op, call.key.empty() ? "the bucket" : call.key,
                                          address_.describe(), why));
  };
  for (uint32_t retries = 0;; ++retries) {
    if (const char* why = forbidden(call)) return away(why);
    if (patience != nullptr) TRY(patience->ended());
    const int64_t deadline_ns = std::min(began_ns + timeout_ns, end_ns_.load());
    const int64_t left_ns = std::min(deadline_ns, patient_until_ns) - env_.clock->monotonic_ns();
    Attempt tried = attempt(call, hash, std::max<int64_t>(left_ns, 1'000'000), patience);
    if (tried.verdict == Verdict::final && tried.reply.ok()) {
      // What arrived too late counts as not sure, whatever the answer.
      if (call.writes() && env_.clock->monotonic_ns() >= write_end_ns_) {
        return away("the lease of the bucket ended meanwhile");
      }
      return std::move(tried.reply);
    }
    if (patience != nullptr) TRY(patience->ended());
    const std::string why = tried.reply.ok()
                                ? fmt::format("{} {}: {}", tried.reply->http.status, tried.reply->failure.code,
                                              tried.reply->failure.message.substr(0, 500))
                                : tried.reply.error().message;
    if (!tried.reply.ok() && tried.reply.error().kind == ErrorKind::invalid) {
      return Error::invalid(fmt::format("{}: {}", address_.describe(), why));
    }
    if (tried.verdict == Verdict::final || !call.retry || retries >= options_.max_retries) {
      const bool expired = tried.reply.ok() && tried.verdict == Verdict::again_with_new_credentials;
      return expired && first_time_ ? refused(call, *tried.reply) : away(why);
    }
    const int64_t wait_ns = std::max(backoff_ns(retries), std::min(tried.wait_ns, options_.backoff_max_ns));
    if (env_.clock->monotonic_ns() + wait_ns >= deadline_ns) return away("no time is left to try again; " + why);
    retries_.add();
    wait(wait_ns, patience);
  }
}

namespace {

/// What to look at first.
std::string hint_of(const S3Call& call, const S3Reply& reply, const S3Address& address) {
  std::string_view region = reply.http.field("x-amz-bucket-region");
  if (region.empty()) region = reply.failure.region;
  if (!region.empty() && region != address.region()) {
    return fmt::format("; the bucket is in region {}, not in {}", region.substr(0, 100), address.region());
  }
  const std::string& code = reply.failure.code;
  if (code == "NoSuchBucket") return "; there is no such bucket here";
  if (code == "InvalidAccessKeyId") return "; access_key_id is not known here";
  if (code == "SignatureDoesNotMatch") return "; secret_access_key is not that of access_key_id";
  if (reply.http.status != 403) return "";
  static constexpr std::pair<std::string_view, std::string_view> kRights[] = {
      {"PUT", "s3:PutObject"}, {"GET", "s3:GetObject"}, {"HEAD", "s3:GetObject"}, {"DELETE", "s3:DeleteObject"}};
  if (call.op == std::string_view("abort_multipart")) return "; it takes s3:AbortMultipartUpload";
  if (call.op == std::string_view("list_uploads")) return "; it takes s3:ListBucketMultipartUploads";
  if (call.key.empty()) return "; it takes s3:ListBucket";
  for (const auto& [method, right] : kRights) {
    if (call.method == method) return fmt::format("; it takes {}", right);
  }
  return "";
}

}  // namespace

Error S3Client::refused(const S3Call& call, const S3Reply& reply) const {
  std::string message = fmt::format("{} of {} ({}): {} {} {}{}", call.op, call.key.empty() ? "the bucket" : call.key,
                                    address_.describe(), reply.http.status, reply.failure.code,
                                    reply.failure.message.substr(0, 500), hint_of(call, reply, address_));
  return first_time_ ? Error::invalid(std::move(message)) : Error::unavailable(std::move(message));
}

}  // namespace cordwood
