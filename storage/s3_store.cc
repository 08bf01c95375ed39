// SPDX-License-Identifier: Apache-2.0
#include "storage/s3_store.h"

#include <algorithm>
#include <atomic>
#include <map>

#include "storage/base/parallel.h"
#include "storage/s3_lease.h"
#include "storage/s3_objects.h"

namespace cordwood {

namespace {

constexpr uint64_t kMaxListBytes = 8u << 20;
constexpr int kMaxPutRounds = 4;
constexpr uint64_t kMaxRangeBytes = 4ull << 30;
constexpr const char* kProbe = "probe/";

class S3Store final : public ObjectStore {
 public:
  explicit S3Store(std::unique_ptr<S3Client> client) : client_(std::move(client)), objects_(*client_) {}

  /// Learns how the bucket takes If-None-Match.
  Result<void> probe();
  /// Nothing is written from now on but by the holder of the lease.  Null: none is needed.
  WriterLease* begin_lease(const std::string& owner, const std::string& node);

  Result<bool> put_if_absent(const std::string& key, std::string_view data) override {
    return put_within(key, data, 0);
  }
  Result<bool> put_within(const std::string& key, std::string_view data, int64_t timeout_ns) override;
  Result<std::unique_ptr<ObjectUpload>> upload(const std::string& key) override;
  Result<std::string> get_range(const std::string& key, uint64_t offset, uint64_t size) override;
  Result<ObjectBytes> get_near(const std::string& key, ObjectRange, ObjectRange around) override {
    TRY_ASSIGN(std::string bytes, get_range(key, around.offset, around.size));
    return ObjectBytes{around.offset, std::move(bytes)};
  }
  Result<ObjectInfo> head(const std::string& key) override;
  Result<std::vector<ObjectInfo>> list(const std::string& prefix, const std::string& after, size_t limit) override;
  Result<void> remove(const std::string& key) override;
  Result<void> remove_all(const std::vector<std::string>& keys, size_t parallel) override;
  Result<uint64_t> abort_uploads(const std::string& prefix, int64_t begun_before_ns) override;
  void give_up_at(int64_t monotonic_ns) override { client_->give_up_at(monotonic_ns); }
  bool is_far() const override { return true; }
  bool guards_puts() const override { return conditional_; }
  ObjectTiers* tiers() override { return tiers_.get(); }

 private:
  std::string new_name() const { return client_->env().random->hex128(); }
  Result<bool> put_unguarded(const S3NewObject& object, std::string_view data, int64_t timeout_ns) EXCLUDES(put_mu_);
  Result<bool> put_again(const std::string& key, std::string_view data, int64_t timeout_ns) REQUIRES(put_mu_);
  Result<std::string> check_range(const std::string& key, uint64_t offset, uint64_t size);

