// SPDX-License-Identifier: Apache-2.0
#include "tests/support/object_store_contract.h"

#include <atomic>
#include <thread>

namespace cordwood {

TEST_P(ObjectStoreContract, PutOnceNeverOverwrites) {
  put("manifest/a/1", "first");
  const Result<bool> again = store_->put_if_absent("manifest/a/1", "second");
  ASSERT_TRUE(again.ok());
  EXPECT_FALSE(*again);
  EXPECT_EQ(*store_->get_range("manifest/a/1", 0, 5), "first");
  EXPECT_EQ(store_->head("manifest/a/1")->size_bytes, 5u);
}

TEST_P(ObjectStoreContract, OneOfManyWritersWins) {
  std::atomic<int> winners{0};
  std::vector<std::thread> writers;
  for (int i = 0; i < 8; ++i) {
    writers.emplace_back([&, i] {
      const Result<bool> fresh = store_->put_if_absent("manifest/a/7", std::string(1000, static_cast<char>('a' + i)));
      ASSERT_TRUE(fresh.ok()) << fresh.error().message;
      winners += *fresh ? 1 : 0;
    });
  }
  for (std::thread& t : writers) t.join();
  EXPECT_EQ(winners, 1);
  const std::string got = *store_->get_range("manifest/a/7", 0, 1000);
  EXPECT_EQ(got, std::string(1000, got[0]));
}

TEST_P(ObjectStoreContract, ReadsExactRanges) {
  put("x", "0123456789");
  auto f = [&](uint64_t offset, uint64_t size, const std::string& want) {
    const Result<std::string> got = store_->get_range("x", offset, size);
    ASSERT_TRUE(got.ok()) << got.error().message;
    EXPECT_EQ(*got, want);
  };
  f(0, 10, "0123456789");
  f(3, 4, "3456");
  f(9, 1, "9");
  f(10, 0, "");
  EXPECT_EQ(store_->get_range("x", 5, 6).error().kind, ErrorKind::corrupt);
  EXPECT_EQ(store_->get_range("x", 11, 1).error().kind, ErrorKind::corrupt);
  EXPECT_EQ(store_->get_range("x", 1, UINT64_MAX).error().kind, ErrorKind::corrupt);
  EXPECT_EQ(store_->get_range("missing", 0, 1).error().kind, ErrorKind::not_found);
  EXPECT_EQ(store_->head("missing").error().kind, ErrorKind::not_found);
}

TEST_P(ObjectStoreContract, ListsByPrefixInOrderAndPages) {
  for (const char* key : {"s/b/2", "s/b/1", "s/b.x", "s/b-1", "s/b0", "s/a", "t/1", "sa", "s/b/10/1"}) put(key, "v");
  EXPECT_EQ(keys("s/", "", 100), "s/a s/b-1 s/b.x s/b/1 s/b/10/1 s/b/2 s/b0");
  EXPECT_EQ(keys("s", "", 100), "s/a s/b-1 s/b.x s/b/1 s/b/10/1 s/b/2 s/b0 sa");
  EXPECT_EQ(keys("s/b", "", 100), "s/b-1 s/b.x s/b/1 s/b/10/1 s/b/2 s/b0");
  EXPECT_EQ(keys("s/b/1", "", 100), "s/b/1 s/b/10/1");
  EXPECT_EQ(keys("", "", 100), "s/a s/b-1 s/b.x s/b/1 s/b/10/1 s/b/2 s/b0 sa t/1");
  EXPECT_EQ(keys("nothing/", "", 100), "");
  std::string paged;
  std::string after;
  for (int page = 0; page < 20; ++page) {
    const std::string got = keys("s/", after, 2);
    if (got.empty()) break;
    paged += got + "|";
    after = got.substr(got.rfind(' ') + 1);
  }
  EXPECT_EQ(paged, "s/a s/b-1|s/b.x s/b/1|s/b/10/1 s/b/2|s/b0|");
}

TEST_P(ObjectStoreContract, UploadShowsNothingBeforeItIsFinished) {
  {
    auto dropped = store_->upload("segments/1");
    ASSERT_TRUE(dropped.ok()) << dropped.error().message;
    ASSERT_TRUE((*dropped)->append("half").ok());
  }
  auto whole = store_->upload("segments/2");
  ASSERT_TRUE(whole.ok());
  for (int i = 0; i < 100; ++i) ASSERT_TRUE((*whole)->append(std::string(10'000, 'x')).ok());
  EXPECT_EQ(keys("", "", 10), "");
  ASSERT_TRUE((*whole)->finish().ok());
  EXPECT_EQ(keys("", "", 10), "segments/2");
  EXPECT_EQ(store_->head("segments/2")->size_bytes, 1'000'000u);
}

/// Who is killed leaves uploads behind that nobody finishes or drops.
TEST_P(ObjectStoreContract, UploadsThatNobodyFinishesAreGivenUp) {
  constexpr int64_t kLater = 4'000'000'000'000'000'000;
  const std::string more_than_a_part(6u << 20, 'x');
  auto upload = store_->upload("segments/1");
  ASSERT_TRUE(upload.ok()) << upload.error().message;
  ASSERT_TRUE((*upload)->append(more_than_a_part).ok());
  auto f = [&](const std::string& prefix, int64_t before_ns) {
    const Result<uint64_t> aborted = store_->abort_uploads(prefix, before_ns);
    EXPECT_TRUE(aborted.ok()) << aborted.error().message;
    return aborted.ok() ? *aborted : 0;
  };
  EXPECT_EQ(f("segments/", 1), 0u) << "too young";
  EXPECT_EQ(f("other/", kLater), 0u) << "another's";
  const bool given_up = f("segments/", kLater) > 0;
  EXPECT_EQ(f("segments/", kLater), 0u);
  EXPECT_EQ((*upload)->finish().ok(), !given_up);
  EXPECT_EQ(keys("", "", 10), given_up ? "" : "segments/1");
}

TEST_P(ObjectStoreContract, RemovesAndForgives) {
  put("d/1", "v");
  EXPECT_TRUE(store_->remove("d/1").ok());
  EXPECT_TRUE(store_->remove("d/1").ok());
  EXPECT_TRUE(store_->remove("never/was/there").ok());
  EXPECT_EQ(keys("", "", 10), "");
  put("d/1", "w");
}

TEST_P(ObjectStoreContract, RemovesManyAndForgives) {
  std::vector<std::string> gone{"many/none"};
  for (int i = 0; i < 20; ++i) {
    const std::string key = fmt::format("many/{:02}", i);
    put(key, "x");
    if (i != 7) gone.push_back(key);
  }
  for (const size_t parallel : {1, 4}) {
    const Result<void> removed = store_->remove_all(gone, parallel);
    ASSERT_TRUE(removed.ok()) << removed.error().message;
    EXPECT_EQ(keys("many/", "", 100), "many/07");
  }
  EXPECT_TRUE(store_->remove_all({}, 1).ok());
  EXPECT_TRUE(store_->remove_all({"many/07"}, 1).ok());
  EXPECT_EQ(keys("many/", "", 100), "");
}

TEST_P(ObjectStoreContract, KeepsEmptyObjects) {
  put("empty", "");
  EXPECT_EQ(store_->head("empty")->size_bytes, 0u);
  EXPECT_EQ(*store_->get_range("empty", 0, 0), "");
}

}  // namespace cordwood
