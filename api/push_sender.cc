// SPDX-License-Identifier: Apache-2.0
#include "api/push_sender.h"

#include <fmt/core.h>
#include <snappy.h>

#include <algorithm>
#include <charconv>

#include "storage/base/coding.h"
#include "storage/model/time_range.h"

namespace cordwood::api {
namespace {

constexpr int64_t kFirstWait_ns = kNsPerSecond / 2;
constexpr int64_t kLongestWait_ns = 30 * kNsPerSecond;

/// A field of wire type 2.
void append_field(int number, std::string_view bytes, std::string* out) {
  ByteWriter writer(out);
  writer.u8(static_cast<uint8_t>(number << 3 | 2));
  writer.string(bytes);
}

/// EntryAdapter: 1 timestamp {1 seconds, 2 nanos}, 2 line.
void append_entry(int64_t time_ns, std::string_view line, std::string* out) {
  const int64_t seconds = floor_div(time_ns, kNsPerSecond);
  std::string time;
  ByteWriter writer(&time);
  writer.u8(1 << 3);
  writer.varint(static_cast<uint64_t>(seconds));
  writer.u8(2 << 3);
  writer.varint(static_cast<uint64_t>(time_ns - seconds * kNsPerSecond));
  std::string entry;
  append_field(1, time, &entry);
  append_field(2, line, &entry);
  append_field(2, entry, out);
}

int64_t wait_of(const HttpClient::Reply& reply, int64_t otherwise_ns) {
  const auto text = reply.headers.get("Retry-After");
  int64_t seconds = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (text.empty() || parsed.ec != std::errc() || seconds < 0) return otherwise_ns;
  return std::min(seconds * kNsPerSecond, kLongestWait_ns);
}

}  // namespace

PushSender::PushSender(PushSenderOptions options, HttpClient& client, HttpHeaders headers)
    : options_(std::move(options)), client_(client), headers_(std::move(headers)) {
  headers_.add("Content-Type", "application/x-protobuf");
}

Result<void> PushSender::add(int64_t time_ns, std::string_view line) {
  append_entry(time_ns, line, &entries_);
  ++lines_;
  bytes_ += line.size();
  if (entries_.size() < options_.batch_bytes) return {};
  return send();
}

Result<void> PushSender::finish() {
  if (lines_ == 0) return {};
  return send();
}

Result<void> PushSender::send() {
  std::string stream;
  append_field(1, options_.labels, &stream);
  stream += entries_;
  std::string request;
  append_field(1, stream, &request);
  std::string packed;
  snappy::Compress(request.data(), request.size(), &packed);

  int64_t wait_ns = kFirstWait_ns;
  std::string problem;
  for (int attempt = 1; attempt <= options_.attempts; ++attempt) {
    auto reply = client_.call("POST", "/loki/api/v1/push", headers_, packed);
    int64_t now_wait_ns = wait_ns;
    if (reply.ok()) {
      if (reply->status / 100 == 2 || reply->status == 400) {
        if (reply->status == 400) {
          ++refused_batches_;
          refusal_ = reply->body;
        }
        sent_lines_ += lines_;
        sent_bytes_ += bytes_;
        lines_ = bytes_ = 0;
        entries_.clear();
        return {};
      }
      problem = fmt::format("the server answers {}: {}", reply->status, reply->body);
      if (reply->status != 429 && reply->status / 100 != 5) return Error::invalid(problem);
      now_wait_ns = wait_of(*reply, wait_ns);
    } else {
      problem = reply.error().message;
    }
    if (attempt == options_.attempts) break;
    options_.sleep(now_wait_ns);
    wait_ns = std::min(wait_ns * 2, kLongestWait_ns);
  }
  return Error::unavailable(fmt::format("gave up after {} attempts: {}", options_.attempts, problem));
}

}  // namespace cordwood::api
