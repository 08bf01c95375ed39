// SPDX-License-Identifier: Apache-2.0
// What merging costs: merge_bench DIRECTORY [lines] fills DIRECTORY/young with segments of generated logs, if it is not
// there; merge_bench DIRECTORY [KB] merges all segments of a copy of it, in this thread alone, and carries over blocks
// of so much raw text.  Head and generations are as large as the server's.
#include <fmt/core.h>
#include <sys/resource.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "bench/generator/service_logs.h"
#include "index/segment_terms_builder.h"
#include "ingest/push.h"
#include "lifecycle/merger.h"
#include "storage/base/file_system.h"
#include "storage/catalog.h"
#include "storage/engine.h"
#include "storage/merge_target.h"

namespace {

using namespace cordwood;

constexpr int64_t kStartNs = 1'795'000'000'000'000'000;
constexpr int64_t kSpanNs = 3'600'000'000'000;
constexpr uint64_t kBatchLines = 4000;
constexpr const char* kTenant = "bench";

void need(const Result<void>& done, const char* what) {
  CHECK(done.ok(), "{}: {}", what, done.error().message);
}

double user_seconds() {
  rusage usage{};
  (void)::getrusage(RUSAGE_THREAD, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec) + static_cast<double>(usage.ru_utime.tv_usec) / 1e6;
}

/// Peak of the process's resident memory since it was last reset.
double peak_mb() {
  std::ifstream in("/proc/self/status");
  for (std::string word; in >> word;) {
    if (word != "VmHWM:") continue;
    double kb = 0;
    in >> kb;
    return kb / 1000;
  }
  return 0;
}

/// An engine on a real disk.
struct World {
  explicit World(const std::string& directory) {
    need(fs.create_directories(directory), "directory");
    store = open_directory_store(fs, directory + "/objects").value();
    background = make_thread_pool(1, "background");
    decoder = ingest::make_wal_body_decoder();
    EngineOptions options;
    options.data_dir = directory;
    engine = Engine::open(options, {.fs = &fs,
                                    .clock = &clock,
                                    .store = store.get(),
                                    .memory = &memory,
                                    .random = &random,
                                    .background = background.get(),
                                    .body_decoder = decoder.get(),
                                    .log = log.get(),
                                    .metrics = &metrics})
                 .value();
  }

  PosixFileSystem fs;
  SystemClock clock;
  SystemRandom random;
  MemoryAccountant memory{{}};
  Metrics metrics;
  std::shared_ptr<Logger> log = Logger::silent();
  std::unique_ptr<WalBodyDecoder> decoder;
  std::unique_ptr<ObjectStore> store;
  std::unique_ptr<TaskRunner> background;
  std::unique_ptr<Engine> engine;
};

Labels labels_of(const std::string& app, uint32_t stream) {
  return Labels::from_pairs(
      {{"app", app}, {"env", "bench"}, {"pod", fmt::format("{}-{}", app, stream)}, {"service_name", app}});
}

void fill(const std::string& directory, uint64_t lines) {
  World world(directory);
  const bench::ServiceLogs logs(77, kStartNs, kSpanNs, lines);
  bench::Truth truth;
  for (uint64_t number = 0; number < lines;) {
    RowBatch batch;
    batch.tenant = kTenant;
    std::map<uint32_t, uint32_t> streams;
    for (uint64_t end = std::min(lines, number + kBatchLines); number < end; ++number) {
      const bench::ServiceLogs::Line line = logs.line(number, &truth);
      const auto [at, fresh] = streams.try_emplace(line.stream, static_cast<uint32_t>(batch.streams.size()));
      if (fresh) {
        batch.streams.push_back(
            world.engine->stream(kTenant, StreamKind::log, labels_of(logs.app_of(line.stream), line.stream)));
      }
      const auto metadata = static_cast<uint32_t>(batch.metadata.size());
      batch.metadata.push_back({"detected_level", "info"});
      batch.rows.push_back({at->second, line.time_ns, batch.arena.copy(line.text), metadata, 1, 1});
    }
    const auto appended = world.engine->append(batch, nullptr);
    CHECK(appended.ok(), "append: {}", appended.error().message);
  }
  need(world.engine->flush(), "flush");
}

void merge(const std::string& directory, const char* carry_kb) {
  World world(directory);
  index::XapianTermsBuilder terms({}, directory + "/spill-terms", world.fs, world.metrics);
  lifecycle::MergeOptions options;
  options.spill_dir = directory + "/spill";
  if (carry_kb != nullptr) options.carry = {std::strtoull(carry_kb, nullptr, 10) << 10, UINT32_MAX};
  lifecycle::Merger merger(options, {.fs = &world.fs,
                                     .clock = &world.clock,
                                     .store = world.store.get(),
                                     .memory = &world.memory,
                                     .target = world.engine->merge_target(),
                                     .terms = &terms,
                                     .log = world.log.get(),
                                     .metrics = &world.metrics});
  std::vector<std::string> keys;
  uint64_t raw = 0, blocks = 0, before = 0, after = 0, blocks_after = 0;
  for (const auto& segment : world.engine->merge_target()->merge_state().segments) {
    keys.push_back(segment->meta().key);
    raw += segment->meta().raw_bytes;
    blocks += segment->meta().blocks;
    before += segment->meta().size_bytes;
  }
  const double peak_before = peak_mb();
  const double began = user_seconds();
  need(merger.merge_segments(keys), "merge");
  const double spent = user_seconds() - began;
  for (const auto& segment : world.engine->merge_target()->merge_state().segments) {
    after += segment->meta().size_bytes;
    blocks_after += segment->meta().blocks;
  }
  fmt::print("{} segments, {} blocks, {:.1f} MB raw, {:.1f} MB -> {} blocks, {:.1f} MB\n", keys.size(), blocks,
             static_cast<double>(raw) / 1e6, static_cast<double>(before) / 1e6, blocks_after,
             static_cast<double>(after) / 1e6);
  fmt::print("{:.2f} s of user time, {:.0f} MB raw per second; peak {:.0f} MB, {:.0f} MB before\n", spent,
             static_cast<double>(raw) / 1e6 / spent, peak_mb(), peak_before);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print("merge_bench DIRECTORY [lines or KB]\n");
    return 2;
  }
  namespace files = std::filesystem;
  const std::string young = std::string(argv[1]) + "/young";
  const std::string copy = std::string(argv[1]) + "/merged";
  if (!files::exists(young)) {
    fill(young, argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1'200'000);
    return 0;
  }
  files::remove_all(copy);
  files::copy(young, copy, files::copy_options::recursive);
  merge(copy, argc > 2 ? argv[2] : nullptr);
  return 0;
}
