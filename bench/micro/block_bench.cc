// SPDX-License-Identifier: Apache-2.0
// How fast blocks are sealed and read, and what each column costs.  Bytes per second are of line bytes.  Lines come
// from the files in CORDWOOD_BENCH_LINES (see shred_bench.cc); with CORDWOOD_BENCH_COLUMNS set, the bytes of every
// column are printed.  A line's time is its own, where it starts with one, else that of the line before.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "storage/block_builder.h"
#include "storage/block_entry.h"
#include "storage/block_index.h"
#include "storage/bloom_filter.h"
#include "storage/column_text.h"
#include "storage/segment.h"

namespace cordwood {
namespace {

constexpr size_t kMaxBytes = 64u << 20;
constexpr size_t kBlockBytes = 8u << 20;
constexpr uint32_t kStreams = 5;

struct Line {
  std::string text;
  int64_t time_ns = 0;
};

/// The service of a generated json line, so that lines of one family come together as they do in the store.
std::string family_of(std::string_view line) {
  constexpr std::string_view kKey = "\"logger\":\"";
  const size_t at = line.find(kKey);
  if (at == std::string_view::npos) return "";
  return std::string(line.substr(at + kKey.size(), line.find('"', at + kKey.size()) - at - kKey.size()));
}

int64_t time_of(std::string_view line, int64_t before) {
  int64_t units = 0;
  const auto layout = make_timestamp_layout('T', '.', 6, "Z");
  for (const size_t at : {size_t{7}, size_t{0}}) {
    if (line.size() >= at + 27 && parse_timestamp(line.substr(at, 27), *layout, &units)) return units * 1000 + 123;
  }
  return before + 1000;
}

/// Lines by family; those that tell none follow the line before.
std::map<std::string, std::vector<Line>> read_families(const std::string& path) {
  std::map<std::string, std::vector<Line>> families;
  std::ifstream in(path, std::ios::binary);
  int64_t time = 0;
  size_t bytes = 0;
  std::string family;
  for (std::string line; bytes < kMaxBytes && std::getline(in, line);) {
    bytes += line.size();
    time = time_of(line, time);
    if (std::string own = family_of(line); !own.empty()) family = std::move(own);
    families[family].push_back({line, time});
  }
  return families;
}

/// Blocks of the lines, of about 8 MB each, in a few streams.
std::vector<std::vector<BlockInputRow>> make_blocks(const std::map<std::string, std::vector<Line>>& families) {
  std::vector<std::vector<BlockInputRow>> blocks;
  for (const auto& [name, lines] : families) {
    std::vector<BlockInputRow>* block = nullptr;
    size_t bytes = 0;
    for (size_t i = 0; i < lines.size(); ++i) {
      if (block == nullptr || bytes >= kBlockBytes) {
        block = &blocks.emplace_back();
        bytes = 0;
      }
      block->push_back({static_cast<uint32_t>(i % kStreams), lines[i].time_ns, lines[i].text, {}, 0});
      bytes += lines[i].text.size();
    }
  }
  for (auto& block : blocks) {
    std::stable_sort(block.begin(), block.end(), [](const BlockInputRow& a, const BlockInputRow& b) {
      return std::tie(a.stream, a.time_ns) < std::tie(b.stream, b.time_ns);
    });
  }
  return blocks;
}

BlockInput input_of(const std::vector<BlockInputRow>& rows) {
  BlockInput input;
  input.tenant = "bench";
  for (uint32_t i = 0; i < kStreams; ++i) {
    input.streams.push_back(Stream::make("bench", StreamKind::log, Labels::from_pairs({{"pod", std::to_string(i)}})));
  }
  input.rows = rows;
  return input;
}

using Costs = std::map<std::string, std::pair<uint64_t, uint64_t>>;  ///< packed bytes, cells

void add_costs(const EncodedBlock& block, Costs* costs) {
  const EntryParts parts = decode_entry(block.entry).value();
  const BlockDirectory d = decode_directory(unpack_part(parts.directory).value(), parts.summary).value();
  (*costs)["= entry"].first += block.entry.size();
  const BlockIndexHeader index = check_block_index(block.index).value();
  (*costs)["+ ids, number"].first += index.ids;
  (*costs)["+ token filter"].first += bloom_bytes(index.facts.token_blocks);
  (*costs)["+ gram filter"].first += bloom_bytes(index.facts.gram_blocks);
  const char* fixed[] = {"= times", "= shapes", "= shape ids", "= metadata shapes", "= metadata shape ids"};
  for (size_t i = 0; i < kFixedPieces; ++i) (*costs)[fixed[i]].first += d.pieces[i].packed_bytes();
  (*costs)["= shared"].first += d.pieces.back().packed_bytes();
  for (const ColumnMeta& c : d.columns) {
    std::string name(to_string(c.source));
    for (const std::string& key : c.path) name += "." + key;
    auto& cost = (*costs)[name + " " + std::string(to_string(c.type))];
    for (uint32_t p = 0; p < c.pieces; ++p) cost.first += d.pieces[c.first_piece + p].packed_bytes();
    cost.second += c.cells;
  }
}

void seal(benchmark::State& state, const std::string& path) {
  const auto families = read_families(path);
  const auto blocks = make_blocks(families);
  BlockBuilder builder({});
  uint64_t raw = 0;
  uint64_t stored = 0;
  Costs costs;
  for (auto _ : state) {
    raw = stored = 0;
    costs.clear();
    for (const auto& rows : blocks) {
      const EncodedBlock block = builder.build(input_of(rows));
      raw += block.info.raw_bytes;
      stored += block.info.stored_bytes;
      state.PauseTiming();
      add_costs(block, &costs);
      state.ResumeTiming();
    }
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * raw));
  state.counters["blocks"] = static_cast<double>(blocks.size());
  state.counters["ratio"] = static_cast<double>(raw) / static_cast<double>(stored);
  const auto percent = [&](const char* part) {
    return 100 * static_cast<double>(costs[part].first) / static_cast<double>(raw);
  };
  state.counters["tokens_pct"] = percent("+ token filter");
  state.counters["grams_pct"] = percent("+ gram filter");
  state.counters["ids_pct"] = percent("+ ids, number");
  if (std::getenv("CORDWOOD_BENCH_COLUMNS") == nullptr) return;
  std::vector<std::pair<uint64_t, std::string>> order;
  for (const auto& [name, cost] : costs)
    order.push_back({cost.first, fmt::format("{:8} cells  {}", cost.second, name)});
  std::sort(order.rbegin(), order.rend());
  for (size_t i = 0; i < std::min<size_t>(order.size(), 50); ++i) {
    fmt::print("{:9} B {:5.1f} %  {}\n", order[i].first,
               100.0 * static_cast<double>(order[i].first) / static_cast<double>(stored), order[i].second);
  }
}

struct Sealed {
  std::vector<BlockSourcePtr> sources;
  uint64_t raw = 0;
};

Sealed sealed_file(const std::string& path) {
  const auto families = read_families(path);
  const auto blocks = make_blocks(families);
  BlockBuilder builder({});
  Sealed out;
  for (const auto& rows : blocks) {
    const EncodedBlock b = builder.build(input_of(rows));
    std::vector<StreamPtr> streams;
    for (const BlockStream& s : b.info.streams) streams.push_back(s.stream);
    out.sources.push_back(open_block(b.info.tenant, std::move(streams), b.entry, memory_source(b.narrow + b.heap), 0,
                                     b.narrow.size(), false)
                              .value());
    out.raw += b.info.raw_bytes;
  }
  return out;
}

void read_lines(benchmark::State& state, const std::string& path) {
  const Sealed file = sealed_file(path);
  std::string scratch;
  for (auto _ : state) {
    ReadStats stats;
    for (const BlockSourcePtr& source : file.sources) {
      const auto view = source->open(&stats).value();
      for (uint32_t row = 0; row < view->row_count(); ++row)
        benchmark::DoNotOptimize(view->line(row, &scratch).value());
    }
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * file.raw));
}

