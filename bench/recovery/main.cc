// SPDX-License-Identifier: Apache-2.0
// How long an empty disk takes to open a full bucket: recovery_bench [segments] [latency in ms] [reads at a time].
// The bucket is the tests' double in this process, so its work is in the figures, too.
#include <fmt/core.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>

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

std::vector<StoredRow> some_rows(int block) {
  std::vector<StoredRow> rows;
  for (int i = 0; i < kRowsOfBlock; ++i) {
    rows.push_back(
        {fmt::format("s{}", i % 10),
         kBaseNs + (block * kRowsOfBlock + i) * int64_t{1'000'000},
         fmt::format(R"({{"level":"info","method":"GET","path":"/v1/{}","status":{},"ms":{},"msg":"done {}"}})", i % 7,
                     200 + i % 3, i * 37 % 1000, i),
         {{"trace_id", fmt::format("{:032x}", i * 7919 + block)}}});
  }
  return rows;
}

void need(const Result<void>& done, const char* what) {
  CHECK(done.ok(), "{}: {}", what, done.error().message);
}

/// One real segment, and as many copies of it as are wanted, named by one manifest.
void fill(S3EngineWorld* world, uint64_t segments) {
  world->options.block_rows = kRowsOfBlock;
  need(world->open(), "open");
  for (int block = 0; block < kBlocks; ++block) CHECK(world->append(some_rows(block)).ok());
  need(world->engine->flush(), "flush");
  SegmentMeta meta = world->engine->merge_target()->merge_state().segments.at(0)->meta();
  world->close();
  world->lose_disk();
  const std::string prefix = world->s3.options.location.prefix + "/";
  const std::string bytes = world->s3.bucket.objects().at(prefix + meta.key).bytes;
  ManifestObject manifest{ManifestObject::Kind::snapshot, world->options.node, 1000, 1, {}};
  for (uint64_t n = 1; n <= segments; ++n) {
    meta.key = fmt::format("segments/{}/{:020}-000001-0000.seg", world->options.node, n + 10);
    meta.generation = n + 10;
    world->s3.bucket.put(prefix + meta.key, bytes);
    manifest.change.added.push_back(meta);
    manifest.change.generations_done.push_back({n + 10, 0});
  }
  world->s3.bucket.put(prefix + manifest_snapshot_key(world->options.node, manifest.number), encode_manifest(manifest));
  fmt::print("{} segments of {} blocks, {} bytes each, tails of {}\n", segments, meta.blocks, meta.size_bytes,
             meta.tail_bytes);
}

}  // namespace

int main(int argc, char** argv) {
  const auto argument = [&](int n, uint64_t otherwise) {
    return argc > n ? std::strtoull(argv[n], nullptr, 10) : otherwise;
  };
  S3EngineWorld world;
  fill(&world, argument(1, 10'000));
  world.s3.bucket.set_latency_ns(static_cast<int64_t>(argument(2, 20)) * 1'000'000);
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
