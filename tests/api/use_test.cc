// SPDX-License-Identifier: Apache-2.0
// That structures are there is not enough: these tests count what a question reads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "storage/inspect.h"
#include "tests/support/whole_store.h"

namespace cordwood {
namespace {

constexpr int64_t kStart = 1'795'046'400 * kNsPerSecond;
constexpr int64_t kMinute = 60 * kNsPerSecond;
constexpr int kApps = 4;
constexpr int kLinesPerApp = 6'000;

struct Generated {
  int64_t time_ns;
  int status;
  std::string line;
};

/// Micro-service lines of one app, a tenth of a second apart.
std::vector<Generated> generate(int app) {
  std::mt19937_64 random(static_cast<uint64_t>(app) + 1);
  std::vector<Generated> out;
  for (int i = 0; i < kLinesPerApp; ++i) {
    const int64_t time_ns = kStart + i * (kNsPerSecond / 10);
    const int status = random() % 50 == 0 ? 503 : 200;
    out.push_back({time_ns, status,
                   fmt::format(R"({{"level":"{}","msg":"order {} for user {}","trace_id":"{:016x}{:016x}",)"
                               R"("http":{{"method":"GET","route":"/api/{}","status":{}}},"duration_ms":{}.{:03}}})",
                               status >= 500 ? "error" : "info", random() % 100000, random() % 5000, random(), random(),
                               random() % 10, status, random() % 500, random() % 1000)});
  }
  return out;
}

std::string push_body(const std::string& app, const std::vector<Generated>& lines, size_t begin, size_t end) {
  std::string values;
  for (size_t i = begin; i < end; ++i) {
    std::string escaped;
    for (const char c : lines[i].line) {
      if (c == '"' || c == '\\') escaped += '\\';
      escaped += c;
    }
    values += fmt::format(R"({}["{}","{}"])", i == begin ? "" : ",", lines[i].time_ns, escaped);
  }
  return fmt::format(R"({{"streams":[{{"stream":{{"app":"{}"}},"values":[{}]}}]}})", app, values);
}

/// A store with several blocks of every app, published.
class UseTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    EngineOptions options;
    options.block_rows = 1'000;
    store_ = new WholeStore(options);
    for (int app = 0; app < kApps; ++app) {
      const std::vector<Generated> lines = generate(app);
      for (size_t i = 0; i < lines.size(); i += 500) {
        const auto answer = store_->push_json(push_body(fmt::format("app{}", app), lines, i, i + 500));
        ASSERT_EQ(answer.status, 204) << answer.body;
        if (app == 0) {
          for (size_t j = i; j < i + 500; ++j) errors_of_app0_ += lines[j].status >= 500 ? 1 : 0;
        }
      }
    }
    ASSERT_TRUE(store_->engine->flush().ok());
  }
  static void TearDownTestSuite() {
    delete store_;
    store_ = nullptr;
  }
  static query::RangeRequest over_all(const std::string& query) {
    return {.query = query, .start_ns = kStart, .end_ns = kStart + 10 * kMinute, .step_ns = kMinute};
  }
  static double sum_of(const query::QueryResult& result) {
    double sum = 0;
    for (const query::Series& series : std::get<query::Matrix>(result.data).series) {
      for (const query::Sample& sample : series.samples) sum += sample.value;
    }
    return sum;
  }

  static WholeStore* store_;
  static int errors_of_app0_;
};
WholeStore* UseTest::store_ = nullptr;
int UseTest::errors_of_app0_ = 0;

TEST_F(UseTest, LastLinesOfAnAppOpenAFewBlocks) {
  const query::QueryResult result = store_->range(over_all(R"({app="app1"})"));
  size_t lines = 0;
  for (const query::LogStream& stream : std::get<query::Streams>(result.data).streams) lines += stream.entries.size();
  EXPECT_EQ(lines, 100u);
  EXPECT_GE(result.stats.blocks_in_range, 6u);
  EXPECT_LE(result.stats.read.blocks_opened, 3u);
}