  const std::unique_ptr<S3Client> client_;
  S3Objects objects_;
  bool conditional_ = false;              ///< the bucket honours If-None-Match; constant after probe()
  std::atomic<bool> removes_many_{true};  ///< until the bucket refuses
  std::unique_ptr<ObjectTiers> tiers_;
  std::unique_ptr<WriterLease> lease_;
  /// An object that was put without an answer: it may come to the bucket yet.
  struct Unsure {
    S3NewObject object;
    std::string data;
    int64_t tried_ns = 0;  ///< monotonic
  };
  Mutex put_mu_;                                              ///< makes look-and-put one step where the bucket does not
  std::map<std::string, Unsure> unsure_ GUARDED_BY(put_mu_);  ///< by key; only where the bucket overwrites
};

Result<void> S3Store::probe() {
  client_->try_out(true);
  const S3NewObject object{kProbe + new_name(), "", new_name()};
  S3NewObject other = object;
  other.name = new_name();
  TRY_ASSIGN(S3Objects::Put put, objects_.put(object, "first", true));
  if (put == S3Objects::Put::taken) {
    // Nobody else has this key: our first try was answered into the void.
    TRY_ASSIGN(const bool ours, objects_.is_ours(object));
    if (!ours) return Error::unavailable(fmt::format("probe {}: taken by nobody we know", object.key));
    conditional_ = true;
  } else if (put == S3Objects::Put::made) {
    TRY_ASSIGN(put, objects_.put(other, "second", true));
    TRY_ASSIGN(const bool ours, objects_.is_ours(object));
    conditional_ = put == S3Objects::Put::taken && ours;
  }
  if (put != S3Objects::Put::unsupported) TRY(objects_.remove(object.key));
  TRY_ASSIGN(const auto left_over, list(kProbe, "", 1));
  client_->try_out(false);
  tiers_ = make_s3_tiers(objects_, conditional_);
  client_->env().log->info("bucket opened", {{"bucket", client_->address().describe()}});
  return {};
}

WriterLease* S3Store::begin_lease(const std::string& owner, const std::string& node) {
  const S3Environment& env = client_->env();
  const S3Options& options = client_->options();
  if (!conditional_) {
    env.log->warn(options.single_writer
                      ? "the bucket ignores If-None-Match: this server must be the only one that writes to it"
                      : "the bucket ignores If-None-Match: one server alone may write to it, the holder of its lease",
                  {{"bucket", client_->address().describe()}});
  }
  if (options.single_writer || (conditional_ && !options.node_lease)) return nullptr;
  lease_ = std::make_unique<WriterLease>(
      WriterLease::Options{owner, new_name(), node, options.lease_duration_ns},
      make_s3_lease_object(*client_, conditional_ ? node_lease_key(node) : kWriterLease),
      WriterLease::Environment{env.clock, env.metrics, env.log, [c = client_.get()](int64_t ns) { c->write_until(ns); },
                               [c = client_.get()] { return c->last_unsure_ns(); }});
  return lease_.get();
}

/// Look, then put: right as long as nobody else writes, and nothing of ours comes late.
Result<bool> S3Store::put_unguarded(const S3NewObject& object, std::string_view data, int64_t timeout_ns) {
  const MutexLock lock(put_mu_);
  Clock& clock = *client_->env().clock;
  const int64_t now_ns = clock.monotonic_ns();
  const int64_t longest_ns = client_->options().lease_duration_ns;
  std::erase_if(unsure_, [&](const auto& put) { return now_ns - put.second.tried_ns > longest_ns; });
  if (unsure_.contains(object.key)) return put_again(object.key, data, timeout_ns);
  const Result<HttpAnswer> there = objects_.head(object.key);
  if (there.ok()) return false;
  if (there.error().kind != ErrorKind::not_found) return there.error();
  const Result<S3Objects::Put> put = objects_.put(object, data, false, timeout_ns);
  if (!put.ok() && client_->last_unsure_ns() >= now_ns) {
    unsure_[object.key] = {object, std::string(data), clock.monotonic_ns()};
  }
  if (!put.ok()) return put.error();
  return *put == S3Objects::Put::made;
}

/// Whenever the put that was not answered comes, it must find what it brings.
Result<bool> S3Store::put_again(const std::string& key, std::string_view data, int64_t timeout_ns) {
  Unsure& before = unsure_.at(key);
  const Result<S3Objects::Put> put = objects_.put(before.object, before.data, false, timeout_ns);
  before.tried_ns = client_->env().clock->monotonic_ns();
  if (!put.ok()) return put.error();
  const bool same = before.data == data;
  unsure_.erase(key);
  return same;
}

Result<bool> S3Store::put_within(const std::string& key, std::string_view data, int64_t timeout_ns) {
  TRY(objects_.check_key(key));
  const S3NewObject object{key, "", new_name()};
  if (!conditional_) return put_unguarded(object, data, timeout_ns);
  for (int round = 0; round < kMaxPutRounds; ++round) {
    TRY_ASSIGN(const S3Objects::Put put, objects_.put(object, data, true, timeout_ns));
    if (put == S3Objects::Put::made) return true;
    if (put == S3Objects::Put::unsupported) break;
    // Asked even if we know of no lost answer: the library below may have sent the request again by itself.
    const Result<bool> ours = objects_.is_ours(object);
    if (ours.ok()) return *ours;
    if (ours.error().kind != ErrorKind::not_found) return ours.error();
    // It was removed in between.
  }
  return Error::unavailable(fmt::format("object {}: the bucket takes no condition, or the object comes and goes", key));
}

Result<std::unique_ptr<ObjectUpload>> S3Store::upload(const std::string& key) {
  TRY(objects_.check_key(key));
  return make_s3_upload(objects_, {key, "", new_name()}, conditional_);
}

/// A range without bytes cannot be asked for.
Result<std::string> S3Store::check_range(const std::string& key, uint64_t offset, uint64_t size) {
  TRY_ASSIGN(const ObjectInfo info, head(key));
  if (offset <= info.size_bytes && size <= info.size_bytes - offset) return std::string();
  return Error::corrupt(
      fmt::format("object {}: {} bytes at {} asked for, it has {}", key, size, offset, info.size_bytes));
}

Result<std::string> S3Store::get_range(const std::string& key, uint64_t offset, uint64_t size) {
  TRY(objects_.check_key(key));
  if (size == 0 || size > kMaxRangeBytes || offset > INT64_MAX - size) {
    TRY_ASSIGN(std::string nothing, check_range(key, offset, size));
    if (size == 0) return nothing;
    return Error::exhausted(fmt::format("object {}: {} bytes at a time", key, size));
  }
  S3Call call;
  call.op = "get";
  call.method = "GET";
  call.key = key;
  call.fields = {{"range", fmt::format("bytes={}-{}", offset, offset + size - 1)}};
  call.max_answer_bytes = size;
  TRY_ASSIGN(S3Reply reply, client_->call(call));
  const auto too_short = [&](std::string_view has) {
    return Error::corrupt(fmt::format("object {}: {} bytes at {} asked for, it has {}", key, size, offset, has));
  };
  if (reply.failure.code == "NoSuchKey") return Error::not_found(fmt::format("object {}", key));
  if (reply.http.status == 416) return too_short("fewer");
  if (reply.http.status == 200 && reply.ok()) {
    // The server knows no ranges; what it sent may still be what we want.
    if (offset == 0 && reply.http.body.size() == size) return std::move(reply.http.body);
    return Error::unavailable(fmt::format("object {}: the server ignores ranges", key));
  }
  if (reply.http.status != 206) return client_->refused(call, reply);
  const std::string_view range = reply.http.field("content-range");
  const size_t slash = range.find('/');
  const bool wanted = range.starts_with(fmt::format("bytes {}-", offset)) && slash != std::string_view::npos;
  if (!wanted) return Error::unavailable(fmt::format("object {}: the server sent '{}'", key, range.substr(0, 100)));
  if (reply.http.body.size() != size) return too_short(range.substr(slash + 1, 20));
  return std::move(reply.http.body);
}

Result<ObjectInfo> S3Store::head(const std::string& key) {
  TRY(objects_.check_key(key));
  TRY_ASSIGN(const HttpAnswer answer, objects_.head(key));
  const auto size = s3_object_bytes(answer);
  if (!size) return Error::unavailable(fmt::format("object {}: no length is told", key));
  return ObjectInfo{key, *size};
}

Result<std::vector<ObjectInfo>> S3Store::list(const std::string& prefix, const std::string& after, size_t limit) {
  const std::string& ours = client_->address().prefix();
  std::vector<ObjectInfo> found;
  std::string last = after;
  std::string token;
  while (found.size() < limit) {
    S3Call call;
    call.op = "list";
    call.method = "GET";
    call.query = {{"list-type", "2"},
                  {"encoding-type", "url"},
                  {"prefix", ours + prefix},
                  {"max-keys", std::to_string(std::min(kListPage, limit - found.size()))}};
    if (!token.empty()) {
      call.query.emplace_back("continuation-token", token);
    } else if (!last.empty()) {
      call.query.emplace_back("start-after", ours + last);
    }
    call.max_answer_bytes = kMaxListBytes;
    TRY_ASSIGN(const S3Reply reply, client_->call(call));
    if (!reply.ok()) return client_->refused(call, reply);
    Result<S3Listing> page = parse_s3_listing(reply.http.body);
    if (!page.ok()) return Error::unavailable(page.error().message);
    for (ObjectInfo& object : page->objects) {
      if (!object.key.starts_with(ours + prefix)) return Error::unavailable("a listing has keys of another prefix");
      object.key.erase(0, ours.size());
      if (object.key.starts_with(kProbe) || object.key.starts_with(kLeasePrefix)) continue;
      if (object.key <= after) continue;  // not everybody knows start-after
      if (!found.empty() && object.key <= found.back().key) return Error::unavailable("a listing goes back");
      if (found.size() < limit) found.push_back(std::move(object));
    }
    if (!page->truncated) break;
    if (page->next_token.empty() && (found.empty() || found.back().key == last)) {
      return Error::unavailable("a listing does not tell how to go on");
    }
    token = page->next_token;
    if (!found.empty()) last = found.back().key;
  }
  return found;
}

Result<void> S3Store::remove(const std::string& key) {
  TRY(objects_.check_key(key));
  return objects_.remove(key);
}

/// What a request for many leaves is asked for one by one: those have their own retries, and errors.
Result<void> S3Store::remove_all(const std::vector<std::string>& keys, size_t parallel) {
  for (const std::string& key : keys) TRY(objects_.check_key(key));
  for (size_t begin = 0; begin < keys.size();) {
    const size_t end = std::min(keys.size(), begin + S3Objects::kMaxRemoved);
    const std::vector<std::string> some(keys.begin() + static_cast<ptrdiff_t>(begin),
                                        keys.begin() + static_cast<ptrdiff_t>(end));
    begin = end;
    std::vector<std::string> left;
    if (some.size() > 1 && removes_many_) {
      TRY_ASSIGN(const bool known, objects_.remove_many(some, &left));
      if (known && left.empty()) continue;
      if (!known && removes_many_.exchange(false)) {
        client_->env().log->info("the bucket does not remove many objects with one request for us: they go one by one");
      }
    }
    const std::vector<std::string>& rest = left.empty() ? some : left;
    TRY(run_parallel(rest.size(), parallel, [&](size_t i) { return objects_.remove(rest[i]); }));
  }
  return {};
}

Result<uint64_t> S3Store::abort_uploads(const std::string& prefix, int64_t begun_before_ns) {
  constexpr int kMaxPages = 1000;
  uint64_t aborted = 0;
  S3Uploads page;
  for (int i = 0; i < kMaxPages; ++i) {
    TRY_ASSIGN(page, objects_.list_uploads(prefix, page));
    for (const S3Uploads::Upload& upload : page.uploads) {
      if (upload.begun_ns >= begun_before_ns) continue;
      TRY(objects_.abort_upload(upload.key, upload.id));
      ++aborted;
    }
    if (!page.truncated) break;
  }
  return aborted;
}

Result<void> check_options(const S3Options& o) {
  if (o.access_key_id.empty() != o.secret_access_key.empty()) {
    return Error::invalid("access_key_id and secret_access_key belong together");
  }
  if (!o.sse_type.empty() && o.sse_type != "SSE-S3" && o.sse_type != "SSE-KMS") {
    return Error::invalid(fmt::format("sse.type '{}': want SSE-S3 or SSE-KMS", o.sse_type));
  }
  if (o.storage_class == "GLACIER" || o.storage_class == "DEEP_ARCHIVE") {
    return Error::invalid(fmt::format("storage_class {}: what is new could not be read", o.storage_class));
  }
  if (o.part_bytes == 0) return Error::invalid("parts of uploads need a size");
  return {};
}

}  // namespace

Result<S3Home> open_s3_home(S3Options options, S3Environment env, const std::string& owner, const std::string& node) {
  auto http = make_curl_transport({.ca_file = options.ca_file,
                                   .insecure_skip_verify = options.insecure_skip_verify,
                                   .connect_timeout_ns = options.connect_timeout_ns,
                                   .idle_connection_ns = options.idle_connection_ns});
  return open_s3_home(std::move(options), std::move(env), owner, node, std::move(http));
}

Result<S3Home> open_s3_home(S3Options options, S3Environment env, const std::string& owner, const std::string& node,
                            std::unique_ptr<HttpTransport> http) {
  TRY_ASSIGN(S3UrlParts url, take_s3_url(&options.location));
  if (options.access_key_id.empty() && !url.access_key_id.empty()) {
    options.access_key_id = std::move(url.access_key_id);
    options.secret_access_key = std::move(url.secret_access_key);
  }
  TRY(check_options(options));
  std::string& region = options.location.region;
  if (region.empty()) region = env.variable("AWS_REGION").value_or("");
  if (region.empty()) region = env.variable("AWS_DEFAULT_REGION").value_or("");
  if (region.empty()) region = "us-east-1";
  TRY_ASSIGN(S3Address address, S3Address::make(options.location));
  S3CredentialSources sources = all_credential_sources(options, env, *http, region);
  auto client = std::make_unique<S3Client>(options, env, std::move(address), std::move(http), std::move(sources));
  auto store = std::make_unique<S3Store>(std::move(client));
  TRY(store->probe());
  S3Home home;
  home.lease = store->begin_lease(owner, node);
  home.store = std::move(store);
  return home;
}

Result<std::unique_ptr<ObjectStore>> open_s3_store(S3Options options, S3Environment env) {
  const std::string nobody = env.random->hex128();
  TRY_ASSIGN(S3Home home, open_s3_home(std::move(options), std::move(env), nobody, "-"));
  return std::move(home.store);
}

}  // namespace cordwood
