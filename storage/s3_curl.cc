// SPDX-License-Identifier: Apache-2.0
#include <curl/curl.h>

#include <algorithm>
#include <deque>

#include "storage/base/ascii.h"
#include "storage/base/mutex.h"
#include "storage/s3_http.h"

namespace cordwood {

namespace {

constexpr size_t kMaxFields = 200;
constexpr size_t kMaxFieldBytes = 16u << 10;
constexpr long kReadBytes = 64L << 10;
constexpr long kWriteBytes = 256L << 10;

struct EasyCloser {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
using EasyHandle = std::unique_ptr<CURL, EasyCloser>;

struct ListCloser {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

/// What comes back, as it comes.
struct Receiver {
  HttpAnswer answer;
  uint64_t max_bytes = 0;
  bool too_long = false;
};

std::string_view trim_field(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == '\r' || text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  return text;
}

size_t on_field(char* data, size_t size, size_t count, void* to) {
  auto* receiver = static_cast<Receiver*>(to);
  const std::string_view line(data, size * count);
  if (line.starts_with("HTTP/")) receiver->answer.fields.clear();  // after 100 Continue comes another one
  const size_t colon = line.find(':');
  const bool kept =
      colon != std::string_view::npos && line.size() <= kMaxFieldBytes && receiver->answer.fields.size() < kMaxFields;
  if (kept) {
    std::string name(line.substr(0, colon));
    std::transform(name.begin(), name.end(), name.begin(), fold_byte);
    receiver->answer.fields.emplace_back(std::move(name), trim_field(line.substr(colon + 1)));
  }
  return size * count;
}

size_t on_body(char* data, size_t size, size_t count, void* to) {
  auto* receiver = static_cast<Receiver*>(to);
  const size_t bytes = size * count;
  if (receiver->answer.body.size() + bytes > receiver->max_bytes) {
    receiver->too_long = true;
    return 0;
  }
  receiver->answer.body.append(data, bytes);
  return bytes;
}

int on_progress(void* of, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const HttpCall*>(of)->given_up() ? 1 : 0;
}

/// Machines beside us are not reached through a proxy.
bool is_near(std::string_view url) {
  for (const std::string_view host : {"://127.", "://localhost", "://[::1]", "://169.254.", "://[fd00:ec2::"}) {
    if (url.find(host) != std::string_view::npos) return true;
  }
  return false;
}

class CurlTransport final : public HttpTransport {
 public:
  explicit CurlTransport(HttpClientOptions options) : options_(std::move(options)) {
    static const CURLcode ready =
        curl_global_init(CURL_GLOBAL_DEFAULT);  // once a process, before any thread's first use
    CHECK(ready == CURLE_OK, "curl_global_init: {}", static_cast<int>(ready));
  }

  Result<HttpAnswer> send(const HttpCall& call) override {
    EasyHandle handle = take();
    Result<HttpAnswer> answer = perform(handle.get(), call);
    give_back(std::move(handle));
    return answer;
  }

 private:
  EasyHandle take() {
    {
      const MutexLock lock(mu_);
      if (!idle_.empty()) {
        EasyHandle handle = std::move(idle_.back());  // the one used last: its connection is most likely still there
        idle_.pop_back();
        return handle;
      }
    }
    EasyHandle handle(curl_easy_init());
    CHECK(handle != nullptr, "curl_easy_init gave nothing");
    return handle;
  }

  void give_back(EasyHandle handle) {
    curl_easy_reset(handle.get());  // options go, the connection stays
    const MutexLock lock(mu_);
    if (idle_.size() < options_.max_idle) idle_.push_back(std::move(handle));
  }

