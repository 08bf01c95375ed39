// SPDX-License-Identifier: Apache-2.0
// The same rows twice, once as the head keeps them and once sealed into typed columns; a query must answer the same.
// Input: a byte of modes, the query up to the first line end, then one line a row.  In one mode the query is made here:
// a line filter for a piece cut out of the lines, at the place that the first bytes say.
#include <re2/re2.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "query/query_engine.h"
#include "storage/base/check.h"
#include "storage/head_source.h"
#include "storage/segment.h"
#include "tests/support/manual_clock.h"

using namespace cordwood;
using namespace cordwood::query;

namespace {

constexpr int64_t kStartNs = 1'700'000'000 * kNsPerSecond;
constexpr int64_t kRangeNs = 600 * kNsPerSecond;
constexpr size_t kMaxRows = 200;

class OneBlock final : public Snapshot {
 public:
  explicit OneBlock(BlockSourcePtr block) : block_(std::move(block)) {}
  std::vector<BlockSourcePtr> blocks(const TenantId&, TimeRange) const override { return {block_}; }
  std::vector<StreamPtr> published_streams(const TenantId&, int32_t) const override { return {}; }
  std::vector<TenantDay> published_days() const override { return {}; }
  std::vector<TenantId> tenants() const override { return {"fake"}; }
  uint64_t catalog_version() const override { return 1; }

 private:
  BlockSourcePtr block_;
};

class FixedStreams final : public index::StreamIndex {
 public:
  explicit FixedStreams(std::vector<StreamPtr> streams) : streams_(std::move(streams)) {}
  Result<void> sync(std::function<SnapshotPtr()>) override { return {}; }
  Result<void> commit(uint64_t) override { return {}; }
  void on_stream_day(const StreamPtr&, int32_t) override {}
  uint64_t memory_bytes() const override { return 0; }
  Result<std::vector<StreamPtr>> select(const TenantId&, TimeRange, std::span<const Matcher> matchers) const override {
    std::vector<StreamPtr> out;
    for (const StreamPtr& stream : streams_) {
      if (matches_all(stream->labels, matchers.data(), matchers.size())) out.push_back(stream);
    }
    return out;
  }

 private:
  std::vector<StreamPtr> streams_;
};

const std::vector<StreamPtr>& streams() {
  static const std::vector<StreamPtr> two = {
      Stream::make("fake", StreamKind::log, Labels::from_pairs({{"app", "x"}, {"pod", "0"}})),
      Stream::make("fake", StreamKind::log, Labels::from_pairs({{"app", "x"}, {"pod", "1"}}))};
  return two;
}

std::shared_ptr<HeadBlock> make_head(std::string_view lines, MemoryAccountant& memory) {
  static const MetadataPair metadata[] = {{"trace_id", "4bf92f3577b34da6a3ce929d0e0e4736"}, {"detected_level", "info"}};
  auto head = std::make_shared<HeadBlock>("fake", memory);
  for (const StreamPtr& stream : streams()) head->add_stream(stream);
  for (uint32_t i = 0; i < kMaxRows && !lines.empty(); ++i) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
    HeadRow row;
    row.line_data = line.data();
    row.line_bytes = static_cast<uint32_t>(line.size());
    row.time_ns = kStartNs + i * 3 * kNsPerSecond;
    row.stream = i % 2;
    row.metadata_data = metadata;
    row.metadata_count = i % 3 == 0 ? 0 : 2;
    row.derived_count = i % 3 == 0 ? 0 : 1;
    head->append(row, i + 1);
  }
  return head;
}

BlockSourcePtr seal(const HeadPrefix& prefix) {
  static BlockBuilder builder({});
  const SortedHeadRows sorted = sort_head_rows(prefix);
  std::vector<BlockInputRow> rows;
  std::vector<StreamPtr> used;
  for (uint32_t index : sorted.order) {
    const HeadRow& row = prefix.block->row(index);
    const StreamPtr& stream = prefix.block->stream(row.stream);
    if (used.empty() || used.back() != stream) used.push_back(stream);
    rows.push_back(
        {static_cast<uint32_t>(used.size() - 1), row.time_ns, row.line(), row.metadata(), row.derived_count});
  }
  BlockInput input;
  input.tenant = "fake";
  input.streams = used;
  input.rows = rows;
  input.arrival_min = 1;
  input.arrival_max = prefix.arrival_max;
  const EncodedBlock block = builder.build(input);
  auto opened =
      open_block("fake", used, block.entry, memory_source(block.narrow + block.heap), 0, block.narrow.size(), false);
  CHECK(opened.ok(), "{}", opened.error().message);
  return std::move(opened).value();
}

