// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <random>
#include <sstream>
#include <thread>

#include "storage/base/checksum.h"
#include "storage/wal_reader.h"
#include "storage/wal_writer.h"
#include "tests/support/manual_clock.h"
#include "tests/support/memory_store.h"
#include "tests/support/sim_file_system.h"
#include "tests/support/temporary_directory.h"

namespace cordwood {
namespace {

const WalPolicy kPolicy{xxh3_64("rules"), "rules"};
const WalPolicy kOtherPolicy{xxh3_64("other rules"), "other rules"};

WalBody body_of(std::string_view text, const WalPolicy& policy = kPolicy, std::vector<uint32_t> refused = {}) {
  return {BodyFormat::loki_protobuf, BodyEncoding::snappy, text, std::move(refused), &policy};
}

std::string print(const WalRecord& r) {
  std::string refused;
  for (const uint32_t n : r.refused) refused += fmt::format("{},", n);
  return fmt::format("{} {} {} {} {:x} {}/{} [{}] {}\n", static_cast<int>(r.type), r.tenant, r.sequence,
                     r.receive_time_ns, r.policy_id, static_cast<int>(r.format), static_cast<int>(r.encoding), refused,
                     r.payload);
}

class Wal : public ::testing::Test {
 protected:
  std::unique_ptr<WalWriter> create(uint64_t generation, WalWriterOptions options = {}) {
    options.group_wait_us = 0;
    auto writer = WalWriter::create(fs_, dir_, generation, options);
    CHECK(writer.ok(), "{}", writer.error().message);
    return std::move(*writer);
  }
  Result<void> append(WalWriter& writer, uint64_t sequence, const WalBody& body, const TenantId& tenant = "t") {
    return writer.wait(writer.enqueue({tenant, sequence, static_cast<int64_t>(sequence) * 10, &body, nullptr}));
  }
  /// Every record of a generation, one a line.
  std::string replay(uint64_t generation, bool newest = true) {
    std::string got;
    const auto report = replay_wal(fs_, dir_, generation, newest, [&](const WalRecord& r) -> Result<void> {
      got += print(r);
      return {};
    });
    if (!report.ok()) return "error: " + report.error().message;
    report_ = *report;
    return got;
  }
  std::string only_file() { return list_wal_files(fs_, dir_, 1)->at(0); }
  std::string content(const std::string& path) { return *fs_.read_all(path, 1u << 30); }
  void replace(const std::string& path, std::string_view data) {
    auto file = fs_.open(path, OpenMode::open_or_create);
    ASSERT_TRUE((*file)->truncate(0).ok());
    ASSERT_TRUE((*file)->append(data).ok());
  }

