// SPDX-License-Identifier: Apache-2.0
// From a received body to rows: unpacking, decoding, limits, levels, without the store.  Files of one line each, named
// by
//   CORDWOOD_BENCH_LINES=a.txt,b.json micro_bench --benchmark_filter=push
// are packed into pushes of 1 MB over 200 streams, as the load generator does.
#include <benchmark/benchmark.h>
#include <snappy.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "ingest/level_detector.h"
#include "ingest/push.h"
#include "storage/base/coding.h"

namespace cordwood::ingest {
namespace {

constexpr size_t kMaxPushedBytes = 32u << 20;
constexpr size_t kPushBytes = 1'000'000;
constexpr size_t kStreams = 200;
constexpr int64_t kTime = 1'795'000'000'000'000'000;

class NoEngine final : public Engine {
 public:
  Result<Appended> append(const RowBatch& batch, const WalBody*) override {
    benchmark::DoNotOptimize(batch.rows.data());
    return Appended{batch.rows.size(), 0};
  }
  SnapshotPtr snapshot() const override { return nullptr; }
  uint64_t version() const override { return 0; }
  int64_t oldest_since(const TenantId&, uint64_t) const override { return 0; }
  Result<void> flush() override { return {}; }
  void tick() override {}
  Status status() const override { return {}; }
  StreamPtr stream(const TenantId& tenant, StreamKind kind, const Labels& labels) override {
    return Stream::make(tenant, kind, labels);
  }
};

void field(std::string* out, uint32_t number, std::string_view bytes) {
  ByteWriter w(out);
  w.varint(number << 3 | 2);
  w.string(bytes);
}

std::string labels_of(size_t stream) {
  return fmt::format("{{app=\"app-{}\", cluster=\"eu-west-1\", env=\"prod\", pod=\"pod-{}\"}}", stream / 5, stream);
}

std::string protobuf_push(const std::map<size_t, std::string>& entries) {
  std::string request;
  for (const auto& [stream, encoded] : entries) {
    std::string message;
    field(&message, 1, labels_of(stream));
    message += encoded;
    field(&request, 1, message);
  }
  std::string packed;
  snappy::Compress(request.data(), request.size(), &packed);
  return packed;
}

std::string json_push(const std::map<size_t, std::vector<std::string>>& lines) {
  std::string body = R"({"streams":[)";
  for (const auto& [stream, list] : lines) {
    if (body.back() == '}') body += ',';
    body += fmt::format(R"({{"stream":{{"app":"app-{}","env":"prod","pod":"pod-{}"}},"values":[)", stream / 5, stream);
    for (const std::string& line : list) {
      if (body.back() == ']') body += ',';
      body += fmt::format("[\"{}\",", kTime);
      append_go_quoted(line, &body);
      body += ']';
    }
    body += "]}";
  }
  return body + "]}";
}

struct Pushes {
  std::vector<std::string> bodies;
  size_t lines = 0;
  size_t bytes = 0;
};

Pushes read_pushes(const std::string& path, bool json) {
  Pushes pushes;
  std::map<size_t, std::string> entries;
  std::map<size_t, std::vector<std::string>> texts;
  size_t pending = 0;
  std::ifstream in(path, std::ios::binary);
  const auto flush = [&] {
    if (pending == 0) return;
    pushes.bodies.push_back(json ? json_push(texts) : protobuf_push(entries));
    entries.clear();
    texts.clear();
    pending = 0;
  };
  for (std::string line; pushes.bytes < kMaxPushedBytes && std::getline(in, line); ++pushes.lines) {
    const size_t stream = pushes.lines * 7919 % kStreams;
    if (json) {
      texts[stream].push_back(line);
    } else {
      std::string time, entry;
      ByteWriter w(&time);
      w.varint(1 << 3);
      w.varint(kTime / kNsPerSecond);
      w.varint(2 << 3);
      w.varint(pushes.lines);
      field(&entry, 1, time);
      field(&entry, 2, line);
      field(&entries[stream], 2, entry);
    }
    pushes.bytes += line.size();
    pending += line.size();
    if (pending >= kPushBytes) flush();
  }
  flush();
  return pushes;
}

void per_line(benchmark::State& state, size_t lines, size_t bytes) {
  const auto rounds = static_cast<double>(state.iterations());
  state.counters["s/line"] = benchmark::Counter(rounds * static_cast<double>(lines),
                                                benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.SetBytesProcessed(static_cast<int64_t>(rounds * static_cast<double>(bytes)));
}

void push_lines(benchmark::State& state, const std::string& path, bool json, bool levels) {
  const Pushes pushes = read_pushes(path, json);
  NoEngine engine;
  SystemClock clock;
  Metrics metrics;
  MemoryAccountant memory({});
  IngestLimits limits = default_ingest_limits();
  limits.discover_log_levels = levels;
  Pusher pusher({}, {&engine, &memory, &clock, &metrics, [&](const TenantId&) { return limits; }});
  for (auto _ : state) {
    for (const std::string& body : pushes.bodies) {
      const auto response =
          pusher.push({"bench", PushProtocol::loki, json ? "application/json" : "application/x-protobuf", "", body});
      if (response.status != 204) state.SkipWithError(response.body.c_str());
    }
  }
  per_line(state, pushes.lines, pushes.bytes);
}

void detect_levels(benchmark::State& state, const std::string& path) {
  std::vector<std::string> lines;
  size_t bytes = 0;
  std::ifstream in(path, std::ios::binary);
  for (std::string line; bytes < kMaxPushedBytes && std::getline(in, line);) {
    bytes += line.size();
    lines.push_back(line);
  }
  const LevelDetector detector(default_ingest_limits().log_level_fields, 2);
  for (auto _ : state) {
    for (const std::string& line : lines) benchmark::DoNotOptimize(detector.of_line(line));
  }
  per_line(state, lines.size(), bytes);
}

const bool kPushRegistered = [] {
  const char* paths = std::getenv("CORDWOOD_BENCH_LINES");
  std::istringstream list(paths != nullptr ? paths : "");
  for (std::string path; std::getline(list, path, ',');) {
    const auto add = [&](const std::string& name, auto f) {
      benchmark::RegisterBenchmark((name + "/" + path).c_str(), f)->Unit(benchmark::kMillisecond);
    };
    add("push_protobuf", [path](benchmark::State& s) { push_lines(s, path, false, true); });
    add("push_protobuf_without_levels", [path](benchmark::State& s) { push_lines(s, path, false, false); });
    add("push_json", [path](benchmark::State& s) { push_lines(s, path, true, true); });
    add("push_levels", [path](benchmark::State& s) { detect_levels(s, path); });
  }
  return true;
}();

}  // namespace
}  // namespace cordwood::ingest
