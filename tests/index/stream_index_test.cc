// SPDX-License-Identifier: Apache-2.0
#include "index/stream_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "index/terms.h"

namespace cordwood::index {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kDay = 20'000;

StreamPtr stream(const TenantId& tenant, std::vector<Labels::Pair> labels) {
  return Stream::make(tenant, StreamKind::log, Labels::from_pairs(std::move(labels)));
}

/// A store whose published streams are a list.
class ListedSnapshot final : public Snapshot {
 public:
  explicit ListedSnapshot(std::vector<StreamPtr> streams, uint64_t version = 7)
      : streams_(std::move(streams)), version_(version) {}
  std::vector<BlockSourcePtr> blocks(const TenantId&, TimeRange) const override { return {}; }
  std::vector<StreamPtr> published_streams(const TenantId& tenant, int32_t day) const override {
    std::vector<StreamPtr> out;
    for (const StreamPtr& s : streams_) {
      if (s->tenant == tenant && day == kDay) out.push_back(s);
    }
    return out;
  }
  std::vector<TenantDay> published_days() const override {
    std::vector<TenantDay> out;
    for (const TenantId& tenant : tenants()) out.push_back({tenant, static_cast<int32_t>(kDay)});
    return out;
  }
  std::vector<TenantId> tenants() const override {
    std::vector<TenantId> out;
    for (const StreamPtr& s : streams_) {
      if (std::find(out.begin(), out.end(), s->tenant) == out.end()) out.push_back(s->tenant);
    }
    return out;
  }
  uint64_t catalog_version() const override { return version_; }

 private:
  std::vector<StreamPtr> streams_;
  uint64_t version_;
};

class StreamIndexTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/cordwood-index-XXXXXX";
    directory_ = mkdtemp(pattern);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::unique_ptr<StreamIndex> open() {
    auto index = StreamIndex::open({.directory = directory_}, fs_, *log_);
    EXPECT_TRUE(index.ok());
    return std::move(index).value();
  }
  static TimeRange day_range(int64_t day) { return {day * kNsPerDay, (day + 1) * kNsPerDay}; }

  /// Label strings that a selector finds on kDay.
  std::vector<std::string> select(const StreamIndex& index, const TenantId& tenant, std::vector<Matcher> matchers,
                                  int64_t day = kDay) {
    const auto got = index.select(tenant, day_range(day), matchers);
    EXPECT_TRUE(got.ok()) << got.error().message;
    std::vector<std::string> out;
    if (got.ok()) {
      for (const StreamPtr& s : *got) out.push_back(s->label_string);
    }
    return out;
  }
  static Matcher matcher(const char* name, MatchOp op, const std::string& value) {
    return std::move(Matcher::make(name, op, value)).value();
  }
  std::vector<StreamPtr> samples() {
    return {stream("a", {{"app", "x"}, {"env", "prod"}}), stream("a", {{"app", "y"}, {"env", "dev"}}),
            stream("a", {{"app", "z"}}), stream("b", {{"app", "x"}}),
            stream("a", {{"app", long_value_}, {"env", "long"}})};
  }
  void expect_answers(const StreamIndex& index) {
    EXPECT_THAT(select(index, "a", {matcher("app", MatchOp::equal, "x")}), ElementsAre(R"({app="x", env="prod"})"));
    EXPECT_THAT(select(index, "a", {matcher("app", MatchOp::regex, "[yz]")}),
                ElementsAre(R"({app="y", env="dev"})", R"({app="z"})"));
    EXPECT_THAT(select(index, "a", {matcher("app", MatchOp::regex, "[xyz]"), matcher("env", MatchOp::equal, "")}),
                ElementsAre(R"({app="z"})"));
    EXPECT_THAT(
        select(index, "a", {matcher("app", MatchOp::regex, ".+"), matcher("env", MatchOp::not_regex, "prod|long")}),
        ElementsAre(R"({app="y", env="dev"})", R"({app="z"})"));
    EXPECT_THAT(select(index, "a", {matcher("nosuch", MatchOp::equal, "x")}), IsEmpty());
    EXPECT_THAT(select(index, "a", {matcher("app", MatchOp::equal, long_value_)}).size(), 1);
    EXPECT_THAT(select(index, "a", {matcher("app", MatchOp::not_equal, long_value_)}).size(), 3);
    EXPECT_THAT(select(index, "a", {matcher("app", MatchOp::regex, "v+w")}).size(), 1);
    EXPECT_THAT(select(index, "b", {}), ElementsAre(R"({app="x"})"));
    EXPECT_THAT(select(index, "a", {}).size(), 4);
    EXPECT_THAT(select(index, "c", {}), IsEmpty());
    EXPECT_THAT(select(index, "a", {}, kDay + 1), IsEmpty());
  }

