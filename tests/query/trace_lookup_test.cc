// SPDX-License-Identifier: Apache-2.0
#include "query/trace_lookup.h"

#include "tests/query/query_answers.h"

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

}  // namespace

}  // namespace cordwood::query
