// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/base/patience.h"
#include "storage/s3_address.h"
#include "storage/s3_answers.h"
#include "storage/s3_breaker.h"
#include "storage/s3_credentials.h"
#include "storage/s3_http.h"
#include "storage/s3_options.h"

namespace cordwood {

/// One operation of the bucket's API.
struct S3Call {
  const char* op = "";  ///< of the metrics
  std::string method;
  std::string key;  ///< empty: the bucket itself
  std::vector<std::pair<std::string, std::string>> query;
  HttpFields fields;  ///< names in small letters
  std::string_view body;
  uint64_t max_answer_bytes = 1u << 20;
  bool failure_in_success = false;  ///< 200 may carry an <Error> (copies, completed uploads)
  int64_t timeout_ns = 0;           ///< of the whole operation; 0: the options'
  bool retry = true;
  bool of_lease = false;  ///< allowed when other writes are not

  bool writes() const { return method != "GET" && method != "HEAD" && !of_lease; }
};

struct S3Reply {
  HttpAnswer http;
  S3Failure failure;  ///< of a status >= 300, or of 200 with failure_in_success

  bool ok() const { return http.status >= 200 && http.status < 300 && failure.code.empty(); }
};

/// Signs, sends, tries again, for as long as the calling thread has patience.  Thread-safe.
class S3Client {
 public:
  S3Client(const S3Options& options, const S3Environment& env, S3Address address, std::unique_ptr<HttpTransport> http,
           S3CredentialSources sources);
  ~S3Client();

  /// The answer, when trying again would not change it: success, or a refusal (404, 412, 403 …).  unavailable when the
  /// server did not answer properly in time; it may have done what it was asked for.  cancelled or timeout when the
  /// patience of the calling thread ends.  invalid: there never were credentials, and waiting would not help.
  Result<S3Reply> call(const S3Call& call);
  /// An Error for a refusal that has no meaning of its own: unavailable, so that nothing is taken for lost, but while
  /// the bucket is tried out.
  Error refused(const S3Call& call, const S3Reply& reply) const;
  /// As long as it is tried out for the first time refusals are `invalid`: somebody must set up something else.
  void try_out(bool first_time) { first_time_ = first_time; }
  /// As ObjectStore has it.
  void give_up_at(int64_t monotonic_ns) { end_ns_ = monotonic_ns; }
  /// From then on (monotonic) what would change the bucket is answered unavailable and not sent; what is under way is
  /// given up about a second later at most.
  void write_until(int64_t monotonic_ns) { write_end_ns_ = monotonic_ns; }
  /// When a write ended without an answer the last time (monotonic): it may come to the bucket yet.  INT64_MIN: never.
  int64_t last_unsure_ns() const { return last_unsure_ns_; }
  const S3Address& address() const { return address_; }
  const S3Options& options() const { return options_; }
  const S3Environment& env() const { return env_; }

 private:
  enum class Verdict : unsigned char { final, again, again_with_new_credentials };
  struct Attempt {
    Verdict verdict = Verdict::final;
    Result<S3Reply> reply;
    int64_t wait_ns = 0;  ///< that the server asks for
  };
  Result<HttpCall> sign(const S3Call& call, std::string_view payload_hash, S3Credentials* used);
  Attempt attempt(const S3Call& call, std::string_view payload_hash, int64_t left_ns, const Patience* patience);
  void judge_server(const Result<HttpAnswer>& answer, const Patience* patience);
  void wait(int64_t wait_ns, const Patience* patience) const;
  static Verdict judge(const S3Call& call, const S3Reply& reply);
  void learn_clock(const S3Reply& reply);
  int64_t backoff_ns(uint32_t retries) const;
  /// Why a request may not be sent, or go on, any more; null: it may.
  const char* forbidden(const S3Call& call) const;
  void count(const S3Call& call, const Result<HttpAnswer>& answer, int64_t began_ns);

  const S3Options options_;
  const S3Environment env_;
  const S3Address address_;
  const std::unique_ptr<HttpTransport> http_;
  S3CredentialCache credentials_;
  const std::shared_ptr<S3Breaker> breaker_;
  std::atomic<bool> first_time_{false};
  std::atomic<int64_t> end_ns_{INT64_MAX};        ///< monotonic; nothing is asked for after it
  std::atomic<int64_t> write_end_ns_{INT64_MAX};  ///< and nothing is written after this
  std::atomic<int64_t> last_unsure_ns_{INT64_MIN};
  std::atomic<int64_t> clock_skew_ns_{0};  ///< the server's clock minus ours, once it complained
  Counter& bytes_sent_;
  Counter& bytes_received_;
  Counter& retries_;
};

}  // namespace cordwood