  PosixFileSystem fs_;
  std::shared_ptr<Logger> log_ = Logger::silent();
  std::string directory_;
  const std::string long_value_ = std::string(500, 'v') + "w";
};

TEST_F(StreamIndexTest, AnswersFromMemoryThenFromDiskThenReopened) {
  auto index = open();
  for (const StreamPtr& s : samples()) index->on_stream_day(s, kDay);
  expect_answers(*index);
  ASSERT_TRUE(index->commit(7).ok());
  expect_answers(*index);
  EXPECT_GT(index->memory_bytes(), 0u);
  index.reset();
  index = open();
  expect_answers(*index);
}

TEST_F(StreamIndexTest, IsMadeAgainFromTheStoreWhenMissingDamagedOrStale) {
  const auto store = std::make_shared<ListedSnapshot>(samples());
  const auto sync_and_check = [&] {
    auto index = open();
    ASSERT_TRUE(index->sync([&] { return store; }).ok());
    expect_answers(*index);
    ASSERT_TRUE(index->commit(7).ok());
    expect_answers(*index);
    index.reset();
    index = open();
    expect_answers(*index);
  };
  sync_and_check();
  std::filesystem::remove_all(directory_);
  sync_and_check();
  const std::string day = directory_ + "/" + std::to_string(kDay);
  for (const auto& entry : std::filesystem::directory_iterator(day)) {
    if (entry.file_size() == 0) continue;
    std::fstream(entry.path(), std::ios::in | std::ios::out | std::ios::binary).seekp(0) << "damage";
  }
  sync_and_check();
  std::filesystem::remove(directory_ + "/state");
  sync_and_check();
  std::ofstream(directory_ + "/state") << "nonsense";
  sync_and_check();

  auto more = samples();
  more.push_back(stream("a", {{"app", "new"}}));
  const auto newer = std::make_shared<ListedSnapshot>(more, 8);
  auto index = open();
  ASSERT_TRUE(index->sync([&] { return newer; }).ok());
  const auto found = [&] { return select(*index, "a", {matcher("app", MatchOp::equal, "new")}).size(); };
  EXPECT_EQ(found(), 1u);
  // What was not committed is not trusted.
  index.reset();
  index = open();
  EXPECT_EQ(found(), 0u);
  ASSERT_TRUE(index->sync([&] { return newer; }).ok());
  EXPECT_EQ(found(), 1u);
  ASSERT_TRUE(index->commit(8).ok());
  index.reset();
  index = open();
  EXPECT_EQ(found(), 1u);
}

TEST(Terms, LongValuesAndZeroBytesAreHashed) {
  auto f = [](const std::string& value, bool want_whole) {
    const std::string term = label_term(1, 2, value);
    bool whole = false;
    const std::string_view head = value_of_term(term, label_prefix(1, 2), &whole);
    EXPECT_EQ(whole, want_whole);
    EXPECT_EQ(head, value.substr(0, head.size()));
    EXPECT_LE(term.size(), 220u);
  };
  f("x", true);
  f("", true);
  f(std::string(180, 'a'), true);
  f(std::string(181, 'a'), false);
  f(std::string("a\0b", 3), false);
}

}  // namespace
}  // namespace cordwood::index