  void set_options(CURL* h, const HttpCall& call) const {
    const auto ms = [](int64_t ns) { return static_cast<long>(std::clamp<int64_t>(ns / 1'000'000, 1, 86'400'000)); };
    curl_easy_setopt(h, CURLOPT_URL, call.url.c_str());
    curl_easy_setopt(h, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(h, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(h, CURLOPT_NOPROGRESS, 1L);
    curl_easy_setopt(h, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, ms(options_.connect_timeout_ns));
    curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, ms(call.timeout_ns));
    curl_easy_setopt(h, CURLOPT_MAXAGE_CONN, std::max(1L, ms(options_.idle_connection_ns) / 1000));
    curl_easy_setopt(h, CURLOPT_BUFFERSIZE, kReadBytes);
    curl_easy_setopt(h, CURLOPT_UPLOAD_BUFFERSIZE, kWriteBytes);
    curl_easy_setopt(h, CURLOPT_SSL_VERIFYPEER, options_.insecure_skip_verify ? 0L : 1L);
    curl_easy_setopt(h, CURLOPT_SSL_VERIFYHOST, options_.insecure_skip_verify ? 0L : 2L);
    if (!options_.ca_file.empty()) curl_easy_setopt(h, CURLOPT_CAINFO, options_.ca_file.c_str());
    if (is_near(call.url)) curl_easy_setopt(h, CURLOPT_PROXY, "");
    curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, call.method.c_str());
    if (call.method == "HEAD") {
      curl_easy_setopt(h, CURLOPT_NOBODY, 1L);
    } else if (call.method != "GET" && call.method != "DELETE") {
      curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.body.size()));
      curl_easy_setopt(h, CURLOPT_POSTFIELDS, call.body.empty() ? "" : call.body.data());
    }
  }

  Result<HttpAnswer> perform(CURL* h, const HttpCall& call) const {
    Receiver receiver;
    receiver.max_bytes = call.max_answer_bytes;
    char why[CURL_ERROR_SIZE] = {};
    set_options(h, call);
    std::unique_ptr<curl_slist, ListCloser> fields;
    const auto add = [&fields](const std::string& line) {
      curl_slist* longer = curl_slist_append(fields.get(), line.c_str());
      CHECK(longer != nullptr, "curl_slist_append gave nothing");
      static_cast<void>(fields.release());
      fields.reset(longer);
    };
    // What curl would add by itself and nobody signed.
    for (const char* none : {"expect:", "content-type:", "accept:"}) {
      const auto same = [none](const auto& f) { return f.first + ":" == none; };
      if (std::none_of(call.fields.begin(), call.fields.end(), same)) add(none);
    }
    for (const auto& [name, value] : call.fields) add(value.empty() ? name + ";" : name + ": " + value);
    curl_easy_setopt(h, CURLOPT_HTTPHEADER, fields.get());
    curl_easy_setopt(h, CURLOPT_ERRORBUFFER, why);
    curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, &on_field);
    curl_easy_setopt(h, CURLOPT_HEADERDATA, &receiver);
    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, &on_body);
    curl_easy_setopt(h, CURLOPT_WRITEDATA, &receiver);
    if (call.given_up) {
      curl_easy_setopt(h, CURLOPT_NOPROGRESS, 0L);
      curl_easy_setopt(h, CURLOPT_XFERINFOFUNCTION, &on_progress);
      curl_easy_setopt(h, CURLOPT_XFERINFODATA, &call);
    }
    const CURLcode code = curl_easy_perform(h);
    const std::string_view said = why[0] != '\0' ? why : curl_easy_strerror(code);
    if (receiver.too_long) {
      return Error::exhausted(fmt::format("the answer is longer than {} bytes", receiver.max_bytes));
    }
    if (code == CURLE_ABORTED_BY_CALLBACK) return Error::timeout("given up: the process ends");
    if (code == CURLE_OPERATION_TIMEDOUT) return Error::timeout(std::string(said));
    if (code != CURLE_OK) return Error::unavailable(std::string(said));
    long status = 0;
    curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
    receiver.answer.status = static_cast<int>(status);
    return std::move(receiver.answer);
  }

  const HttpClientOptions options_;
  Mutex mu_;
  std::deque<EasyHandle> idle_ GUARDED_BY(mu_);
};

}  // namespace

std::string_view HttpAnswer::field(std::string_view name) const {
  for (const auto& [have, value] : fields) {
    if (have == name) return value;
  }
  return {};
}

std::unique_ptr<HttpTransport> make_curl_transport(HttpClientOptions options) {
  return std::make_unique<CurlTransport>(std::move(options));
}

}  // namespace cordwood
