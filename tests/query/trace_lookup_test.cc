// SPDX-License-Identifier: Apache-2.0
#include "query/trace_lookup.h"

#include "tests/query/query_answers.h"
#include "tests/support/s3_world.h"

namespace cordwood::query {

namespace {

std::string hex_of(uint64_t number) {
  return TraceId{number * 0x9E3779B97F4A7C15ULL, number * 0xC2B2AE3D27D4EB4FULL, false}.hex();
}

/// Blocks of lines in several forms, each with an id of its own.
void push_blocks(QueryStore* store, int blocks, int lines) {
  for (int block = 0; block < blocks; ++block) {
    PushBody body(R"({"app":"x"})");
    for (int i = 0; i < lines; ++i) {
      const auto number = static_cast<uint64_t>(1 + block * lines + i);
      const std::string id = hex_of(number);
      const std::string decimal = std::to_string(number * 0xC2B2AE3D27D4EB4FULL);
      const std::string forms[] = {
          R"({"msg":"json","trace_id":")" + id + "\"}",
          "level=info msg=logfmt trace_id=" + id,
          "plain text (trace=" + id + ")",
          "GET /x [dd.service=a dd.trace_id=" + decimal + " dd.span_id=1]",
          "Root=1-" + id.substr(0, 8) + "-" + id.substr(8) + ";Sampled=1",
      };
      body.add(kTestStartNs + static_cast<int64_t>(number) * kNsPerSecond, forms[i % 5]);
    }
    store->push_json(body.text());
    store->flush();
  }
}

TEST(TraceLookup, OpensOnlyBlocksThatHoldTheId) {
  constexpr int kBlocks = 12, kLines = 50;
  QueryStore store;
  push_blocks(&store, kBlocks, kLines);
  uint64_t asked = 0, opened = 0;
  for (uint64_t number = 1; number <= kBlocks * kLines; number += 7) {
    TraceRequest request;
    request.id = hex_of(number);
    const auto answer = store.queries().trace(store.context(), request);
    ASSERT_TRUE(std::holds_alternative<TraceAnswer>(answer)) << number;
    const auto& trace = std::get<TraceAnswer>(answer);
    ASSERT_EQ(trace.lines.size(), 1U) << number;
    EXPECT_EQ(trace.lines[0].time_ns, kTestStartNs + static_cast<int64_t>(number) * kNsPerSecond);
    EXPECT_EQ(trace.stats.blocks_in_range, static_cast<uint64_t>(kBlocks));
    ++asked;
    opened += trace.stats.read.blocks_opened;
  }
  // One block holds each; filters as small as these are wrong now and then.
  EXPECT_LE(opened, asked * 2);
  TraceRequest absent;
  absent.id = hex_of(1'000'000);
  const auto answer = store.queries().trace(store.context(), absent);
  ASSERT_TRUE(std::holds_alternative<QueryError>(answer));
  EXPECT_EQ(std::get<QueryError>(answer).status, 404);
}

/// Ids of 64 bits stand as 16 digits or padded with zeros, in lines as Go writes them, with escapes, and many numbers.
TEST(TraceLookup, ShortIdsAreLookedUpInTheIdTable) {
  constexpr int kBlocks = 20, kLines = 50;
  QueryStore store;
  const auto low_of = [](uint64_t number) { return number % 3 == 0 ? number * 0xC2B2AE3D27D4EB4FULL : number; };
  for (int block = 0; block < kBlocks; ++block) {
    PushBody body(R"({"app":"x"})");
    for (int i = 0; i < kLines; ++i) {
      const auto number = static_cast<uint64_t>(1 + block * kLines + i);
      const std::string id = TraceId{0, low_of(number), false}.hex();
      const std::string rest =
          fmt::format(R"("n":{},"ms":{},"msg":"a \u003c b, \u0026 {}"}})", i, i * 1000, hex_of(number));
      body.add(kTestStartNs + static_cast<int64_t>(number) * kNsPerSecond,
               R"({"trace_id":")" + (i % 2 == 0 ? id : id.substr(16)) + "\"," + rest);
    }
    store.push_json(body.text());
    store.flush();
  }
  const auto ask = [&](const std::string& id, size_t lines, uint64_t most_opened) {
    TraceRequest request;
    request.id = id;
    const auto answer = store.queries().trace(store.context(), request);
    const auto* trace = std::get_if<TraceAnswer>(&answer);
    EXPECT_EQ(trace == nullptr ? 0 : trace->lines.size(), lines) << id;
    if (trace == nullptr) return;
    EXPECT_LE(trace->stats.read.blocks_opened, most_opened) << id;
    EXPECT_LE(trace->stats.read.index_reads, static_cast<uint64_t>(kBlocks)) << id;
  };
  for (uint64_t number = 1; number <= kBlocks * kLines; number += 13) {
    const std::string id = TraceId{0, low_of(number), false}.hex();
    ask(id, 1, 1);
    ask(id.substr(16), 1, 1);
    ask(id.substr(0, 8) + "-0000-0000-" + id.substr(16, 4) + "-" + id.substr(20), 1, 1);
  }
  ask("0000000000000000000000000000abcd", 0, 0);
}