void print(const LabelPairs& labels, std::string* out) {
  for (const auto& [name, value] : labels) *out += name + "=" + value + ",";
}

void print(const std::vector<Series>& all, std::string* out) {
  for (const Series& series : all) {
    print(series.labels, out);
    for (const Sample& s : series.samples) *out += fmt::format(" {}:{:.10g}", s.time_ms, s.value);
    *out += '\n';
  }
}

std::string text_of(const Answer<QueryResult>& answer) {
  if (const auto* error = std::get_if<QueryError>(&answer)) return fmt::format("{} {}", error->status, error->message);
  const QueryResult& result = std::get<QueryResult>(answer);
  std::string out;
  if (const auto* logs = std::get_if<Streams>(&result.data)) {
    for (const LogStream& stream : logs->streams) {
      print(stream.labels, &out);
      for (const LogEntry& entry : stream.entries) {
        out += fmt::format("\n {} {} ", entry.time_ns, entry.line);
        print(entry.structured_metadata, &out);
        print(entry.parsed, &out);
      }
      out += '\n';
    }
  } else if (const auto* matrix = std::get_if<Matrix>(&result.data)) {
    print(matrix->series, &out);
  } else if (const auto* vector = std::get_if<Vector>(&result.data)) {
    print(vector->series, &out);
  } else {
    out = fmt::format("{:.10g}", std::get<Scalar>(result.data).sample.value);
  }
  return out;
}

std::string ask(const BlockSourcePtr& block, const std::string& query, uint8_t modes, MemoryAccountant& memory) {
  static FixedStreams index(streams());
  ManualClock clock(kStartNs + kRangeNs);
  const SnapshotPtr snapshot = std::make_shared<OneBlock>(block);
  QueryEngine::Environment environment;
  environment.snapshot = [&] { return snapshot; };
  environment.streams = &index;
  environment.memory = &memory;
  environment.clock = &clock;
  QueryEngine engine(environment);
  ReadContext context;
  context.tenant = "fake";
  const Direction direction = (modes & 1) != 0 ? Direction::forward : Direction::backward;
  if ((modes & 2) != 0) return text_of(engine.instant(context, {query, kStartNs + kRangeNs, 1000, direction}));
  RangeRequest request;
  request.query = query;
  request.start_ns = kStartNs;
  request.end_ns = kStartNs + kRangeNs;
  request.step_ns = 60 * kNsPerSecond;
  request.limit = (modes & 4) != 0 ? 3 : 1000;
  request.direction = direction;
  request.categorize_labels = (modes & 8) != 0;
  return text_of(engine.range(context, request));
}

/// A filter for up to 40 bytes of one of the lines; the first three bytes of `place` say which and how.
std::string needle_query(std::string_view place, std::string_view lines) {
  const auto byte = [&](size_t i) { return i < place.size() ? static_cast<uint8_t>(place[i]) : uint8_t{0}; };
  const size_t begin = lines.empty() ? 0 : (byte(0) * 256u + byte(1)) % lines.size();
  std::string_view needle = lines.substr(begin, byte(2) % 41);
  needle = needle.substr(0, needle.find('\n'));
  static constexpr std::string_view kOperators[] = {"|=", "!=", "|~", "!~"};
  const uint8_t how = byte(3);
  const bool regex = how % 4 >= 2;
  std::string text = regex ? RE2::QuoteMeta(needle) : std::string(needle);
  if (regex && (how & 4) != 0) text.insert(0, "(?i)");
  std::string query = "{app=\"x\"} " + std::string(kOperators[how % 4]) + " ";
  append_go_quoted(text, &query);
  if ((how & 8) != 0) query = "count_over_time(" + query + "[1m])";
  return query;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::string query(input.substr(0, input.find('\n')));
  const std::string_view lines = input.substr(std::min(query.size() + 1, input.size()));
  if ((data[0] & 16) != 0) query = needle_query(query, lines);
  static MemoryAccountant memory({});
  const std::shared_ptr<HeadBlock> head = make_head(lines, memory);
  if (head->row_count() == 0) return 0;
  const HeadPrefix prefix{head, head->row_count(), head->stream_count(), head->raw_bytes(), head->arrival_max()};
  const std::string from_head = ask(make_head_source(prefix), query, data[0], memory);
  const std::string from_block = ask(seal(prefix), query, data[0], memory);
  CHECK(from_head == from_block, "{}\nhead:\n{}\nblock:\n{}", query, from_head, from_block);
  return 0;
}
