// SPDX-License-Identifier: Apache-2.0
#include "storage/writer_lease.h"

#include <gmock/gmock.h>

#include <random>

#include "tests/support/kept_log.h"
#include "tests/support/manual_clock.h"

namespace cordwood {
namespace {

using ::testing::HasSubstr;
using State = WriterLease::State;

constexpr int64_t kDuration = 30'000'000'000;

/// What the servers see.
struct Bucket {
  ManualClock clock;
  std::optional<std::string> text;
  std::function<void()> before_effect;  ///< of each request
  std::function<void()> after_effect;
};

/// One server's way to it.
class Wire final : public LeaseObject {
 public:
  explicit Wire(Bucket* bucket) : bucket_(bucket) {}
  Result<std::string> read(int64_t) override {
    if (bucket_->before_effect) bucket_->before_effect();
    const std::optional<std::string> found = bucket_->text;
    if (bucket_->after_effect) bucket_->after_effect();
    if (cut || (fails && fails())) return Error::unavailable("cut");
    if (!found) return Error::not_found("none");
    return *found;
  }
  Result<void> write(std::string_view text, int64_t) override {
    if (bucket_->before_effect) bucket_->before_effect();
    if (cut || (fails && fails())) return Error::unavailable("cut");
    bucket_->text = std::string(text);
    if (bucket_->after_effect) bucket_->after_effect();
    if (loses_answers && loses_answers()) return Error::unavailable("lost");
    return {};
  }
  bool cut = false;
  std::function<bool()> fails;
  std::function<bool()> loses_answers;

