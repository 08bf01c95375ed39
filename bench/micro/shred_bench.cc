// SPDX-License-Identifier: Apache-2.0
// How fast lines are taken apart.  Bytes per second are of line bytes.  Lines come from files of one line each, named
// by
//   CORDWOOD_BENCH_LINES=a.txt,b.json micro_bench --benchmark_filter=shred
// such as the load generator's --file output and the unzipped Windows events.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "storage/line_shredder.h"

namespace cordwood {
namespace {

constexpr size_t kMaxShreddedBytes = 64u << 20;
constexpr size_t kShreddedBlockBytes = 8u << 20;

struct Lines {
  std::vector<std::string> text;
  size_t bytes = 0;
};

Lines read_lines(const std::string& path) {
  Lines lines;
  std::ifstream in(path, std::ios::binary);
  for (std::string line; lines.bytes < kMaxShreddedBytes && std::getline(in, line);) {
    lines.bytes += line.size();
    lines.text.push_back(line);
  }
  return lines;
}

void shred_lines(benchmark::State& state, const std::string& path) {
  const Lines lines = read_lines(path);
  if (lines.text.empty()) {
    state.SkipWithError("no lines");
    return;
  }
  LineShredder shredder({});
  std::vector<std::string_view> cells;
  size_t raw_bytes = 0;
  size_t shapes = 0;
  size_t columns = 0;
  for (auto _ : state) {
    raw_bytes = shapes = columns = 0;
    size_t block_bytes = 0;
    for (const std::string& line : lines.text) {
      cells.clear();
      const uint32_t shape = shredder.shred(line, &cells);
      raw_bytes += shape == LineShredder::kRawShape ? line.size() : 0;
      benchmark::DoNotOptimize(cells.data());
      block_bytes += line.size();
      if (block_bytes < kShreddedBlockBytes) continue;
      shapes = shredder.shapes().size();
      columns = shredder.columns().size();
      shredder.reset();
      block_bytes = 0;
    }
    shapes = std::max(shapes, shredder.shapes().size());
    columns = std::max(columns, shredder.columns().size());
    shredder.reset();
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * lines.bytes));
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * lines.text.size()));
  state.counters["raw%"] = 100.0 * static_cast<double>(raw_bytes) / static_cast<double>(lines.bytes);
  state.counters["shapes"] = static_cast<double>(shapes);
  state.counters["columns"] = static_cast<double>(columns);
}

const bool kShredRegistered = [] {
  const char* paths = std::getenv("CORDWOOD_BENCH_LINES");
  std::stringstream list(paths == nullptr ? "" : paths);
  for (std::string path; std::getline(list, path, ',');) {
    benchmark::RegisterBenchmark(("shred/" + path).c_str(), [path](benchmark::State& s) { shred_lines(s, path); });
  }
  return true;
}();

}  // namespace
}  // namespace cordwood