/// As many blocks as there are: nothing may be read but the table, once for each segment.
TEST(TraceLookup, AbsentShortIdsOpenNothing) {
  QueryStore store;
  constexpr uint64_t kBlocks = 10;
  for (uint64_t block = 0; block < kBlocks; ++block) {
    PushBody body(R"({"app":"x"})");
    for (uint64_t i = 0; i < 60; ++i)
      body.add(kTestStartNs + static_cast<int64_t>(i),
               fmt::format(R"({{"trace_id":"{}","n":{},"m":"\u003c"}})", hex_of(1 + i), 40'000 + i));
    store.push_json(body.text());
    store.flush();
  }
  const QueryEngine::Environment environment = store.environment();
  for (const uint64_t low : {uint64_t{40'001}, uint64_t{7}, uint64_t{123'456'789}, uint64_t{0xC2B2AE3D27D4EB4F}}) {
    const std::vector<TraceSpelling> spellings = trace_spellings({0, low, false});
    ReadStats stats;
    for (const BlockSourcePtr& block : environment.snapshot()->blocks(store.context().tenant, TimeRange::all())) {
      for (const TraceSpelling& spelling : spellings)
        EXPECT_FALSE(block->may_hold(spelling.probe, &stats).value()) << spelling.text;
    }
    EXPECT_LE(stats.index_reads, kBlocks) << low;
  }
}

TEST(TraceLookup, CopiesCountOnceAndCancelledLooksEnd) {
  QueryStore store;
  for (int round = 0; round < 3; ++round) {
    PushBody body(R"({"app":"x"})");
    body.add(kTestStartNs + 5, "same " + hex_of(1));
    body.add(kTestStartNs + 6 + round, "other " + hex_of(1));
    store.push_json(body.text());
    if (round < 2) store.flush();
  }
  TraceRequest request;
  request.id = hex_of(1);
  const auto answer = store.queries().trace(store.context(), request);
  const auto& trace = std::get<TraceAnswer>(answer);
  EXPECT_EQ(trace.lines.size(), 4U);
  EXPECT_EQ(trace.services.at("x").lines, 4U);
  ReadContext context = store.context();
  const std::atomic<bool> cancelled{true};
  context.cancelled = &cancelled;
  EXPECT_EQ(std::get<QueryError>(store.queries().trace(context, request)).status, 499);
}

TEST(TraceLookup, AFilterForAnIdPutsNoOtherLineTogether) {
  QueryStore store;
  push_blocks(&store, 1, 400);
  const auto rendered = [&](const std::string& needle) {
    const auto answer = store.queries().range(store.context(), hour_request("{app=\"x\"} |= \"" + needle + "\""));
    const auto* result = std::get_if<QueryResult>(&answer);
    EXPECT_EQ(answer_text(answer).size(), 1U) << needle;
    return result == nullptr ? 0 : result->stats.read.lines_rendered;
  };
  EXPECT_EQ(rendered(hex_of(3)), 1U);
  EXPECT_EQ(rendered(hex_of(198)), 1U);
  EXPECT_GT(rendered(hex_of(3).substr(0, 20)), 1U);  // no id: the first rows are looked at one by one
}

/// Tables of several segments are asked at once: a bucket takes its time to answer.
TEST(TraceLookup, ABucketIsAskedForAllTablesAtOnce) {
  constexpr size_t kSegments = 5;
  ManualClock clock;  // for the bucket as for the queries: what ends a question is told by both
  S3Double::Options bucket;
  bucket.clock = &clock;
  S3World s3(bucket);
  QueryStore store(nullptr, {}, {}, [&] { return open_s3_store(s3.options, s3.environment()); });
  push_blocks(&store, kSegments, 10);
  s3.bucket.set_latency_ns(50'000'000);
  const auto count = [&](const auto& ask) {
    const size_t before = s3.count("get");
    ask();
    return s3.count("get") - before;
  };
  const auto trace = [&](const std::string& id, size_t lines) {
    TraceRequest request;
    request.id = id;
    const auto answer = store.queries().trace(store.context(), request);
    const auto* found = std::get_if<TraceAnswer>(&answer);
    EXPECT_EQ(found == nullptr ? 0 : found->lines.size(), lines) << id;
  };
  const auto filter = [&](const std::string& id, size_t lines) {
    const auto answer = store.queries().range(store.context(), hour_request("{app=\"x\"} |= \"" + id + "\""));
    EXPECT_EQ(answer_text(answer).size(), lines) << id;
  };
  EXPECT_EQ(count([&] { filter(hex_of(1'000'000), 0); }), kSegments);
  EXPECT_GE(s3.bucket.most_at_once(), 3U);
  EXPECT_LE(count([&] { filter(hex_of(1), 1); }), kSegments + 2);
  trace(hex_of(6), 1);
}

}  // namespace

}  // namespace cordwood::query
