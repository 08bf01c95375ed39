// SPDX-License-Identifier: Apache-2.0
#include "storage/s3_store.h"

#include <gmock/gmock.h>

#include <thread>

#include "storage/base/object_tiers.h"
#include "storage/base/patience.h"
#include "tests/support/manual_clock.h"
#include "tests/support/object_store_contract.h"
#include "tests/support/s3_world.h"

namespace cordwood {
namespace {

using ::testing::HasSubstr;

std::shared_ptr<ObjectStore> store_over(S3Double::Options bucket, const std::function<void(S3World&)>& prepare = {}) {
  auto world = std::make_shared<S3World>(std::move(bucket));
  if (prepare) prepare(*world);
  world->open();
  return {world, world->store.get()};
}

std::shared_ptr<ObjectStore> plain() {
  return store_over({});
}
std::shared_ptr<ObjectStore> virtual_host() {
  return store_over({.virtual_host = true});
}
/// Listings of two keys, and nothing put before them.
std::shared_ptr<ObjectStore> small_pages() {
  return store_over({.page = 2}, [](S3World& w) { w.options.location.prefix = ""; });
}
std::shared_ptr<ObjectStore> without_conditions() {
  return store_over({.conditional = false}, [](S3World& w) { w.options.single_writer = true; });
}
/// Parts of uploads are small, bodies are not signed.
std::shared_ptr<ObjectStore> many_parts() {
  return store_over({}, [](S3World& w) {
    w.options.part_bytes = 7777;
    w.options.sign_payload = false;
  });
}
/// Something goes wrong with every other request, each way in turn.
std::shared_ptr<ObjectStore> faulty() {
  return store_over({}, [](S3World& w) {
    w.options.answer_timeout_ns = 200'000'000;
    w.options.min_bytes_per_second = 1u << 30;
    w.options.max_retries = 20;
    w.bucket.set_faults([n = 0u](const S3Double::Seen&) mutable {
      static constexpr S3Fault kFaults[] = {S3Fault::error_500, S3Fault::lost_answer, S3Fault::slow_down,
                                            S3Fault::cut_body,  S3Fault::throttled,   S3Fault::lost_to_500,
                                            S3Fault::hang_up};
      ++n;
      return n % 2 == 0 ? S3Fault::none : kFaults[n / 2 % std::size(kFaults)];
    });
  });
}
INSTANTIATE_TEST_SUITE_P(S3, ObjectStoreContract,
                         ::testing::Values(&plain, &virtual_host, &small_pages, &without_conditions, &many_parts,
                                           &faulty));

TEST(S3Store, EveryRequestIsSignedAndKeysLieBelowThePrefix) {
  S3World w;
  w.open();
  ASSERT_TRUE(*w.store->put_if_absent("a/%41", "x"));
  ASSERT_TRUE(w.store->head("a/%41").ok());
  EXPECT_EQ(w.bucket.refused_signatures(), 0u);
  const auto objects = w.bucket.objects();
  ASSERT_EQ(objects.size(), 1u) << "the probe goes when it was answered";
  EXPECT_EQ(objects.begin()->first, "some/where/a/%41");
}

TEST(S3Store, ABucketThatOverwritesIsWrittenToByTheHolderOfItsLeaseAlone) {
  ManualClock clock(1'800'000'000'000'000'000);
  S3World w({.conditional = false, .clock = &clock});
  const auto refused = [&w](ObjectStore& store) {
    EXPECT_EQ(store.put_if_absent("k", "v").error().kind, ErrorKind::unavailable);
    EXPECT_EQ(store.put_within("k", "v", 1'000'000'000).error().kind, ErrorKind::unavailable);
    EXPECT_EQ(store.remove("k").error().kind, ErrorKind::unavailable);
    EXPECT_EQ(store.tiers()->change_class("old", "GLACIER_IR").error().kind, ErrorKind::unavailable);
    auto upload = store.upload("k");
    ASSERT_TRUE(upload.ok());
    const auto begun = (*upload)->append(std::string(300'000, 'x'));
    EXPECT_EQ(begun.error().kind, ErrorKind::unavailable);
    EXPECT_THAT(begun.error().message, HasSubstr("lease"));
    EXPECT_EQ(w.bucket.objects().count("some/where/k"), 0u);
    EXPECT_EQ(w.bucket.open_uploads(), 0u);
    EXPECT_EQ(*store.get_range("old", 0, 3), "old") << "reading needs no lease";
  };
  w.bucket.put("some/where/old", "old");
  const auto home = [&w](const std::string& owner) {
    auto opened = open_s3_home(w.options, w.environment(), owner, "n");
    CHECK(opened.ok(), "{}", opened.error().message);
    return std::move(*opened);
  };
  const auto get = [&](S3Home& of) {
    of.lease->tick();
    clock.advance_ns(w.options.lease_duration_ns / 10);
    of.lease->tick();
  };
  S3Home one = home("one");
  ASSERT_NE(one.lease, nullptr);
  refused(*one.store);
  get(one);
  EXPECT_TRUE(*one.store->put_if_absent("made", "v"));
  EXPECT_FALSE(*one.store->put_if_absent("made", "w"));
  EXPECT_EQ(one.store->list("", "", 10)->size(), 2u) << "the lease is not among the objects";
  S3Home two = home("two");
  get(two);
  refused(*two.store);
  clock.advance_ns(w.options.lease_duration_ns);
  EXPECT_EQ(one.store->put_if_absent("k", "v").error().kind, ErrorKind::unavailable) << "nobody has to tick";
  two.lease->tick();
  get(two);
  EXPECT_TRUE(*two.store->put_if_absent("another", "v"));
  one.lease->tick();
  one.lease->tick();
  EXPECT_EQ(one.lease->state(), WriterLease::State::lost);
  refused(*one.store);
  w.options.single_writer = true;
  S3Home alone = home("three");
  EXPECT_EQ(alone.lease, nullptr);
  EXPECT_TRUE(*alone.store->put_if_absent("alone", "v"));
}

/// Where nothing refuses it, a put that was not answered could overwrite what came after it.
TEST(S3Store, ABucketThatOverwritesGetsNothingElseUnderAKeyThatAPutMayComeTo) {
  for (const S3Fault fault : {S3Fault::hang_up, S3Fault::lost_answer, S3Fault::error_500}) {
    S3World w({.conditional = false});
    w.options.single_writer = true;
    w.options.max_retries = 0;
    w.open();
    bool broken = true;
    w.bucket.set_faults([&](const S3Double::Seen& seen) { return seen.op == "put" && broken ? fault : S3Fault::none; });
    EXPECT_FALSE(w.store->put_if_absent("m/1", "first").ok());
    EXPECT_FALSE(w.store->put_if_absent("m/1", "second").ok());
    broken = false;
    EXPECT_TRUE(*w.store->put_if_absent("m/2", "other"));
    EXPECT_FALSE(*w.store->put_if_absent("m/1", "second")) << "the first is there now";
    EXPECT_EQ(*w.store->get_range("m/1", 0, 5), "first");
    broken = true;
    EXPECT_FALSE(w.store->put_if_absent("m/3", "same").ok());
    broken = false;
    EXPECT_TRUE(*w.store->put_if_absent("m/3", "same"));
    EXPECT_FALSE(*w.store->put_if_absent("m/3", "same"));
  }
}

TEST(S3Store, AMissingBucketIsNotAMissingObject) {
  S3World w;
  w.open();
  w.options.location.bucket = "another";
  EXPECT_EQ(w.try_open().error().kind, ErrorKind::invalid);
}

TEST(S3Store, WhatIsGivenUpEndsAtOnce) {
  S3World w;
  std::atomic<bool> given_up{false};
  S3Environment env = w.environment();
  env.given_up = [&given_up] { return given_up.load(); };
  auto store = open_s3_store(w.options, env);
  ASSERT_TRUE(store.ok());
  w.bucket.set_faults([&given_up](const S3Double::Seen&) {
    given_up = true;
    return S3Fault::slow_body;
  });
  w.bucket.put("some/where/k", std::string(1000, 'x'));
  const auto got = (*store)->get_range("k", 0, 1000);
  EXPECT_EQ(got.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(w.count("get"), 1u);
}

TEST(S3Store, RefusesKeysThatLeadElsewhere) {
  S3World w;
  w.open();
  for (const std::string& key : {std::string(), std::string("/x"), std::string("../x"), std::string("a//b"),
                                 std::string("a/"), std::string("a b"), std::string(1020, 'a')}) {
    EXPECT_EQ(w.store->put_if_absent(key, "x").error().kind, ErrorKind::invalid) << key;
    EXPECT_EQ(w.store->get_range(key, 0, 1).error().kind, ErrorKind::invalid) << key;
    EXPECT_EQ(w.store->remove(key).error().kind, ErrorKind::invalid) << key;
  }
}

TEST(S3Store, APutWhoseAnswerWasLostKnowsItsOwnObject) {
  for (const S3Fault fault : {S3Fault::lost_answer, S3Fault::lost_to_500}) {
    S3World w;
    w.open();
    w.bucket.set_faults([n = 0, fault](const S3Double::Seen& seen) mutable {
      return seen.op == "put" && n++ == 0 ? fault : S3Fault::none;
    });
    EXPECT_TRUE(*w.store->put_if_absent("m/1", "same")) << "it was ours";
    EXPECT_FALSE(*w.store->put_if_absent("m/1", "same")) << "the same bytes by another";
  }
}

TEST(S3Store, APutThatIsBeatenByAnotherSaysSo) {
  S3World w;
  w.open();
  // Our request is lost before it is done, and another server comes first.
  w.bucket.set_faults([n = 0](const S3Double::Seen& seen) mutable {
    return seen.op == "put" && n++ == 0 ? S3Fault::error_500 : S3Fault::none;
  });
  w.bucket.put("some/where/m/1", "theirs");
  EXPECT_FALSE(*w.store->put_if_absent("m/1", "ours"));
  EXPECT_EQ(*w.store->get_range("m/1", 0, 6), "theirs");
}

TEST(S3Store, ALostAnswerOfACompletedUploadIsSuccess) {
  for (const S3Fault fault : {S3Fault::lost_answer, S3Fault::lost_to_500, S3Fault::late_failure}) {
    S3World w;
    w.open();
    w.bucket.set_faults([n = 0, fault](const S3Double::Seen& seen) mutable {
      return seen.op == "complete_multipart" && n++ == 0 ? fault : S3Fault::none;
    });
    auto upload = w.store->upload("s/1");
    ASSERT_TRUE(upload.ok());
    ASSERT_TRUE((*upload)->append(std::string(300'000, 'x')).ok());
    const auto finished = (*upload)->finish();
    EXPECT_TRUE(finished.ok()) << finished.error().message;
    EXPECT_EQ(w.store->head("s/1")->size_bytes, 300'000u);
    EXPECT_EQ(w.bucket.open_uploads(), 0u);
  }
}

TEST(S3Store, AnUploadNeverReplacesAnObject) {
  for (const size_t bytes : {100u, 300'000u}) {
    S3World w;
    w.open();
    ASSERT_TRUE(*w.store->put_if_absent("s/1", "first"));
    {
      auto upload = w.store->upload("s/1");
      ASSERT_TRUE(upload.ok());
      ASSERT_TRUE((*upload)->append(std::string(bytes, 'x')).ok());
      EXPECT_EQ((*upload)->finish().error().kind, ErrorKind::invalid);
    }
    EXPECT_EQ(*w.store->get_range("s/1", 0, 5), "first");
    EXPECT_EQ(w.bucket.open_uploads(), 0u) << "what was given up is aborted";
  }
}

TEST(S3Store, ADroppedUploadIsAborted) {
  S3World w;
  w.open();
  {
    auto upload = w.store->upload("s/1");
    ASSERT_TRUE((*upload)->append(std::string(300'000, 'x')).ok());
    EXPECT_EQ(w.bucket.open_uploads(), 1u);
  }
  EXPECT_EQ(w.bucket.open_uploads(), 0u);
  EXPECT_EQ(w.count("upload_part"), 4u);
}

TEST(S3Store, SmallUploadsAreOnePut) {
  S3World w;
  w.open();
  const size_t before = w.bucket.seen().size();
  auto upload = w.store->upload("s/1");
  ASSERT_TRUE((*upload)->append("small").ok());
  ASSERT_TRUE((*upload)->finish().ok());
  EXPECT_EQ(w.bucket.seen().size(), before + 1);
}

TEST(S3Store, AnUploadThatFailedStaysFailed) {
  S3World w;
  w.open();
  auto upload = w.store->upload("s/1");
  w.bucket.set_faults(
      [](const S3Double::Seen& seen) { return seen.op == "upload_part" ? S3Fault::error_500 : S3Fault::none; });
  EXPECT_EQ((*upload)->append(std::string(300'000, 'x')).error().kind, ErrorKind::unavailable);
  w.bucket.set_faults({});
  EXPECT_FALSE((*upload)->append("y").ok());
  EXPECT_FALSE((*upload)->finish().ok());
  EXPECT_EQ(w.store->head("s/1").error().kind, ErrorKind::not_found);
}

TEST(S3Store, CutAndSlowBodiesAreReadAgain) {
  for (const S3Fault fault : {S3Fault::cut_body, S3Fault::slow_body}) {
    S3World w;
    w.options.answer_timeout_ns = 200'000'000;
    w.options.min_bytes_per_second = 1u << 30;
    w.open();
    std::string bytes;
    for (int i = 0; i < 100'000; ++i) bytes.push_back(static_cast<char>(i * i));
    ASSERT_TRUE(*w.store->put_if_absent("k", bytes));
    w.bucket.set_faults([n = 0, fault](const S3Double::Seen& seen) mutable {
      return seen.op == "get" && n++ < 2 ? fault : S3Fault::none;
    });
    const auto got = w.store->get_range("k", 10, 90'000);
    ASSERT_TRUE(got.ok()) << got.error().message;
    EXPECT_EQ(*got, bytes.substr(10, 90'000));
    EXPECT_EQ(w.count("get"), 3u);
  }
}

TEST(S3Store, WhatCannotBeReadNowIsUnavailableAndNeverLost) {
  for (const S3Fault fault : {S3Fault::error_500, S3Fault::slow_down, S3Fault::hang_up, S3Fault::throttled}) {
    S3World w;
    w.open();
    ASSERT_TRUE(*w.store->put_if_absent("k", "v"));
    w.bucket.set_faults([fault](const S3Double::Seen&) { return fault; });
    EXPECT_EQ(w.store->get_range("k", 0, 1).error().kind, ErrorKind::unavailable);
    EXPECT_EQ(w.store->head("k").error().kind, ErrorKind::unavailable);
    EXPECT_EQ(w.store->list("", "", 1).error().kind, ErrorKind::unavailable);
    EXPECT_EQ(w.store->remove("k").error().kind, ErrorKind::unavailable);
    EXPECT_EQ(w.store->put_if_absent("l", "v").error().kind, ErrorKind::unavailable);
    EXPECT_GT(w.waited_ns, 0);
  }
}

TEST(S3Store, ASilentBucketIsLeftAloneForAWhile) {
  ManualClock clock(1'800'000'000'000'000'000);
  S3World w({.clock = &clock});
  w.options.breaker_failures = 4;
  w.open();
  ASSERT_TRUE(*w.store->put_if_absent("k", "v"));
  w.bucket.set_faults([](const S3Double::Seen&) { return S3Fault::hang_up; });
  EXPECT_FALSE(w.store->head("k").ok());
  const size_t asked = w.bucket.seen().size();
  EXPECT_THAT(w.store->head("k").error().message, HasSubstr("left alone"));
  EXPECT_EQ(w.bucket.seen().size(), asked);
  EXPECT_THAT(w.metrics.text(), HasSubstr("cordwood_s3_breaker_open 1"));
  w.bucket.set_faults({});
  clock.advance_ns(w.options.breaker_rest_ns + 1);
  EXPECT_TRUE(w.store->head("k").ok());
  EXPECT_THAT(w.metrics.text(), HasSubstr("cordwood_s3_breaker_open 0"));
}

/// A bucket that only says "slow down", on a clock that goes on where somebody waits.
struct SlowedDown {
  SlowedDown() {
    world.options.max_retries = 1'000'000;
    world.options.breaker_failures = 1'000'000;
    S3Environment env = world.environment();
    env.wait_ns = [this](int64_t ns) { clock.advance_ns(ns); };
    auto opened = open_s3_store(world.options, env);
    CHECK(opened.ok(), "{}", opened.error().message);
    store = std::move(*opened);
    world.bucket.set_faults([](const S3Double::Seen&) { return S3Fault::slow_down; });
  }
  ManualClock clock{1'800'000'000'000'000'000};
  S3World world{{.clock = &clock}};
  std::unique_ptr<ObjectStore> store;
};

TEST(S3Store, TheTimeOfAnOperationIsBounded) {
  SlowedDown w;
  const int64_t began_ns = w.clock.monotonic_ns();
  EXPECT_EQ(w.store->head("k").error().kind, ErrorKind::unavailable);
  EXPECT_LE(w.clock.monotonic_ns() - began_ns, w.world.options.operation_timeout_ns);
  EXPECT_GT(w.clock.monotonic_ns() - began_ns, w.world.options.operation_timeout_ns / 2);
}

/// Ends at a time, or when it is told that its client left.
class TestPatience final : public Patience {
 public:
  TestPatience(Clock* clock, int64_t until_ns) : clock_(clock), until_ns_(until_ns) {}
  int64_t until_ns() const override { return until_ns_; }
  Result<void> ended() const override {
    if (left) return Error::cancelled("left");
    if (clock_->monotonic_ns() > until_ns_) return Error::timeout("too long");
    return {};
  }
  void on_wait(bool begins) const override { begins ? ++waits : --waits; }
  std::atomic<bool> left{false};
  mutable std::atomic<int> waits{0};

 private:
  Clock* clock_;
  const int64_t until_ns_;
};

TEST(S3Store, WaitsAndRetriesEndWithThePatienceOfTheThread) {
  SlowedDown w;
  constexpr int64_t kPatienceNs = 10'000'000'000;
  const int64_t began_ns = w.clock.monotonic_ns();
  TestPatience patience(&w.clock, began_ns + kPatienceNs);
  {
    const Patience::Scope scope(&patience);
    EXPECT_EQ(w.store->get_range("k", 0, 1).error().kind, ErrorKind::timeout);
    EXPECT_GT(w.clock.monotonic_ns(), began_ns + kPatienceNs);
    EXPECT_LE(w.clock.monotonic_ns(), began_ns + kPatienceNs + 100'000'000);
    const size_t asked = w.world.bucket.seen().size();
    EXPECT_EQ(w.store->head("k").error().kind, ErrorKind::timeout);
    EXPECT_EQ(w.world.bucket.seen().size(), asked) << "nothing more is asked for";
    std::thread([&] { EXPECT_EQ(w.store->head("k").error().kind, ErrorKind::unavailable); }).join();
  }
  EXPECT_EQ(Patience::of_this_thread(), nullptr);
  patience.left = true;
  w.world.bucket.set_faults({});
  const Patience::Scope scope(&patience);
  EXPECT_EQ(w.store->head("k").error().kind, ErrorKind::cancelled);
}

TEST(S3Store, AnAnswerThatDoesNotComeIsWaitedForNoLongerThanThat) {
  S3World w;
  w.options.breaker_failures = 1;
  w.open();
  w.bucket.put("some/where/k", std::string(1000, 'x'));
  w.bucket.set_faults([](const S3Double::Seen&) { return S3Fault::slow_body; });
  TestPatience brief(&w.system_clock, w.system_clock.monotonic_ns() + 100'000'000);
  TestPatience leaving(&w.system_clock, INT64_MAX);
  {
    const Patience::Scope scope(&brief);
    EXPECT_EQ(w.store->get_range("k", 0, 1000).error().kind, ErrorKind::timeout);
  }
  {
    w.bucket.set_faults([&leaving](const S3Double::Seen&) {
      EXPECT_EQ(leaving.waits, 1) << "so that its place can be another's";
      leaving.left = true;
      return S3Fault::slow_body;
    });
    const Patience::Scope scope(&leaving);
    EXPECT_EQ(w.store->get_range("k", 0, 1000).error().kind, ErrorKind::cancelled);
    EXPECT_EQ(leaving.waits, 0);
  }
  w.bucket.set_faults({});
  EXPECT_TRUE(w.store->get_range("k", 0, 1000).ok()) << "it says nothing of the bucket";
}

TEST(S3Store, SignsWithTheBucketsClockWhenOursIsWrong) {
  ManualClock theirs(1'800'000'000'000'000'000);
  ManualClock ours(1'700'000'000'000'000'000);
  S3World w({.clock = &theirs});
  S3Environment env = w.environment();
  env.clock = &ours;
  const auto store = open_s3_store(w.options, env);
  EXPECT_TRUE(store.ok()) << store.error().message;
}

TEST(S3Store, ConnectionsAreUsedAgain) {
  S3World w;
  w.open();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(*w.store->put_if_absent("k" + std::to_string(i), "v"));
  EXPECT_EQ(w.bucket.connections(), 1u);
}

TEST(S3Store, CountsRequestsByOperationAndAnswer) {
  S3World w;
  w.open();
  ASSERT_TRUE(*w.store->put_if_absent("k", "12345"));
  ASSERT_FALSE(w.store->head("none").ok());
  ASSERT_TRUE(w.store->get_range("k", 1, 2).ok());
  // The first one libcurl sends again by itself, because the connection was an old one.
  w.bucket.set_faults([n = 0](const S3Double::Seen&) mutable { return n++ < 2 ? S3Fault::hang_up : S3Fault::none; });
  ASSERT_TRUE(w.store->list("", "", 1).ok());
  const std::string text = w.metrics.text();
  for (const char* want :
       {R"(cordwood_s3_requests_total{op="put",code="412"} 1)", R"(cordwood_s3_requests_total{op="put",code="200"} 2)",
        R"(cordwood_s3_requests_total{op="head",code="404"} 1)", R"(cordwood_s3_requests_total{op="get",code="206"} 1)",
        R"(cordwood_s3_requests_total{op="list",code="network"} 1)", "cordwood_s3_retries_total 1",
        R"(cordwood_s3_request_seconds_count{op="get"} 1)"}) {
    EXPECT_THAT(text, HasSubstr(want));
  }
}

TEST(S3Store, NewObjectsCarryEncryptionAndClass) {
  S3World w;
  w.options.sse_type = "SSE-KMS";
  w.options.sse_kms_key_id = "key-1";
  w.options.sse_kms_context = R"({"a":"b"})";
  w.options.storage_class = "STANDARD_IA";
  w.open();
  ASSERT_TRUE(*w.store->put_if_absent("small", "v"));
  auto upload = w.store->upload("large");
  ASSERT_TRUE((*upload)->append(std::string(300'000, 'x')).ok());
  ASSERT_TRUE((*upload)->finish().ok());
  const auto objects = w.bucket.objects();
  ASSERT_EQ(objects.size(), 2u);
  for (const auto& [key, object] : objects) {
    EXPECT_EQ(object.storage_class, "STANDARD_IA") << key;
    EXPECT_EQ(object.metadata.at("x-amz-server-side-encryption"), "aws:kms") << key;
    EXPECT_EQ(object.metadata.at("x-amz-server-side-encryption-aws-kms-key-id"), "key-1") << key;
    EXPECT_EQ(object.metadata.at("x-amz-server-side-encryption-context"), "eyJhIjoiYiJ9") << key;
  }
  w.options.sse_type = "SSE-S3";
  w.open();
  ASSERT_TRUE(*w.store->put_if_absent("other", "v"));
  EXPECT_EQ(w.bucket.objects().at("some/where/other").metadata.at("x-amz-server-side-encryption"), "AES256");
  w.options.storage_class = "GLACIER";
  EXPECT_EQ(w.try_open().error().kind, ErrorKind::invalid);
  w.options.storage_class = "";
  w.options.sse_type = "AES";
  EXPECT_EQ(w.try_open().error().kind, ErrorKind::invalid);
}

TEST(S3Tiers, AnObjectGoesColdAndComesBack) {
  using Access = ObjectTier::Access;
  S3World w;
  w.open();
  ObjectTiers* tiers = w.store->tiers();
  ASSERT_NE(tiers, nullptr);
  ASSERT_TRUE(*w.store->put_if_absent("k", "bytes"));
  EXPECT_EQ(tiers->tier("k")->storage_class, "STANDARD");
  EXPECT_EQ(tiers->tier("none").error().kind, ErrorKind::not_found);
  EXPECT_EQ(tiers->change_class("none", "GLACIER").error().kind, ErrorKind::not_found);
  ASSERT_TRUE(tiers->change_class("k", "STANDARD_IA").ok());
  ASSERT_TRUE(tiers->change_class("k", "STANDARD_IA").ok());
  EXPECT_EQ(w.count("copy"), 1u);
  EXPECT_EQ(*w.store->get_range("k", 0, 5), "bytes");
  EXPECT_TRUE(tiers->restore("k", 1, ObjectTiers::Speed::bulk).ok()) << "nothing to restore";
  ASSERT_TRUE(tiers->change_class("k", "DEEP_ARCHIVE").ok());
  EXPECT_EQ(tiers->tier("k")->access, Access::archived);
  EXPECT_EQ(w.store->get_range("k", 0, 5).error().kind, ErrorKind::unavailable);
  EXPECT_EQ(tiers->change_class("k", "STANDARD").error().kind, ErrorKind::unavailable);
  ASSERT_TRUE(tiers->restore("k", 3, ObjectTiers::Speed::standard).ok());
  EXPECT_EQ(tiers->tier("k")->access, Access::restoring);
  EXPECT_TRUE(tiers->restore("k", 3, ObjectTiers::Speed::standard).ok()) << "under way";
  w.bucket.finish_restores();
  const auto restored = tiers->tier("k");
  EXPECT_EQ(restored->access, Access::restored);
  EXPECT_GT(restored->restored_until_ns, 2'200'000'000'000'000'000);
  EXPECT_EQ(*w.store->get_range("k", 0, 5), "bytes");
  ASSERT_TRUE(tiers->change_class("k", "STANDARD").ok());
  EXPECT_EQ(tiers->tier("k")->access, Access::at_once);
}

TEST(S3Tiers, UploadsIntoAClass) {
  S3World w;
  w.open();
  for (const size_t bytes : {10u, 300'000u}) {
    const std::string key = "s/" + std::to_string(bytes);
    auto upload = w.store->tiers()->upload_as(key, "GLACIER_IR");
    ASSERT_TRUE((*upload)->append(std::string(bytes, 'x')).ok());
    ASSERT_TRUE((*upload)->finish().ok());
    EXPECT_EQ(w.store->tiers()->tier(key)->storage_class, "GLACIER_IR");
    EXPECT_EQ(w.store->tiers()->tier(key)->access, ObjectTier::Access::at_once);
  }
}

TEST(S3Tiers, ACopyThatFailsLateIsTriedAgain) {
  S3World w;
  w.open();
  ASSERT_TRUE(*w.store->put_if_absent("k", "bytes"));
  w.bucket.set_faults([n = 0](const S3Double::Seen& seen) mutable {
    return seen.op == "copy" && n++ == 0 ? S3Fault::late_failure : S3Fault::none;
  });
  EXPECT_TRUE(w.store->tiers()->change_class("k", "STANDARD_IA").ok());
  EXPECT_EQ(w.store->tiers()->tier("k")->storage_class, "STANDARD_IA");
}

}  // namespace
}  // namespace cordwood
