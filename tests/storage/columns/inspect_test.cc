// SPDX-License-Identifier: Apache-2.0
#include "storage/inspect.h"

#include <gtest/gtest.h>

#include "storage/segment_format.h"
#include "tests/storage/columns/block_fixture.h"
#include "tests/support/temporary_directory.h"

namespace cordwood {
namespace {

using samples::MemoryStore;
using samples::Rows;

struct MemoryFile final : File {
  explicit MemoryFile(std::string b) : bytes(std::move(b)) {}
  Result<size_t> read_at(uint64_t offset, char* out, size_t size) override {
    const size_t n = offset >= bytes.size() ? 0 : std::min<size_t>(size, bytes.size() - offset);
    std::copy_n(bytes.data() + std::min<size_t>(offset, bytes.size()), n, out);
    return n;
  }
  Result<void> write_at(uint64_t, std::string_view) override { return Error::io("read only"); }
  Result<void> append(std::string_view) override { return Error::io("read only"); }
  Result<void> truncate(uint64_t) override { return Error::io("read only"); }
  Result<void> sync() override { return Error::io("read only"); }
  Result<uint64_t> size() override { return bytes.size(); }
  std::string bytes;
};

std::string sample_segment() {
  BlockBuilder builder({});
  std::vector<SpilledBlock> spilled;
  for (int b = 0; b < 3; ++b) {
    Rows rows;
    for (int i = 0; i < 200; ++i) {
      rows.add(fmt::format(R"({{"http":{{"status":{}}},"id":"{:016x}"}})", i % 2 == 0 ? 200 : 503,
                           static_cast<uint64_t>(i + 1) * 0x9e3779b97f4a7c15ull),
               i);
    }
    spilled.push_back(samples::spill(builder.build(rows.input())));
  }
  MemoryStore store;
  EXPECT_TRUE(write_segment(store, "s", "node-1", 1, spilled).ok());
  return store.objects["s"];
}

std::string describe(const std::string& bytes, bool forms, uint64_t* damages) {
  std::string text;
  auto report = inspect_segment(std::make_shared<MemoryFile>(bytes), {forms},
                                [&](std::string_view line) { text.append(line).append("\n"); });
  EXPECT_TRUE(report.ok());
  *damages = report.ok() ? report->damages : 0;
  return text;
}

TEST(InspectTest, TellsFormsAndTypes) {
  uint64_t damages = 0;
  const std::string forms = describe(sample_segment(), true, &damages);
  EXPECT_EQ(damages, 0u);
  for (const char* want : {"form json 600 lines 100.00 %", "column json http.status: integer in 3 blocks, 600 cells",
                           "column json id: hex in 3 blocks, 600 cells"}) {
    EXPECT_NE(forms.find(want), std::string::npos) << want << " in\n" << forms;
  }
  const std::string all = describe(sample_segment(), false, &damages);
  for (const char* want :
       {"block 2 tenant \"tenant\" rows 200", "json http.status: integer, 200 cells", "in [200, 503]",
        "hex of 16 digits", "stream {app=\"a\", pod=\"p0\"} rows 200", "3 blocks, 0 damages"}) {
    EXPECT_NE(all.find(want), std::string::npos) << want << " in\n" << all;
  }
}

TEST(InspectTest, GoesOnPastDamage) {
  const std::string good = sample_segment();
  uint64_t damages = 0;
  for (size_t at = 0; at < good.size(); at += 7) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    const std::string text = describe(bad, false, &damages);
    if (at >= kSegmentHeaderBytes) {
      EXPECT_GE(damages, 1u) << at;
    }
    if (at >= kSegmentHeaderBytes && at < good.size() - SegmentFooter::kBytes - 3000) {
      EXPECT_NE(text.find("block 2"), std::string::npos) << at;
    }
  }
  for (size_t size = 0; size < good.size(); size += 101) describe(good.substr(0, size), true, &damages);
}

TEST(InspectTest, KnowsOurFiles) {
  const TemporaryDirectory dir;
  PosixFileSystem fs;
  const auto f = [&](const std::string& name, const std::string& content, std::string_view want) {
    const std::string path = dir.path() + "/" + name;
    auto file = fs.open(path, OpenMode::create_new).value();
    ASSERT_TRUE(file->append(content).ok());
    std::string text;
    auto report = inspect_file(fs, path, {}, [&](std::string_view line) { text.append(line).append("\n"); });
    if (want.empty()) {
      EXPECT_FALSE(report.ok());
      return;
    }
    ASSERT_TRUE(report.ok()) << report.error().message;
    EXPECT_NE(text.find(want), std::string::npos) << text;
  };
  f("segment", sample_segment(), "segment of");
  f("headless", "x" + sample_segment().substr(1), "segment of");
  f("change", "CWMF garbage", "DAMAGE");
  f("00000000000000000003-000001.wal", "garbage", "generation 3, file 1");
  const std::string table = fs.read_all("tests/format/day-ids-1.0.ids", 1u << 20).value();
  f("a.ids", table, "2 buckets, 2 ids, 1044 B");
  f("b.ids", table.substr(0, 600), "DAMAGE it does not end");
  f("c.ids", table.substr(0, 1000) + "x" + table.substr(1001), "DAMAGE bucket 1");
  f("manifest-1.3", fs.read_all("tests/format/manifest-1.3", 1u << 20).value(), "common id table segments/sample/d");
  f("text", "hello", "");
  f("empty", "", "");
}

}  // namespace
}  // namespace cordwood