TEST_F(UseTest, FilterOnANumberReadsNoHeap) {
  const query::QueryResult counted =
      store_->range(over_all(R"(sum(count_over_time({app="app0"} | json | http_status >= 500 [1m])))"));
  EXPECT_EQ(sum_of(counted), errors_of_app0_);
  EXPECT_GT(counted.stats.read.narrow_frames, 0u);
  EXPECT_EQ(counted.stats.read.heap_frames, 0u);
  EXPECT_EQ(counted.stats.read.lines_rendered, 0u);

  const query::QueryResult none = store_->range(over_all(R"({app="app0"} | json | http_status >= 600)"));
  EXPECT_TRUE(std::get<query::Streams>(none.data).streams.empty());
  EXPECT_EQ(none.stats.read.heap_frames, 0u);
}

TEST_F(UseTest, VolumeReadsNoData) {
  const auto volume = store_->queries->volume(store_->context, {.query = R"({app=~".+"})",
                                                                .start_ns = kStart,
                                                                .end_ns = kStart + 10 * kMinute,
                                                                .step_ns = kMinute,
                                                                .limit = 100,
                                                                .target_labels = {},
                                                                .aggregate_by_labels = false});
  const auto& result = std::get<query::QueryResult>(volume);
  EXPECT_EQ(std::get<query::Matrix>(result.data).series.size(), static_cast<size_t>(kApps));
  EXPECT_EQ(result.stats.read.blocks_opened, 0u);

  const query::QueryResult histogram =
      store_->range(over_all(R"(sum by (level, detected_level) (count_over_time({app=~".+"} | drop __error__ [1m])))"));
  EXPECT_EQ(sum_of(histogram), kApps * kLinesPerApp);
  EXPECT_EQ(histogram.stats.read.blocks_opened, 0u);
  EXPECT_EQ(histogram.stats.read.bytes_read, 0u);
}

TEST_F(UseTest, LinesAreKeptInColumns) {
  std::string forms;
  const std::string segments = store_->directory.path() + "/objects/segments";
  for (const auto& entry : std::filesystem::recursive_directory_iterator(segments)) {
    if (!entry.is_regular_file()) continue;
    const auto report = inspect_file(store_->fs, entry.path().string(), {.forms = true}, [&](std::string_view line) {
      forms.append(line);
      forms += '\n';
    });
    ASSERT_TRUE(report.ok()) << report.error().message;
    EXPECT_EQ(report->damages, 0u);
  }
  SCOPED_TRACE(forms);
  EXPECT_THAT(forms, ::testing::ContainsRegex("json +24,?000"));
  EXPECT_THAT(forms, ::testing::ContainsRegex("http[.]status[^\n]*integer"));
  EXPECT_THAT(forms, ::testing::ContainsRegex("trace_id[^\n]*hex"));
}

TEST(WideLines, TenThousandKeysComeBackWhole) {
  WholeStore store;
  std::mt19937_64 random(7);
  std::vector<Generated> lines;
  for (int i = 0; i < 300; ++i) {
    std::string line = "{";
    for (int field = 0; field < 40; ++field) {
      line += fmt::format(R"({}"key_{}":{})", field == 0 ? "" : ",", random() % 10'000, random() % 1'000);
    }
    lines.push_back({kStart + i, 0, line + "}"});
  }
  ASSERT_EQ(store.push_json(push_body("wide", lines, 0, lines.size())).status, 204);
  for (const bool flushed : {false, true}) {
    if (flushed) {
      ASSERT_TRUE(store.engine->flush().ok());
    }
    const query::QueryResult result = store.range({.query = R"({app="wide"})",
                                                   .start_ns = kStart,
                                                   .end_ns = kStart + kMinute,
                                                   .limit = 1000,
                                                   .direction = query::Direction::forward});
    const auto& streams = std::get<query::Streams>(result.data).streams;
    ASSERT_EQ(streams.size(), 1u);
    ASSERT_EQ(streams[0].entries.size(), lines.size());
    for (size_t i = 0; i < lines.size(); ++i) EXPECT_EQ(streams[0].entries[i].line, lines[i].line);
  }
}

}  // namespace
}  // namespace cordwood