  SimFileSystem fs_{1};
  const std::string dir_ = "wal";
  WalReplayReport report_;
};

TEST_F(Wal, PushesOfOneIntervalShareAPut) {
  samples::MemoryStore store;
  ManualClock clock;
  WalWriterOptions options;
  options.store = &store;
  options.clock = &clock;
  options.store_interval_ns = 20'000'000;
  const auto writer = create(1, options);
  const WalBody body = body_of("line");
  const auto put = [&](uint64_t sequence) { return writer->enqueue({"t", sequence, 1, &body, nullptr}); };
  ASSERT_TRUE(writer->wait(put(1)).ok()) << "the first one does not wait for the clock";
  EXPECT_EQ(store.objects.size(), 1u);
  const uint64_t second = put(2);
  std::thread waits([&] { EXPECT_TRUE(writer->wait(second).ok()); });
  const uint64_t third = put(3);
  const uint64_t fourth = put(4);
  clock.advance_ns(options.store_interval_ns);
  EXPECT_TRUE(writer->wait(third).ok());
  EXPECT_TRUE(writer->wait(fourth).ok());
  waits.join();
  EXPECT_EQ(store.objects.size(), 2u);
  clock.advance_ns(options.store_interval_ns);
  EXPECT_TRUE(writer->wait(put(5)).ok());
  EXPECT_EQ(store.objects.size(), 3u);
}

TEST_F(Wal, GivesBackWhatWasAppended) {
  const auto writer = create(1);
  ASSERT_TRUE(append(*writer, 7, body_of("first", kPolicy, {0, 3, 4, 100000})).ok());
  ASSERT_TRUE(append(*writer, 8, body_of("second")).ok());
  ASSERT_TRUE(append(*writer, 9, body_of("", kOtherPolicy), "u").ok());
  EXPECT_EQ(replay(1), fmt::format("3 t 7 0 {0:x} 1/0 [] rules\n"
                                   "1 t 7 70 {0:x} 2/1 [0,3,4,100000,] first\n"
                                   "1 t 8 80 {0:x} 2/1 [] second\n"
                                   "3 u 9 0 {1:x} 1/0 [] other rules\n"
                                   "1 u 9 90 {1:x} 2/1 [] \n",
                                   kPolicy.id, kOtherPolicy.id));
  EXPECT_EQ(report_.records, 5u);
  EXPECT_EQ(report_.torn_bytes + report_.damaged_records, 0u);
  EXPECT_EQ(writer->bytes(), content(only_file()).size());
  EXPECT_EQ(replay(2), "");
}

TEST_F(Wal, ABatchComesBackEqual) {
  RowBatch batch;
  batch.tenant = "t";
  batch.streams.push_back(Stream::make("t", StreamKind::log, Labels::from_pairs({{"a", "1"}})));
  batch.streams.push_back(Stream::make("t", StreamKind::span, Labels::from_pairs({{"b", "2"}, {"c", "ü\xff"}})));
  batch.metadata = {{"trace", "abc"}, {"detected_level", "info"}};
  batch.rows = {{0, INT64_MIN, "line\r\n", 0, 2, 1},
                {1, INT64_MAX, "", 2, 0, 0},
                {0, -5, std::string_view("\0\xfe", 2), 0, 1, 0}};
  const auto writer = create(1);
  ASSERT_TRUE(writer->wait(writer->enqueue({"t", 3, 4, nullptr, &batch})).ok());
  int seen = 0;
  const auto report = replay_wal(fs_, dir_, 1, true, [&](const WalRecord& r) -> Result<void> {
    ++seen;
    EXPECT_EQ(r.type, WalRecordType::push_batch);
    EXPECT_EQ(r.receive_time_ns, 4);
    RowBatch back;
    TRY(decode_wal_batch(r.payload, r.tenant, &back));
    EXPECT_EQ(back.metadata.size(), 3u);
    EXPECT_EQ(back.streams.size(), 2u);
    for (size_t i = 0; i < 2; ++i) EXPECT_TRUE(back.streams[i]->same_as(*batch.streams[i]));
    for (size_t i = 0; i < back.rows.size(); ++i) {
      EXPECT_EQ(back.rows[i].stream, batch.rows[i].stream);
      EXPECT_EQ(back.rows[i].time_ns, batch.rows[i].time_ns);
      EXPECT_EQ(back.rows[i].line, batch.rows[i].line);
      EXPECT_EQ(back.rows[i].metadata_count, batch.rows[i].metadata_count);
      EXPECT_EQ(back.rows[i].derived_count, batch.rows[i].derived_count);
    }
    EXPECT_EQ(back.rows.size(), 3u);
    EXPECT_EQ(back.metadata[1], batch.metadata[1]);
    return {};
  });
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(seen, 1);
}

TEST(WalBatch, SurvivesHostileBytes) {
  RowBatch batch;
  batch.streams.push_back(Stream::make("t", StreamKind::log, Labels::from_pairs({{"a", "1"}})));
  batch.metadata = {{"k", "v"}};
  for (int i = 0; i < 20; ++i) batch.rows.push_back({0, i * 1000, "some line", 0, 1, 0});
  std::string good;
  encode_wal_batch(batch, &good);
  std::mt19937 random(1);
  for (size_t at = 0; at < good.size(); ++at) {
    RowBatch out;
    EXPECT_FALSE(decode_wal_batch(std::string_view(good).substr(0, at), "t", &out).ok());
    for (int round = 0; round < 20; ++round) {
      std::string bad = good;
      bad[at] = static_cast<char>(random());
      const Result<void> decoded = decode_wal_batch(bad, "t", &out);
      for (const BatchRow& row : decoded.ok() ? out.rows : std::vector<BatchRow>()) {
        ASSERT_LT(row.stream, out.streams.size());
        ASSERT_LE(row.metadata_begin + row.metadata_count, out.metadata.size());
      }
    }
  }
}

TEST_F(Wal, ATornTailIsCutAtEveryByte) {
  {
    const auto writer = create(1);
    for (uint64_t s = 1; s <= 3; ++s) ASSERT_TRUE(append(*writer, s, body_of(fmt::format("body {}", s))).ok());
  }
  const std::string path = only_file();
  const std::string whole = content(path);
  std::vector<std::pair<uint64_t, std::string>> prefixes;  // end offset of a record, what is replayed up to it
  std::string so_far;
  const auto scan = scan_wal_file(fs_, path, {}, [&](uint64_t offset, const WalRecord& r) -> Result<void> {
    prefixes.emplace_back(offset, so_far);
    so_far += print(r);
    return {};
  });
  ASSERT_TRUE(scan.ok());
  prefixes.emplace_back(whole.size(), so_far);
  for (size_t size = 0; size <= whole.size(); ++size) {
    replace(path, whole.substr(0, size));
    std::string want;
    uint64_t intact = 0;
    for (const auto& [end, text] : prefixes) {
      if (end <= size) want = text, intact = end;
    }
    ASSERT_EQ(replay(1), want) << size;
    EXPECT_EQ(report_.torn_bytes, size - intact);
    EXPECT_EQ(report_.damaged_records, 0u);
    ASSERT_EQ(content(path).size(), intact);
    ASSERT_EQ(replay(1), want);
    EXPECT_EQ(report_.torn_bytes, 0u);
  }
}

TEST_F(Wal, AFlippedByteLosesOneRecordAtMost) {
  {
    const auto writer = create(1);
    for (uint64_t s = 1; s <= 5; ++s) ASSERT_TRUE(append(*writer, s, body_of(fmt::format("body {}", s))).ok());
  }
  const std::string path = only_file();
  const std::string whole = content(path);
  std::vector<std::string> records;
  uint64_t last_begin = 0;
  ASSERT_TRUE(scan_wal_file(fs_, path, {}, [&](uint64_t offset, const WalRecord& r) -> Result<void> {
                records.push_back(print(r));
                last_begin = offset;
                return {};
              }).ok());
  ASSERT_EQ(records.size(), 6u);
  for (size_t at = 0; at < whole.size(); ++at) {
    for (const char flip : {'\x01', '\x80', '\xff'}) {
      std::string bad = whole;
      bad[at] = static_cast<char>(bad[at] ^ flip);
      replace(path, bad);
      std::vector<std::string> got;
      const auto scan = scan_wal_file(fs_, path, {1, 1}, [&](uint64_t, const WalRecord& r) -> Result<void> {
        got.push_back(print(r));
        return {};
      });
      ASSERT_TRUE(scan.ok()) << at << scan.error().message;
      ASSERT_GE(got.size() + 1, records.size()) << at;
      size_t next = 0;
      for (const std::string& g : got) {
        while (next < records.size() && records[next] != g) ++next;
        ASSERT_LT(next, records.size()) << "at " << at << " came back changed: " << g;
      }
      ASSERT_EQ(scan->damages.size(), at < last_begin ? 1u : 0u) << at;
      ASSERT_EQ(scan->intact_end, at < last_begin ? whole.size() : last_begin) << at;
    }
  }
}

TEST_F(Wal, DamageInsideIsReportedAndCopiedAside) {
  {
    const auto writer = create(1);
    for (uint64_t s = 1; s <= 3; ++s) ASSERT_TRUE(append(*writer, s, body_of(fmt::format("body {}", s))).ok());
  }
  const std::string path = only_file();
  std::string bad = content(path);
  bad[bad.find("body 2")] = 'B';
  replace(path, bad);
  const std::string got = replay(1);
  EXPECT_NE(got.find("body 1"), std::string::npos);
  EXPECT_NE(got.find("body 3"), std::string::npos);
  EXPECT_EQ(report_.damaged_records, 1u);
  EXPECT_EQ(report_.torn_bytes, 0u);
  EXPECT_EQ(report_.problems.size(), 1u);
  EXPECT_EQ(content(path + ".damaged"), bad);
  EXPECT_EQ(content(path), bad);
  replay(1);
  EXPECT_EQ(list_wal_files(fs_, dir_, 1)->size(), 1u);
}

TEST_F(Wal, ATailIsTornOnlyInTheNewestFile) {
  create(1);
  const std::string path = only_file();
  const std::string whole = content(path) + "unfinished";
  replace(path, whole);
  replay(1, false);
  EXPECT_EQ(report_.damaged_records, 1u);
  EXPECT_EQ(report_.torn_bytes, 0u);
  EXPECT_EQ(content(path), whole);
}

TEST_F(Wal, RefusesAVersionItDoesNotKnow) {
  create(1);
  std::string header = content(only_file());
  auto f = [&](size_t offset, char value) {
    std::string bad = header;
    bad[offset] = value;
    const uint32_t checksum = static_cast<uint32_t>(xxh3_64(std::string_view(bad).substr(0, 16)));
    std::memcpy(bad.data() + 16, &checksum, sizeof checksum);
    replace(only_file(), bad);
    EXPECT_NE(replay(1).find("this program reads version 1"), std::string::npos) << offset;
    EXPECT_EQ(content(only_file()), bad);
  };
  f(4, 2);
  f(8, 2);
  f(15, 0x40);
}

TEST_F(Wal, NewFilesRepeatPolicies) {
  WalWriterOptions options;
  options.file_bytes = 300;
  const auto writer = create(1, options);
  for (uint64_t s = 1; s <= 20; ++s) ASSERT_TRUE(append(*writer, s, body_of(std::string(50, 'x'))).ok());
  const std::vector<std::string> files = *list_wal_files(fs_, dir_, 1);
  EXPECT_GT(files.size(), 4u);
  for (const std::string& path : files) {
    std::vector<WalRecordType> types;
    ASSERT_TRUE(scan_wal_file(fs_, path, {}, [&](uint64_t, const WalRecord& r) -> Result<void> {
                  types.push_back(r.type);
                  return {};
                }).ok());
    ASSERT_GE(types.size(), 2u) << path;
    EXPECT_EQ(types[0], WalRecordType::policy);
    EXPECT_EQ(std::count(types.begin(), types.end(), WalRecordType::policy), 1);
  }
  replay(1);
  EXPECT_EQ(report_.records, 20 + files.size());
}

TEST_F(Wal, ARecordDoesNotCountInAnotherPlace) {
  {
    const auto writer = create(1);
    ASSERT_TRUE(append(*writer, 1, body_of("mine")).ok());
  }
  const std::string records = content(only_file());
  create(2);
  const std::string other = list_wal_files(fs_, dir_, 2)->at(0);
  const std::string header = content(other);
  replace(other, header + records.substr(header.size()));
  EXPECT_EQ(replay(2), "");
  EXPECT_EQ(report_.torn_bytes, records.size() - header.size());
}

TEST(WalGroup, ManyThreadsShareSyncsAndLoseNothing) {
  constexpr uint64_t kThreads = 8, kEach = 100;
  TemporaryDirectory temporary;
  PosixFileSystem fs;
  WalWriterOptions options;
  options.file_bytes = 5'000;
  options.group_wait_us = 100;
  const auto created = WalWriter::create(fs, temporary.path(), 1, options);
  ASSERT_TRUE(created.ok()) << created.error().message;
  WalWriter* const writer = created->get();
  std::mutex order;
  uint64_t sequence = 0;
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (uint64_t i = 0; i < kEach; ++i) {
        const std::string text = fmt::format("{}-{}", t, i);
        const WalBody body = body_of(text);
        uint64_t ticket = 0;
        {
          const std::lock_guard<std::mutex> lock(order);
          ticket = writer->enqueue({"t", ++sequence, 0, &body, nullptr});
        }
        ASSERT_TRUE(writer->wait(ticket).ok());
      }
    });
  }
  for (std::thread& t : threads) t.join();
  uint64_t last = 0, bodies = 0;
  ASSERT_TRUE(replay_wal(fs, temporary.path(), 1, true, [&](const WalRecord& r) -> Result<void> {
                if (r.type != WalRecordType::push_body) return {};
                EXPECT_EQ(r.sequence, last + 1);
                last = r.sequence;
                ++bodies;
                return {};
              }).ok());
  EXPECT_EQ(bodies, kThreads * kEach);
}