 private:
  Bucket* bucket_;
};

struct Server {
  Server(Bucket* bucket, const std::string& owner, const std::string& session = "1") {
    auto object = std::make_unique<Wire>(bucket);
    wire = object.get();
    lease = std::make_unique<WriterLease>(
        WriterLease::Options{owner, owner + session, "node-" + owner, kDuration}, std::move(object),
        WriterLease::Environment{&bucket->clock, &metrics, log.get(), [this](int64_t ns) { until_ns = ns; },
                                 [this] { return last_unsure_ns; }});
  }
  State state() const { return lease->state(); }
  Metrics metrics;
  std::shared_ptr<KeptLog> log = std::make_shared<KeptLog>();
  int64_t until_ns = -1;
  int64_t last_unsure_ns = INT64_MIN;
  Wire* wire = nullptr;
  std::unique_ptr<WriterLease> lease;
};

/// Lets time pass, all of them at work.
void pass(Bucket* bucket, int64_t ns, std::initializer_list<Server*> servers) {
  constexpr int64_t kStep = 500'000'000;
  for (int64_t left = ns; left > 0; left -= kStep) {
    bucket->clock.advance_ns(std::min(left, kStep));
    for (Server* server : servers) server->lease->tick();
  }
}

void get(Bucket* bucket, Server* server) {
  server->lease->tick();
  pass(bucket, kDuration / 10, {server});
  ASSERT_TRUE(server->lease->held());
}

TEST(WriterLease, TheTextComesBack) {
  const LeaseRecord record{"o", "s", "no\nde", 7, 8, kDuration, true};
  const auto back = parse_lease(print_lease(record));
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->owner, "o");
  EXPECT_EQ(back->session, "s");
  EXPECT_EQ(back->node, "no de");
  EXPECT_EQ(back->term, 7u);
  EXPECT_EQ(back->renewal, 8u);
  EXPECT_EQ(back->duration_ns, kDuration);
  EXPECT_TRUE(back->released);
  const std::string text = print_lease(record);
  for (const std::string& wrong : {std::string(), std::string("x"), text.substr(0, 40), "x" + text,
                                   text + std::string(5000, 'x'), text + "term=x\n"}) {
    EXPECT_FALSE(parse_lease(wrong).ok()) << wrong;
  }
}

TEST(WriterLease, AFreeLeaseIsHeldAfterAPause) {
  Bucket bucket;
  Server a(&bucket, "a");
  EXPECT_EQ(a.until_ns, 0) << "nothing may be written before";
  a.lease->tick();
  EXPECT_EQ(a.state(), State::settling);
  pass(&bucket, kDuration / 10 - 1, {&a});
  EXPECT_FALSE(a.lease->held());
  pass(&bucket, 1, {&a});
  EXPECT_TRUE(a.lease->held());
  EXPECT_FALSE(a.lease->taken_over());
  EXPECT_GT(a.until_ns, bucket.clock.monotonic_ns());
  EXPECT_THAT(a.metrics.text(), HasSubstr("cordwood_store_lease_held 1\n"));
  pass(&bucket, 10 * kDuration, {&a});
  EXPECT_TRUE(a.lease->held()) << "it is renewed";
}

TEST(WriterLease, AnotherWaitsAsLongAsItIsRenewed) {
  Bucket bucket;
  Server a(&bucket, "a");
  Server b(&bucket, "b");
  get(&bucket, &a);
  pass(&bucket, 5 * kDuration, {&a, &b});
  EXPECT_TRUE(a.lease->held());
  EXPECT_EQ(b.state(), State::waiting);
  EXPECT_THAT(b.lease->why(), HasSubstr("node-a"));
  a.lease->release();
  EXPECT_EQ(a.until_ns, 0);
  get(&bucket, &b);
  EXPECT_TRUE(b.lease->taken_over());
  EXPECT_EQ(b.lease->state(), State::held);
}

TEST(WriterLease, OneThatCannotBeLookedAtIsToldOfOnce) {
  Bucket bucket;
  Server a(&bucket, "a");
  a.wire->cut = true;
  pass(&bucket, kDuration, {&a});
  EXPECT_EQ(a.log->count("the lease of the bucket cannot be read"), 1u);
  EXPECT_THAT(a.log->lines, HasSubstr("timeout_ms=750"));
  EXPECT_THAT(a.lease->why(), HasSubstr("cannot be read: cut"));
  a.wire->cut = false;
  get(&bucket, &a);

  Server b(&bucket, "b");
  b.lease->tick();
  b.wire->cut = true;
  b.lease->tick();
  b.lease->tick();
  b.wire->cut = false;
  b.lease->tick();
  b.wire->cut = true;
  b.lease->tick();
  EXPECT_EQ(b.log->count("cannot be read"), 2u) << "once in a row";
}

TEST(WriterLease, OneThatCannotBeWrittenIsToldOfOnce) {
  Bucket bucket;
  Server a(&bucket, "a");
  a.wire->loses_answers = [] { return true; };
  for (int i = 0; i < 5; ++i) {
    a.lease->tick();
    bucket.text.reset();
  }
  EXPECT_EQ(a.log->count("the lease of the bucket cannot be written"), 1u);
  EXPECT_THAT(a.lease->why(), HasSubstr("cannot be written: lost"));
}

TEST(WriterLease, ItIsNotGivenBackWhileAWriteMayStillArrive) {
  for (const bool long_ago : {false, true}) {
    Bucket bucket;
    Server a(&bucket, "a");
    Server b(&bucket, "b");
    get(&bucket, &a);
    a.last_unsure_ns = bucket.clock.monotonic_ns();
    pass(&bucket, long_ago ? kDuration / 4 : kDuration / 5, {&a});
    a.lease->release();
    EXPECT_EQ(a.until_ns, 0);
    b.lease->tick();
    EXPECT_EQ(b.state(), long_ago ? State::settling : State::waiting);
    pass(&bucket, 2 * kDuration, {&b});
    EXPECT_TRUE(b.lease->held());
  }
}

TEST(WriterLease, TheLeaseOfACrashedServerIsWaitedOut) {
  Bucket bucket;
  {
    Server a(&bucket, "a");
    get(&bucket, &a);
  }
  bucket.clock.advance_ns(100 * kDuration);  // before b looks: that does not count
  Server b(&bucket, "b");
  b.lease->tick();
  pass(&bucket, kDuration - 1, {&b});
  EXPECT_EQ(b.state(), State::waiting);
  bucket.clock.set_now_ns(0);  // wall clocks do not matter
  pass(&bucket, 1'000'000'000, {&b});
  EXPECT_EQ(b.state(), State::settling);
  pass(&bucket, kDuration / 10, {&b});
  EXPECT_TRUE(b.lease->held());
}

TEST(WriterLease, TheSameDataDirectoryTakesItAtOnce) {
  Bucket bucket;
  {
    Server a(&bucket, "a");
    get(&bucket, &a);
  }
  Server again(&bucket, "a", "2");
  get(&bucket, &again);
  EXPECT_FALSE(again.lease->taken_over());
}

TEST(WriterLease, ACopyOfADataDirectoryStopsTheOlderProcess) {
  Bucket bucket;
  Server a(&bucket, "a");
  get(&bucket, &a);
  Server copy(&bucket, "a", "2");
  copy.lease->tick();
  for (int i = 0; i < 20; ++i) {
    pass(&bucket, a.lease->tick_ns(), {&a, &copy});
    EXPECT_FALSE(a.lease->held() && copy.lease->held());
  }
  EXPECT_EQ(a.state(), State::lost);
  EXPECT_TRUE(copy.lease->held());
}

TEST(WriterLease, AHolderThatIsCutOffStopsBeforeAnotherBegins) {
  Bucket bucket;
  Server a(&bucket, "a");
  Server b(&bucket, "b");
  get(&bucket, &a);
  b.lease->tick();
  a.wire->cut = true;
  pass(&bucket, kDuration / 4 * 3, {&a, &b});
  EXPECT_FALSE(a.lease->held());
  EXPECT_EQ(a.state(), State::lapsed);
  EXPECT_EQ(a.until_ns, 0);
  EXPECT_THAT(a.lease->why(), HasSubstr("could not be renewed"));
  EXPECT_THAT(a.metrics.text(), HasSubstr("cordwood_store_lease_lapses_total 1"));
  EXPECT_FALSE(b.lease->held());
  pass(&bucket, kDuration, {&a, &b});
  EXPECT_TRUE(b.lease->held());
  a.wire->cut = false;
  pass(&bucket, kDuration, {&a, &b});
  EXPECT_EQ(a.state(), State::lost);
  EXPECT_THAT(a.lease->why(), HasSubstr("node-b"));
  b.lease->release();
  pass(&bucket, 3 * kDuration, {&a});
  EXPECT_EQ(a.state(), State::lost) << "only a restart reads what the other wrote";
}

TEST(WriterLease, AHolderThatWasCutOffGoesOnWhenNobodyElseCame) {
  Bucket bucket;
  Server a(&bucket, "a");
  get(&bucket, &a);
  a.wire->cut = true;
  pass(&bucket, 20 * kDuration, {&a});
  EXPECT_EQ(a.state(), State::lapsed);
  a.wire->cut = false;
  pass(&bucket, kDuration / 5, {&a});
  EXPECT_TRUE(a.lease->held());
  bucket.text.reset();  // removed by hand
  pass(&bucket, 2 * kDuration, {&a});
  EXPECT_TRUE(a.lease->held());
}

TEST(WriterLease, AnObjectThatIsNoLeaseIsWaitedOutToo) {
  Bucket bucket;
  bucket.text = "something else";
  Server a(&bucket, "a");
  a.lease->tick();
  pass(&bucket, kDuration - 1, {&a});
  EXPECT_EQ(a.state(), State::waiting);
  pass(&bucket, kDuration / 5, {&a});
  EXPECT_TRUE(a.lease->held());
}

TEST(WriterLease, OfThoseWhoComeAtTheSameTimeOneHasIt) {
  Bucket bucket;
  Server a(&bucket, "a");
  Server b(&bucket, "b");
  // Both see that there is none before either writes.
  bool inside = false;
  bucket.after_effect = [&] {
    if (std::exchange(inside, true)) return;
    b.lease->tick();
  };
  a.lease->tick();
  bucket.after_effect = nullptr;
  EXPECT_EQ(a.state(), State::settling);
  EXPECT_EQ(b.state(), State::settling);
  pass(&bucket, kDuration, {&a, &b});
  EXPECT_NE(a.lease->held(), b.lease->held());
}

/// Many servers, requests that fail, are done though they failed, or take their time; processes that end and come back.
class Turmoil {
 public:
  explicit Turmoil(uint64_t seed) : random_(seed) {
    for (int i = 0; i < 3; ++i) begin(i);
    bucket_.before_effect = bucket_.after_effect = [this] { meanwhile(); };
  }
  void run() {
    for (int step = 0; step < 600 && !::testing::Test::HasFailure(); ++step) {
      bucket_.clock.advance_ns(kDuration / 100);
      for (int i = 0; i < 3; ++i) act(i);
      check();
    }
  }
  uint64_t moments_held() const { return moments_held_; }

 private:
  bool chance(int percent) { return static_cast<int>(random_() % 100) < percent; }
  void begin(int i) {
    servers_[i] = std::make_unique<Server>(&bucket_, std::string(1, static_cast<char>('a' + i)), std::to_string(++n_));
    bad_[i] = false;
    servers_[i]->wire->fails = [this, i] { return bad_[i] || chance(5); };
    servers_[i]->wire->loses_answers = [this] { return chance(10); };
  }
  void act(int i) {
    if (inside_[i]) return;
    if (depth_ == 0) {
      if (chance(2)) bad_[i] = !bad_[i];
      if (chance(1)) begin(i);
      if (chance(1)) servers_[i]->lease->release();
    }
    inside_[i] = true;
    servers_[i]->lease->tick();
    inside_[i] = false;
  }
  /// While a request is under way others act, and time passes: not more than its timeout allows.
  void meanwhile() {
    if (depth_ > 0) return;
    ++depth_;
    bucket_.clock.advance_ns(static_cast<int64_t>(random_() % (kDuration / 80)));
    for (int i = 0; i < 3; ++i) {
      if (chance(50)) act(i);
    }
    check();
    --depth_;
  }
  void check() {
    int held = 0;
    for (const auto& server : servers_) held += server->lease->held() ? 1 : 0;
    EXPECT_LE(held, 1);
    moments_held_ += static_cast<uint64_t>(held);
  }

  std::mt19937_64 random_;
  Bucket bucket_;
  int n_ = 0;
  int depth_ = 0;
  bool inside_[3] = {};
  bool bad_[3] = {};
  std::unique_ptr<Server> servers_[3];
  uint64_t moments_held_ = 0;
};

TEST(WriterLease, NeverTwoHoldersInAnyTurmoil) {
  uint64_t held = 0;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    Turmoil turmoil(seed);
    turmoil.run();
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
    held += turmoil.moments_held();
  }
  EXPECT_GT(held, 20'000u) << "most of the time somebody has it";
}

}  // namespace
}  // namespace cordwood
