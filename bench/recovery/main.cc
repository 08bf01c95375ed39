// SPDX-License-Identifier: Apache-2.0
// How long an empty disk takes to open a full bucket: recovery_bench [segments] [latency in ms] [reads at a time].
// The bucket is the tests' double in this process, so its work is in the figures, too.
// recovery_bench serve [segments] [latency in ms] [days] [streams a day] [tenants]: the bucket alone, for a server of
// its own (bench/bucket recovery), until standard input ends; a line of input is answered with the requests so far.
#include <fmt/core.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>

#include "storage/manifest.h"
#include "storage/merge_target.h"
#include "tests/support/s3_engine_world.h"

namespace {

using namespace cordwood;

constexpr int64_t kBaseNs = 1'700'000'000'000'000'000;
constexpr int kBlocks = 8;
constexpr int kRowsOfBlock = 100;

double resident_mb() {
  std::ifstream in("/proc/self/statm");
  uint64_t total = 0;
  uint64_t resident = 0;
  in >> total >> resident;
  return static_cast<double>(resident) * 4096 / 1e6;
}

struct Shape {
  uint64_t segments = 10'000;
  uint64_t days = 1;
  uint64_t streams = 10;
  uint64_t tenants = 1;
  /// So many different segments; each has rows of one day and a few tenants.
  uint64_t kinds() const { return days * std::max<uint64_t>(1, tenants / kBlocks); }
};

std::vector<StoredRow> some_rows(const Shape& shape, uint64_t day, int block) {
  std::vector<StoredRow> rows;
  for (int i = 0; i < kRowsOfBlock; ++i) {
    const int n = block * kRowsOfBlock + i;
    rows.push_back(
        {fmt::format("s{}", static_cast<uint64_t>(n) % shape.streams + day % 3),
         kBaseNs - static_cast<int64_t>(day) * kNsPerDay + n * int64_t{1'000'000},
         fmt::format(R"({{"level":"info","method":"GET","path":"/v1/{}","status":{},"ms":{},"msg":"done {}"}})", i % 7,
                     200 + i % 3, i * 37 % 1000, i),
         {{"trace_id", fmt::format("{:032x}", i * 7919 + block)}}});
  }
  return rows;
}

void need(const Result<void>& done, const char* what) {
  CHECK(done.ok(), "{}: {}", what, done.error().message);
}

/// Some real segments, and as many copies of them as are wanted, named by one manifest.
void fill(S3EngineWorld* world, const Shape& shape) {
  world->options.block_rows = kRowsOfBlock;
  ManifestObject manifest{ManifestObject::Kind::snapshot, world->options.node, 1000, 1, {}};
  const std::string prefix = world->s3.options.location.prefix + "/";
  uint64_t bytes = 0;
  need(world->open(), "open");
  for (uint64_t kind = 0; kind < shape.kinds(); ++kind) {
    const uint64_t day = kind % shape.days;
    const int blocks = std::max(kBlocks, static_cast<int>(shape.streams / kRowsOfBlock));
    for (int block = 0; block < blocks; ++block) {
      const uint64_t tenant = (kind / shape.days * kBlocks + static_cast<uint64_t>(block)) % shape.tenants;
      CHECK(world->append(some_rows(shape, day, block), fmt::format("t{}", tenant)).ok());
    }
    need(world->engine->flush(), "flush");
    SegmentMeta meta;
    for (const auto& segment : world->engine->merge_target()->merge_state().segments) {
      if (segment->meta().generation > meta.generation) meta = segment->meta();
    }
    const std::string object = world->s3.bucket.objects().at(prefix + meta.key).bytes;
    CHECK(world->s3.store->remove(meta.key).ok());
    for (uint64_t n = kind; n < shape.segments; n += shape.kinds()) {
      meta.key = fmt::format("segments/{}/{:020}-000001-0000.seg", world->options.node, n + 1000);
      meta.generation = n + 1000;
      world->s3.bucket.put(prefix + meta.key, object);
      manifest.change.added.push_back(meta);
      manifest.change.generations_done.push_back({n + 1000, 0});
      bytes += meta.size_bytes;
    }
    if (kind == 0)
      fmt::print("segments of {} blocks, {} bytes, tails of {}\n", meta.blocks, meta.size_bytes, meta.tail_bytes);
  }
  world->close();
  world->lose_disk();
  std::sort(manifest.change.generations_done.begin(), manifest.change.generations_done.end());
  world->s3.bucket.put(prefix + manifest_snapshot_key(world->options.node, manifest.number), encode_manifest(manifest));
  fmt::print("{} segments of {} days, {} streams a day, {} tenants, {} MB\n", shape.segments, shape.days, shape.streams,
             shape.tenants, bytes >> 20);
}

/// Answers a server until there is no input.
void serve(S3EngineWorld* world) {
  const S3Options& at = world->s3.options;
  fmt::print("bucket {} {} {} {} {} {} {}\n", at.location.endpoint, at.location.bucket, at.location.prefix,
             at.location.region, at.access_key_id, at.secret_access_key, world->options.node);
  std::fflush(stdout);
  size_t begin = world->s3.bucket.seen().size();
  for (std::string line; std::getline(std::cin, line);) {
    std::map<std::string, int> kinds;
    const auto seen = world->s3.bucket.seen();
    for (size_t i = begin; i < seen.size(); ++i) ++kinds[seen[i].op];
    begin = seen.size();
    for (const auto& [op, count] : kinds) fmt::print("{} {}  ", op, count);
    fmt::print("\n");
    std::fflush(stdout);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bool serves = argc > 1 && std::string_view(argv[1]) == "serve";
  const auto argument = [&](int n, uint64_t otherwise) {
    const int at = serves ? n + 1 : n;
    return argc > at ? std::strtoull(argv[at], nullptr, 10) : otherwise;
  };
  S3EngineWorld world;
  fill(&world,
       {argument(1, 10'000), serves ? argument(3, 1) : 1, serves ? argument(4, 10) : 10, serves ? argument(5, 1) : 1});
  world.s3.bucket.set_latency_ns(static_cast<int64_t>(argument(2, 20)) * 1'000'000);
  if (serves) {
    serve(&world);
    return 0;
  }
  world.options.parallel_reads = static_cast<uint32_t>(argument(3, world.options.parallel_reads));
  const double resident_before = resident_mb();
  const size_t requests_before = world.s3.bucket.seen().size();
  const auto began = std::chrono::steady_clock::now();
  need(world.open(), "open");
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - began;
  fmt::print("{} reads at a time: open after {:.2f} s, {} requests, {:.0f} MB more resident, {} MB of tails\n",
             world.options.parallel_reads, spent.count(), world.s3.bucket.seen().size() - requests_before,
             resident_mb() - resident_before, world.memory.used(MemoryShare::catalog) >> 20);
  return 0;
}