TEST_F(Wal, ListsAndRemovesGenerations) {
  for (const uint64_t g : {3, 1, 12}) create(g);
  create(3);
  EXPECT_EQ(*list_wal_generations(fs_, dir_), (std::vector<uint64_t>{1, 3, 12}));
  EXPECT_EQ(list_wal_files(fs_, dir_, 3)->size(), 2u);
  ASSERT_TRUE(remove_wal(fs_, dir_, 3).ok());
  EXPECT_EQ(*list_wal_generations(fs_, dir_), (std::vector<uint64_t>{1, 12}));
  EXPECT_TRUE(list_wal_generations(fs_, dir_ + "/none")->empty());
}

/// The bodies in a generation's files on `fs`, in order.
std::string bodies(FileSystem& fs, uint64_t generation, WalReplayReport* report) {
  std::string got;
  const auto replayed = replay_wal(fs, "wal", generation, true, [&](const WalRecord& r) -> Result<void> {
    if (r.type == WalRecordType::push_body) got += r.payload + " ";
    return {};
  });
  if (!replayed.ok()) return replayed.error().message;
  *report = *replayed;
  return got;
}

TEST(WalFaults, AFailedFileIsNeverWrittenAgainAndTheNextOneWorks) {
  for (const SimOperation operation : {SimOperation::write, SimOperation::sync}) {
    SimFileSystem fs(1);
    const auto writer = WalWriter::create(fs, "wal", 1, {});
    ASSERT_TRUE(writer.ok()) << writer.error().message;
    const WalBody one = body_of("one"), two = body_of("two"), three = body_of("three"), four = body_of("four");
    ASSERT_TRUE((*writer)->wait((*writer)->enqueue({"t", 1, 0, &one, nullptr})).ok());
    fs.fail_nth(operation, 1, ErrorKind::io);
    const uint64_t second = (*writer)->enqueue({"t", 2, 0, &two, nullptr});
    const uint64_t third = (*writer)->enqueue({"t", 3, 0, &three, nullptr});
    EXPECT_EQ((*writer)->wait(third).error().kind, ErrorKind::unavailable);
    EXPECT_EQ((*writer)->wait(second).error().kind, ErrorKind::unavailable);
    EXPECT_TRUE((*writer)->failed());
    const std::string failed_file = *fs.read_all("wal/" + wal_file_name({1, 1}), 1u << 20);
    ASSERT_TRUE((*writer)->wait((*writer)->enqueue({"t", 4, 0, &four, nullptr})).ok());
    EXPECT_FALSE((*writer)->failed());
    EXPECT_EQ(*fs.read_all("wal/" + wal_file_name({1, 1}), 1u << 20), failed_file);
    WalReplayReport report;
    const std::string got = bodies(fs, 1, &report);
    EXPECT_TRUE(got.starts_with("one ")) << got;
    EXPECT_TRUE(got.ends_with("four ")) << got;
  }
}