/// The integers of every row's shape, one by one, as a filter on a field reads them.
void read_integers(benchmark::State& state, const std::string& path) {
  const Sealed file = sealed_file(path);
  uint64_t cells = 0;
  for (auto _ : state) {
    ReadStats stats;
    for (const BlockSourcePtr& source : file.sources) {
      const auto view = source->open(&stats).value();
      for (uint32_t row = 0; row < view->row_count(); ++row) {
        const Shape* shape = view->shape(row).value();
        if (shape == nullptr || shape->slots.empty()) continue;
        benchmark::DoNotOptimize(view->integer_cell(row, shape->slots[shape->slots.size() * 9 / 13]).value());
        ++cells;
      }
    }
  }
  state.SetItemsProcessed(static_cast<int64_t>(cells));
}

const bool kRegistered = [] {
  const char* paths = std::getenv("CORDWOOD_BENCH_LINES");
  std::stringstream list(paths == nullptr ? "" : paths);
  for (std::string path; std::getline(list, path, ',');) {
    benchmark::RegisterBenchmark(("seal/" + path).c_str(), [path](benchmark::State& s) { seal(s, path); });
    benchmark::RegisterBenchmark(("integers/" + path).c_str(), [path](benchmark::State& s) { read_integers(s, path); });
    benchmark::RegisterBenchmark(("lines/" + path).c_str(), [path](benchmark::State& s) { read_lines(s, path); });
  }
  return true;
}();

}  // namespace
}  // namespace cordwood
