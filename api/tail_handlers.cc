// SPDX-License-Identifier: Apache-2.0
#include "api/handlers.h"
#include "api/json_text.h"
#include "api/loki_json.h"
#include "api/read_call.h"
#include "api/text_response.h"
#include "api/web_socket.h"
#include "query/log_query_text.h"

namespace cordwood::api {
namespace {

constexpr uint32_t kMaxDelaySeconds = 5;

enum class TailForm : unsigned char { current, legacy };

/// Sends what a tail gives.
class TailSource final : public MessageSource {
 public:
  TailSource(std::unique_ptr<query::Tail> tail, QueryEncoding encoding, TailForm form)
      : tail_(std::move(tail)), encoding_(std::move(encoding)), form_(form) {}

  Turn next(const std::atomic<bool>& gone) override {
    Turn turn;
    auto page = tail_->next(&gone);
    if (!page.ok()) {
      turn.close = true;
      turn.reason = page.error().message;
      return turn;
    }
    if (!page->entries.empty() || !page->dropped.empty()) {
      turn.message = form_ == TailForm::legacy ? encode_legacy_tail(*page) : encode_tail(*page, encoding_);
    }
    turn.again = page->again;
    turn.wait_ns = page->wait_ns;
    return turn;
  }
  void set_wake(std::function<void()> wake) override { tail_->set_wake(std::move(wake)); }

 private:
  std::unique_ptr<query::Tail> tail_;
  QueryEncoding encoding_;
  TailForm form_;
};

/// Says why there is nothing to be had.
class RefusalSource final : public MessageSource {
 public:
  explicit RefusalSource(std::string reason) : reason_(std::move(reason)) {}
  Turn next(const std::atomic<bool>&) override { return {.message = {}, .close = true, .reason = reason_}; }
  void set_wake(std::function<void()>) override {}

 private:
  std::string reason_;
};

Result<query::TailRequest> parse_tail(const ReadCall& call) {
  query::TailRequest request;
  request.query = call.params.get("query");
  if (const auto expression = call.params.get("regexp"); !expression.empty()) {
    TRY_ASSIGN(request.query, query::with_line_regex(request.query, expression));
  }
  TRY(query::TailReader::check(request.query));
  TRY_ASSIGN(request.limit, parse_limit(call.params, "limit", kDefaultQueryLimit));
  TRY_ASSIGN(const TimeBounds bounds, parse_bounds(call.params, call.now_ns));
  request.start_ns = bounds.start_ns;
  TRY_ASSIGN(const int64_t delay_s, parse_whole_number(call.params, "delay_for", 0));
  if (delay_s > kMaxDelaySeconds || delay_s < 0) {
    return Error::invalid("delay_for can't be greater than " + std::to_string(kMaxDelaySeconds));
  }
  request.delay_ns = delay_s * kNsPerSecond;
  return request;
}

Result<HttpResponse> tail(const Services& services, ReadCall& call, TailForm form) {
  TRY_ASSIGN(query::TailRequest request, parse_tail(call));
  if (!asks_for_web_socket(call.http)) return no_web_socket();
  QueryEncoding encoding = encoding_of(call.http);
  request.categorize_labels = encoding.categorize_labels && form == TailForm::current;
  HttpResponse response;
  response.status = 101;
  if (encoding.base64_lines && form == TailForm::current) response.headers.emplace_back("X-Cordwood-Raw", "base64");
  // From here on errors go into a close frame: browsers cannot see an answer that is no WebSocket.
  auto opened = services.tails->open(call.context, request);
  if (!opened.ok()) {
    response.web_socket = std::make_shared<RefusalSource>(opened.error().message);
    return response;
  }
  response.web_socket = std::make_shared<TailSource>(std::move(*opened), std::move(encoding), form);
  services.log->info("tail", {{"tenant", call.context.tenant}, {"query", request.query.substr(0, 1024)}});
  return response;
}

}  // namespace

void add_tail_routes(Router& router, const Services& services) {
  const auto add = [&](const char* path, TailForm form) {
    router.add("GET", path, read_options(services),
               read_handler(services, [&services, form](ReadCall& call) { return tail(services, call, form); }));
  };
  add("/loki/api/v1/tail", TailForm::current);
  add("/api/prom/tail", TailForm::legacy);
}

}  // namespace cordwood::api