TEST(WalFaults, AFullDiskIsUnavailableUntilThereIsRoom) {
  SimFileSystem fs(3);
  const auto writer = WalWriter::create(fs, "wal", 1, {});
  ASSERT_TRUE(writer.ok());
  const std::string text(1000, 'x');
  const WalBody body = body_of(text);
  fs.set_capacity_bytes(5000);
  uint64_t sequence = 0;
  uint64_t stored = 0;
  while ((*writer)->wait((*writer)->enqueue({"t", ++sequence, 0, &body, nullptr})).ok()) ++stored;
  EXPECT_EQ(stored, 4u);
  for (int i = 0; i < 20; ++i) {
    const Result<void> refused = (*writer)->wait((*writer)->enqueue({"t", ++sequence, 0, &body, nullptr}));
    ASSERT_EQ(refused.error().kind, ErrorKind::unavailable) << refused.error().message;
  }
  EXPECT_EQ(list_wal_files(fs, "wal", 1)->size(), 1u);  // what failed left nothing behind
  EXPECT_LT(fs.used_bytes(), 4500u);
  fs.set_capacity_bytes(1u << 20);
  ASSERT_TRUE((*writer)->wait((*writer)->enqueue({"t", ++sequence, 0, &body, nullptr})).ok());
  WalReplayReport report;
  EXPECT_GE(bodies(fs, 1, &report).size(), 5 * (text.size() + 1));
}

