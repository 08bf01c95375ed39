// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "storage/base/clock.h"
#include "tests/support/http_double.h"

namespace cordwood {

/// What may happen to a request.
enum class S3Fault : unsigned char {
  none,
  error_500,
  slow_down,     ///< 503
  throttled,     ///< 429
  conflict,      ///< 409 ConditionalRequestConflict
  hang_up,       ///< the connection is closed, nothing was done
  lost_answer,   ///< it was done, then the connection is closed
  lost_to_500,   ///< it was done, and answered 500
  cut_body,      ///< half of the answer's body, then closed
  slow_body,     ///< half of it, then nothing
  stale_list,    ///< a listing without the newest object
  late_failure,  ///< 200 with an <Error>, nothing was done
  half_done      ///< of what is asked for many objects every second one fails
};

/// A strict bucket in memory.  It reads requests anew from the wire: signature, hash of the body, escapes of the path,
/// Host; what AWS refuses is refused.  Path-style unless told.
class S3Double {
 public:
  struct Options {
    std::string bucket = "logs";
    std::string region = "eu-central-1";
    std::string access_key_id = "AKIDEXAMPLE";
    std::string secret_access_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    std::string session_token = {};  ///< wanted when not empty
    bool conditional = true;         ///< honours If-None-Match
    int removes_many_status = 200;   ///< else how DeleteObjects is refused
    bool virtual_host = false;
    size_t page = 1000;  ///< keys of a listing at most
    uint64_t min_part_bytes = 16;
    Clock* clock = nullptr;  ///< null: the system's
  };
  struct Object {
    std::string bytes;
    std::string etag;
    std::string storage_class = "STANDARD";
    std::map<std::string, std::string> metadata;  ///< x-amz-meta-… and x-amz-server-side-…
    std::string restore;                          ///< x-amz-restore
    uint64_t made = 0;                            ///< rises
  };
  /// What a request asked for.
  struct Seen {
    std::string op;  ///< as the client's metrics name it
    std::string key;
    HttpDouble::Request request;
  };
  using Faults = std::function<S3Fault(const Seen&)>;

  explicit S3Double(Options options);
  S3Double() : S3Double(Options()) {}

  std::string endpoint() const { return server_.url(); }
  uint16_t port() const { return server_.port(); }
  const Options& options() const { return options_; }
  /// Asked about every request, one at a time.
  void set_faults(Faults faults) EXCLUDES(mu_);
  /// What it answers instead of doing anything; asked as the faults are.  nullopt: what it answers else.
  using Answers = std::function<std::optional<HttpDouble::Reply>(const Seen&)>;
  void set_answers(Answers answers) EXCLUDES(mu_);
  static HttpDouble::Reply failure(int status, const std::string& code);
  std::vector<Seen> seen() const EXCLUDES(mu_);
  std::map<std::string, Object> objects() const EXCLUDES(mu_);
  void put(const std::string& key, const std::string& bytes) EXCLUDES(mu_);
  /// Each answer waits as long.
  void set_latency_ns(int64_t latency_ns) { latency_ns_ = latency_ns; }
  /// Requests under way at the same time, the most there ever were.
  size_t most_at_once() const { return most_at_once_; }
  size_t open_uploads() const EXCLUDES(mu_);
  uint64_t refused_signatures() const EXCLUDES(mu_);
  uint64_t connections() const { return server_.connections(); }
  /// What is being restored can be read until 2040.
  void finish_restores() EXCLUDES(mu_);

 private:
  using Reply = HttpDouble::Reply;
  struct Upload {
    std::string key;
    int64_t begun_ns = 0;
    Object object;
    std::map<int, std::pair<std::string, std::string>> parts;  ///< ETag and bytes
  };
  struct Call;

  Reply handle(const HttpDouble::Request& request) EXCLUDES(mu_);
  Reply check(const HttpDouble::Request& request, Call* call) REQUIRES(mu_);
  Reply check_signature(const HttpDouble::Request& request, const Call& call) REQUIRES(mu_);
  Reply perform(const Call& call, S3Fault fault) REQUIRES(mu_);
  Reply put_object(const Call& call) REQUIRES(mu_);
  Reply get_object(const Call& call) REQUIRES(mu_);
  Reply copy_object(const Call& call) REQUIRES(mu_);
  Reply list(const Call& call, bool stale) REQUIRES(mu_);
  Reply remove_many(const Call& call, bool half) REQUIRES(mu_);
  Reply list_uploads(const Call& call) REQUIRES(mu_);
  Reply begin_upload(const Call& call) REQUIRES(mu_);
  Reply put_part(const Call& call) REQUIRES(mu_);
  Reply complete_upload(const Call& call) REQUIRES(mu_);
  Reply restore(const Call& call) REQUIRES(mu_);

  const Options options_;
  SystemClock system_clock_;
  mutable Mutex mu_;
  Faults faults_ GUARDED_BY(mu_);
  Answers answers_ GUARDED_BY(mu_);
  std::vector<Seen> seen_ GUARDED_BY(mu_);
  std::map<std::string, Object> objects_ GUARDED_BY(mu_);
  std::map<std::string, Upload> uploads_ GUARDED_BY(mu_);
  uint64_t made_ GUARDED_BY(mu_) = 0;
  uint64_t refused_ GUARDED_BY(mu_) = 0;
  std::atomic<int64_t> latency_ns_{0};
  std::atomic<size_t> at_once_{0};
  std::atomic<size_t> most_at_once_{0};
  HttpDouble server_;  // last: its threads end first
};

}  // namespace cordwood
