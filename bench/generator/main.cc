// SPDX-License-Identifier: Apache-2.0
// Pushes logs as collectors do (Loki's protobuf, packed with snappy, one keep-alive connection a thread) and prints
// what it sent as JSON.  Requests are made before the clock starts.  Every stream belongs to one connection.  With
// --paced a request goes out when the time of its last line has come, else they go as fast as the server takes them.
#include <fmt/format.h>
#include <snappy.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <mutex>
#include <thread>

#include <CLI/CLI.hpp>

#include "api/http_client.h"
#include "bench/generator/service_logs.h"

namespace cordwood::bench {
namespace {

struct Options {
  std::string url = "http://127.0.0.1:3100";
  std::string replay;  ///< a file of lines to send instead
  std::string app = "replay";
  std::string write;  ///< raw lines go to this file instead of a server
  uint64_t lines = 3'000'000;
  uint64_t seed = 77;
  int64_t start_s = 0;
  int64_t span_s = 3600;
  uint32_t connections = 2;
  bool paced = false;
};

struct PushRequest {
  std::string body;
  int64_t due_ns = 0;  ///< time of its last line
};

void append_varint(uint64_t value, std::string* out) {
  for (; value > 127; value >>= 7) out->push_back(static_cast<char>(value | 128));
  out->push_back(static_cast<char>(value));
}

void append_field(int number, std::string_view bytes, std::string* out) {
  append_varint(static_cast<uint64_t>(number) << 3 | 2, out);
  append_varint(bytes.size(), out);
  out->append(bytes);
}

/// Gathers entries into push requests of about a megabyte.
class RequestMaker {
 public:
  void add(const std::string& labels, int64_t time_ns, std::string_view line) {
    std::string stamp, entry;
    append_varint(1 << 3, &stamp);
    append_varint(static_cast<uint64_t>(time_ns / 1'000'000'000), &stamp);
    append_varint(2 << 3, &stamp);
    append_varint(static_cast<uint64_t>(time_ns % 1'000'000'000), &stamp);
    append_field(1, stamp, &entry);
    append_field(2, line, &entry);
    append_field(2, entry, &streams_[labels]);
    raw_bytes_ += line.size();
    due_ns_ = time_ns;
    if (raw_bytes_ >= kRequestBytes) finish();
  }
  void finish() {
    std::string request, packed;
    for (const auto& [labels, entries] : streams_) {
      std::string stream;
      append_field(1, labels, &stream);
      stream += entries;
      append_field(1, stream, &request);
    }
    if (!request.empty()) snappy::Compress(request.data(), request.size(), &packed);
    if (!packed.empty()) requests_.push_back({std::move(packed), due_ns_});
    streams_.clear();
    raw_bytes_ = 0;
  }
  const std::vector<PushRequest>& requests() const { return requests_; }

 private:
  static constexpr size_t kRequestBytes = 1'000'000;
  std::map<std::string, std::string> streams_;
  size_t raw_bytes_ = 0;
  int64_t due_ns_ = 0;
  std::vector<PushRequest> requests_;
};

void make_service_requests(const Options& options, std::vector<RequestMaker>* makers, Truth* truth) {
  const ServiceLogs logs(options.seed, options.start_s * 1'000'000'000, options.span_s * 1'000'000'000, options.lines);
  std::ofstream file;
  if (!options.write.empty()) file.open(options.write, std::ios::binary);
  for (uint64_t i = 0; i < options.lines; ++i) {
    const auto line = logs.line(i, truth);
    if (file.is_open()) {
      file << line.text << '\n';
    } else {
      (*makers)[line.stream % makers->size()].add(logs.stream_labels(line.stream), line.time_ns, line.text);
    }
  }
}

/// The lines of a file over and over, in ten streams.
void make_replay_requests(const Options& options, std::vector<RequestMaker>* makers, Truth* truth) {
  std::ifstream in(options.replay, std::ios::binary);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!line.empty()) lines.push_back(line);
  }
  if (lines.empty()) throw std::runtime_error("no lines in " + options.replay);
  const int64_t step_ns = options.span_s * 1'000'000'000 / static_cast<int64_t>(options.lines);
  for (uint64_t i = 0; i < options.lines; ++i) {
    const std::string& line = lines[i % lines.size()];
    const uint64_t host = i % 10;
    (*makers)[host % makers->size()].add(fmt::format(R"({{app="{}", env="bench", host="h{}"}})", options.app, host),
                                         options.start_s * 1'000'000'000 + static_cast<int64_t>(i) * step_ns, line);
    ++truth->lines;
    truth->raw_bytes += line.size();
    ++truth->lines_by_app[options.app];
  }
}

/// What one connection saw.
struct Sent {
  std::vector<double> times_ms;  ///< of each request
  uint64_t refused = 0;          ///< 429 and 503, tried again
  double late_s = 0;             ///< by how much a paced request began too late, at most
};

void wait_until(int64_t time_ns, Sent* sent) {
  const std::chrono::system_clock::time_point due{std::chrono::nanoseconds(time_ns)};
  std::this_thread::sleep_until(due);
  sent->late_s = std::max(sent->late_s, std::chrono::duration<double>(std::chrono::system_clock::now() - due).count());
}

/// Sends requests one after the other.
Sent send(const Options& options, const std::vector<PushRequest>& requests) {
  auto url = api::parse_server_url(options.url);
  if (!url.ok()) throw std::runtime_error(url.error().message);
  api::HttpClient client(*url);
  api::HttpHeaders headers;
  headers.add("Content-Type", "application/x-protobuf");
  Sent sent;
  for (const PushRequest& request : requests) {
    if (options.paced) wait_until(request.due_ns, &sent);
    for (;;) {
      const auto begin = std::chrono::steady_clock::now();
      const auto reply = client.call("POST", "/loki/api/v1/push", headers, request.body);
      if (!reply.ok()) throw std::runtime_error(reply.error().message);
      sent.times_ms.push_back(
          std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
      if (reply->status == 204) break;
      if (reply->status != 429 && reply->status != 503) throw std::runtime_error(reply->body);
      ++sent.refused;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }
  return sent;
}

std::string json_of(const std::map<std::string, uint64_t>& counts) {
  std::string out = "{";
  for (const auto& [name, count] : counts) out += fmt::format("{}\"{}\":{}", out.size() > 1 ? "," : "", name, count);
  return out + "}";
}

int run(const Options& options) {
  Truth truth;
  std::vector<RequestMaker> makers(options.connections);
  if (options.replay.empty()) {
    make_service_requests(options, &makers, &truth);
  } else {
    make_replay_requests(options, &makers, &truth);
  }
  for (RequestMaker& maker : makers) maker.finish();
  Sent all;
  std::mutex mu;
  std::vector<std::thread> senders;
  const auto begin = std::chrono::steady_clock::now();
  for (const RequestMaker& maker : makers) {
    senders.emplace_back([&] {
      const Sent own = send(options, maker.requests());
      const std::lock_guard<std::mutex> lock(mu);
      all.times_ms.insert(all.times_ms.end(), own.times_ms.begin(), own.times_ms.end());
      all.refused += own.refused;
      all.late_s = std::max(all.late_s, own.late_s);
    });
  }
  for (std::thread& sender : senders) sender.join();
  const double wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::vector<double>& times_ms = all.times_ms;
  std::sort(times_ms.begin(), times_ms.end());
  const auto quantile = [&](double q) {
    return times_ms.empty() ? 0 : times_ms[static_cast<size_t>(q * static_cast<double>(times_ms.size() - 1))];
  };
  std::cout
      << fmt::format(
             R"({{"lines":{},"raw_bytes":{},"send_s":{:.3f},"ack_p50_ms":{:.2f},"ack_p99_ms":{:.2f},"refused":{},"late_s":{:.3f},"rare_phrase":"{}","rare":{},"lines_by_app":{},"lines_by_level":{},"failed_by_app":{},"traces":{}}})",
             truth.lines, truth.raw_bytes, wall_s, quantile(0.5), quantile(0.99), all.refused, all.late_s, kRarePhrase,
             truth.rare, json_of(truth.lines_by_app), json_of(truth.lines_by_level), json_of(truth.failed_by_app),
             json_of(truth.traces))
      << std::endl;
  return 0;
}

}  // namespace
}  // namespace cordwood::bench

int main(int argc, char** argv) {
  cordwood::bench::Options options;
  CLI::App app{"Sends generated logs, or the lines of a file, to a server that takes Loki's pushes."};
  app.add_option("--url", options.url);
  app.add_option("--lines", options.lines)->check(CLI::PositiveNumber);
  app.add_option("--seed", options.seed);
  app.add_option("--start", options.start_s, "Unix seconds")->required();
  app.add_option("--span", options.span_s, "seconds");
  app.add_option("--replay", options.replay);
  app.add_option("--app", options.app, "label of replayed lines");
  app.add_option("--write", options.write, "raw lines to this file, nothing is sent");
  app.add_flag("--paced", options.paced, "each request when its time has come");
  app.add_option("--connections", options.connections)->check(CLI::Range(1, 64));
  CLI11_PARSE(app, argc, argv);
  try {
    return cordwood::bench::run(options);
  } catch (const std::exception& e) {
    std::cerr << "bench_generator: " << e.what() << "\n";
    return 1;
  }
}