/// Appends under random faults until the power goes, then replays, with more power cuts on the way.  Every
/// acknowledged body is there, in order, and nothing that was never sent.
std::string break_wal(uint64_t seed, const std::string& ignored_syncs) {
  SimFileSystem fs(seed);
  fs.ignore_syncs_of(ignored_syncs);
  std::mt19937_64 random(seed);
  WalWriterOptions options;
  options.file_bytes = 1 + random() % 4000;
  options.group_wait_us = 0;
  std::vector<std::pair<std::string, bool>> sent;  // text, acknowledged
  if (auto writer = WalWriter::create(fs, "wal", 1, options); writer.ok()) {
    for (const SimOperation op : {SimOperation::write, SimOperation::sync, SimOperation::create,
                                  SimOperation::sync_directory, SimOperation::remove}) {
      fs.set_failure_rate(op, seed % 2 == 0 ? 0.1 : 0);
    }
    fs.cut_power_at(fs.operations() + 1 + random() % 100);
    while (fs.powered()) {
      std::vector<uint64_t> tickets;
      const size_t first = sent.size();
      for (uint64_t i = 0; i <= random() % 4; ++i) {
        sent.emplace_back(fmt::format("{}:{}", sent.size(), std::string(random() % 1500, 'x')), false);
        const WalBody body = body_of(sent.back().first);
        tickets.push_back((*writer)->enqueue({"t", sent.size(), 0, &body, nullptr}));
      }
      for (size_t i = 0; i < tickets.size(); ++i) sent[first + i].second = (*writer)->wait(tickets[i]).ok();
    }
  }
  fs.clear_failure_rates();
  fs.restart();
  WalReplayReport report;
  for (int i = 0; i < 3; ++i) {
    fs.cut_power_at(fs.operations() + 1 + random() % 4);
    bodies(fs, 1, &report);
    fs.restart();
  }
  fs.cut_power_at(0);
  for (int pass = 0; pass < 2; ++pass) {
    std::istringstream got(bodies(fs, 1, &report));
    auto next = sent.begin();
    for (std::string text; got >> text; ++next) {
      while (next != sent.end() && next->first != text) {
        if (next->second) return fmt::format("seed {}: acknowledged {:.20} is lost", seed, next->first);
        ++next;
      }
      if (next == sent.end()) return fmt::format("seed {}: {:.20} was not sent, or not in this order", seed, text);
    }
    for (; next != sent.end(); ++next) {
      if (next->second) return fmt::format("seed {}: acknowledged {:.20} is lost at the end", seed, next->first);
    }
  }
  return report.torn_bytes == 0 ? "" : fmt::format("seed {}: the tail is torn again", seed);
}

TEST(WalFaults, WhatWasAcknowledgedSurvivesPowerCuts) {
  for (uint64_t seed = 0; seed < 300; ++seed) ASSERT_EQ(break_wal(seed, ""), "");
}

TEST(WalFaults, TheCheckFindsAMissingSync) {
  auto f = [](const std::string& ignored) {
    for (uint64_t seed = 0; seed < 100; ++seed) {
      if (!break_wal(seed, ignored).empty()) return true;
    }
    return false;
  };
  EXPECT_TRUE(f(".wal"));
  EXPECT_TRUE(f("wal"));
}

}  // namespace
}  // namespace cordwood
