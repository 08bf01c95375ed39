// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <random>

#include "storage/base/fold_text.h"
#include "storage/block_columns.h"
#include "storage/head_source.h"
#include "storage/segment_format.h"
#include "tests/storage/columns/block_fixture.h"

namespace cordwood {
namespace {

using samples::Rows;

bool holds(std::string_view text, std::string_view needle) {
  return needle.size() <= text.size() &&
         (needle.empty() || memmem(text.data(), text.size(), needle.data(), needle.size()) != nullptr);
}

/// The search may not lean on rows: what it is compared with are the lines as they were handed in.
bool row_holds(const BlockInputRow& row, TextPlace place, std::string_view needle) {
  if (place == TextPlace::line) return holds(row.line, needle);
  return std::any_of(row.metadata.begin(), row.metadata.end(),
                     [&](const MetadataPair& pair) { return holds(pair.value, needle); });
}

class NeedleSearch : public ::testing::Test {
 protected:
  static std::vector<std::string> lines_of(const std::string& command) {
    std::vector<std::string> lines;
    FILE* pipe = popen(command.c_str(), "r");
    if (pipe == nullptr) return lines;
    char* line = nullptr;
    size_t capacity = 0;
    for (ssize_t n; (n = getline(&line, &capacity, pipe)) > 0;) {
      lines.emplace_back(line, static_cast<size_t>(n) - (line[n - 1] == '\n' ? 1 : 0));
    }
    free(line);
    pclose(pipe);
    return lines;
  }

  size_t pick(size_t below) { return random_() % below; }

  void compare(BlockView* view, const std::vector<BlockInputRow>& rows, TextPlace place, const std::string& needle) {
    auto found = view->rows_with_text(needle, place);
    ASSERT_TRUE(found.ok()) << found.error().message;
    ASSERT_EQ(found->rows(), rows.size());
    for (uint32_t row = 0; row < rows.size(); ++row) {
      ASSERT_EQ(found->test(row), row_holds(rows[row], place, needle))
          << "needle «" << needle << "» row " << row << ": " << rows[row].line;
    }
    if (place == TextPlace::line && view->columns() != nullptr && !needle.empty()) {
      ASSERT_NO_FATAL_FAILURE(compare_places(view->columns(), *found, needle));
    }
    ++compared_;
  }

  /// The places where the needle stands are in those rows, and in no others; each can be looked at.
  void compare_places(BlockColumns* columns, const RowBits& found, const std::string& needle) {
    const auto hits = columns->find_in_lines(needle);
    ASSERT_TRUE(hits.ok()) << hits.error().message;
    RowBits all = hits->others;
    std::string around;
    for (const TextHits::Column& hit : hits->columns) {
      all.add(hit.rows);
      for (uint32_t row = hit.rows.next(0); row < hit.rows.rows(); row = hit.rows.next(row + 1)) {
        around.clear();
        const auto known = columns->append_around(row, hit.column, hit.before, hit.behind, &around);
        ASSERT_TRUE(known.ok()) << needle << " row " << row << ": " << known.error().message;
        ASSERT_TRUE(!*known || holds(around, needle)) << needle << " row " << row << ": " << around;
      }
    }
    for (uint32_t row = 0; row < found.rows(); ++row) ASSERT_EQ(all.test(row), found.test(row)) << needle << " " << row;
  }

  /// Letters of either case: no row may be missed, and only those with runes that fold oddly may be too many.
  void compare_folded(BlockView* view, const std::vector<BlockInputRow>& rows, TextPlace place, std::string needle) {
    const auto folded = [](std::string_view text) {
      std::string out;
      fold_text(text, &out);
      return out;
    };
    needle = folded(needle);
    auto found = view->rows_with_text({needle, true}, place);
    ASSERT_TRUE(found.ok()) << found.error().message;
    for (uint32_t row = 0; row < rows.size(); ++row) {
      bool holds_it = false;
      bool odd = false;
      const auto look = [&](std::string_view text) {
        holds_it = holds_it || holds(folded(text), needle);
        odd = odd || holds_odd_fold(text);
      };
      if (place == TextPlace::line) look(rows[row].line);
      if (place == TextPlace::metadata)
        for (const MetadataPair& pair : rows[row].metadata) look(pair.value);
      ASSERT_TRUE(odd ? found->test(row) || !holds_it : found->test(row) == holds_it)
          << "needle «" << needle << "» row " << row << ": " << rows[row].line;
    }
    ++compared_;
  }

  /// Cut from a stored text at random offsets; now and then with one byte changed.
  std::string needle_of(const std::vector<BlockInputRow>& rows, TextPlace place) {
    const BlockInputRow& row = rows[pick(rows.size())];
    std::string_view text = row.line;
    if (place == TextPlace::metadata) text = row.metadata.empty() ? "" : row.metadata[pick(row.metadata.size())].value;
    const size_t begin = text.empty() ? 0 : pick(text.size());
    const size_t longest = pick(4) == 0 ? 200 : pick(2) == 0 ? 30 : 6;
    std::string needle(text.substr(begin, 1 + pick(longest)));
    if (!needle.empty() && pick(4) == 0) needle[pick(needle.size())] = "09aefgzA-.\": ,=\\{"[pick(17)];
    if (pick(20) == 0) needle += std::string(text.substr(0, 1 + pick(5)));
    return needle;
  }

  /// The same rows, not sealed yet.
  static BlockSourcePtr head_of(Rows& rows, MemoryAccountant* memory) {
    auto head = std::make_shared<HeadBlock>("tenant", *memory);
    for (const StreamPtr& stream : rows.input().streams) head->add_stream(stream);
    uint64_t arrival = 0;
    for (const BlockInputRow& from : rows.rows()) {
      HeadRow row;
      row.stream = from.stream;
      row.time_ns = from.time_ns;
      row.line_data = from.line.data();
      row.line_bytes = static_cast<uint32_t>(from.line.size());
      row.metadata_data = from.metadata.data();
      row.metadata_count = static_cast<uint16_t>(from.metadata.size());
      head->append(row, ++arrival);
    }
    return make_head_source({head, head->row_count(), head->stream_count(), head->raw_bytes(), head->arrival_max()});
  }

  /// The block as it stands in a segment that has it three times, so that its ids are kept in lists.
  BlockSourcePtr listed(const EncodedBlock& block, samples::MemoryStore* store) {
    const SpilledBlock spilled = samples::spill(block);
    const auto meta = write_segment(*store, "s", "node", 1, {spilled, spilled, spilled});
    EXPECT_TRUE(meta.ok());
    const std::string& bytes = store->objects["s"];
    const std::string footer = bytes.substr(bytes.size() - SegmentFooter::kBytes);
    listed_ += (SegmentFooter::decode(footer, bytes.size()).value().features & kFeatureIdLists) != 0;
    return Segment::open(*store, *meta).value()->blocks()[1];
  }

  void check(Rows* rows, size_t needles) {
    const EncodedBlock block = BlockBuilder({}).build(rows->input());
    samples::MemoryStore store;
    const auto source = pick(2) == 0 ? samples::source_of(block) : listed(block, &store);
    ReadStats stats;
    auto view = source->open(&stats);
    ASSERT_TRUE(view.ok()) << view.error().message;
    MemoryAccountant memory{{}};
    auto head = head_of(*rows, &memory)->open(&stats);
    ASSERT_TRUE(head.ok()) << head.error().message;
    for (size_t i = 0; i < needles; ++i) {
      const TextPlace place = pick(6) == 0 ? TextPlace::metadata : TextPlace::line;
      if (pick(64) == 0) view = source->open(&stats);
      const std::string needle = needle_of(rows->rows(), place);
      ASSERT_NO_FATAL_FAILURE(compare(view->get(), rows->rows(), place, needle));
      if (i % 4 == 1) {
        ASSERT_NO_FATAL_FAILURE(compare_folded(view->get(), rows->rows(), place, needle));
      }
      if (i % 16 != 0) continue;
      ASSERT_NO_FATAL_FAILURE(compare_folded(head->get(), rows->rows(), place, needle));
      ASSERT_NO_FATAL_FAILURE(compare(head->get(), rows->rows(), place, needle));
    }
  }

  void check_lines(const std::vector<std::string>& lines, size_t begin, size_t needles) {
    Rows rows(3);
    const size_t count = std::min<size_t>(lines.size() - begin, 600);
    for (size_t i = 0; i < count; ++i) {
      std::vector<std::pair<std::string, std::string>> metadata;
      if (i % 3 != 0)
        metadata.push_back(
            {"trace_id", fmt::format("{:016x}{:016x}", i * 0x9e3779b97f4a7c15ull, ~i * 0x9e3779b97f4a7c15ull)});
      if (i % 7 == 0) metadata.push_back({"k" + std::to_string(i % 200), lines[begin + i].substr(0, 20)});
      rows.add(lines[begin + i], static_cast<int64_t>(i) * 1'000'003, static_cast<uint32_t>(i / 200 % 3), metadata);
    }
    check(&rows, needles);
  }

  /// How many needles a test tries in all; a long run asks for more.
  static size_t needles(size_t usual) {
    const char* asked = getenv("CORDWOOD_NEEDLES");
    return asked == nullptr ? usual : std::strtoull(asked, nullptr, 10);
  }

  std::mt19937_64 random_{20260301};
  size_t compared_ = 0;
  size_t listed_ = 0;  ///< segments with id lists
};

TEST_F(NeedleSearch, FindsInRealFilesWhatIsThere) {
  const std::string data = "../shared/data";
  if (!std::filesystem::exists(data)) GTEST_SKIP() << data << " is missing";
  std::vector<std::vector<std::string>> files;
  for (const auto& file : std::filesystem::directory_iterator(data + "/loghub")) {
    if (file.path().extension() == ".log") files.push_back(lines_of("cat " + file.path().string()));
  }
  files.push_back(lines_of("zcat " + data + "/nginx-access.log.gz | head -n 40000"));
  files.push_back(lines_of("zcat " + data + "/nginxplus-nested.json.gz | head -n 400"));
  files.push_back(lines_of("unzip -p " + data + "/windows/sharpdump.json.zip | head -n 3000"));
  const size_t wanted = needles(2000);
  while (compared_ < wanted) {
    for (const auto& lines : files) {
      ASSERT_FALSE(lines.empty());
      ASSERT_NO_FATAL_FAILURE(check_lines(lines, pick(lines.size()), std::min<size_t>(500, 1 + wanted / files.size())));
    }
  }
  RecordProperty("compared", std::to_string(compared_));
}

/// Cells of every type beside each other, with exceptions, empty texts, escapes and neighbours without space between.
TEST_F(NeedleSearch, FindsAcrossTypedCells) {
  const auto hex = [&](size_t digits) {
    std::string out;
    while (out.size() < digits) out += "0123456789abcdef"[pick(16)];
    return out;
  };
  const std::vector<std::function<std::string()>> values = {
      [&] { return std::to_string(pick(100000)); },
      [&] { return std::to_string(static_cast<int64_t>(random_()) >> pick(60)); },
      [&] { return pick(30) == 0 ? "007" : std::to_string(pick(900)); },
      [&] { return fmt::format("{}.{:02}", pick(500), pick(100)); },
      [&] { return '"' + hex(16) + '"'; },
      [&] { return '"' + hex(8) + '-' + hex(4) + '-' + hex(4) + '-' + hex(4) + '-' + hex(12) + '"'; },
      [&] { return fmt::format("\"10.{}.{}.{}\"", pick(4), pick(256), pick(256)); },
      [&] { return fmt::format("\"2026-03-{:02}T{:02}:10:59.{:03}Z\"", 1 + pick(28), pick(24), pick(1000)); },
      [&] { return fmt::format("\"slow query after {}ms on shard {:03}\"", pick(5000), pick(40)); },
      [&] {
        return std::string(pick(3) == 0 ? "\"\"" : pick(2) == 0 ? "\"Error\"" : "\"in\\\"fo\\n\"");
      },
      [&] { return '"' + hex(pick(12)) + "\\u00e9 É " + hex(pick(9)) + (pick(3) == 0 ? "ſtop 300 K" : "STOP") + '"'; },
      [&] { return std::string(pick(2) == 0 ? "[1,2]" : "null"); },
  };
  const std::vector<std::string> keys = {"n",  "big", "seven", "cost",  "span", "uuid",
                                         "ip", "at",  "msg",   "level", "odd",  "arr"};
  const auto json = [&] {
    std::string out = "{";
    for (size_t k = 0; k < keys.size(); ++k) {
      if (pick(12) != 0) out += (out.size() > 1 ? ",\"" : "\"") + keys[k] + "\":" + values[k]();
    }
    return out + "}";
  };
  const auto logfmt = [&] {
    std::string out;
    for (size_t k = 0; k < keys.size(); ++k) {
      if (pick(12) != 0) out += (out.empty() ? "" : " ") + keys[k] + "=" + values[k]();
    }
    return out;
  };
  const auto text = [&] {
    std::string out = "worker";
    for (size_t k = 0; k < 6; ++k)
      out += (pick(9) == 0 ? "" : " ") + values[pick(2) * 6 + k]() + (k % 2 == 0 ? " took" : "");
    return out;
  };
  const std::vector<std::function<std::string()>> forms = {json, logfmt, text, [&] { return hex(pick(80)); }};
  const size_t wanted = needles(3000);
  for (size_t round = 0; compared_ < wanted; ++round) {
    std::vector<std::string> lines;
    const size_t mixed = round % (forms.size() + 1);
    for (int i = 0; i < 500; ++i) lines.push_back(forms[mixed < forms.size() ? mixed : pick(forms.size())]());
    ASSERT_NO_FATAL_FAILURE(check_lines(lines, 0, std::min<size_t>(1000, 1 + wanted / 5)));
  }
  EXPECT_GT(listed_, 0u);
  RecordProperty("compared", std::to_string(compared_));
}

/// Messages that are rendered from fields of every type, alone and side by side.
TEST_F(NeedleSearch, FindsInRenderedMessages) {
  const auto hex = [&](size_t digits) { return fmt::format("{:016x}{:016x}", random_(), random_()).substr(0, digits); };
  const auto line = [&](size_t kind) {
    const std::string user = fmt::format("user-{}", hex(1 + pick(3)));
    const std::string trace = hex(32);
    const std::string at = fmt::format("2026-03-{:02}T{:02}:10:59.{:03}Z", 1 + pick(28), pick(24), pick(1000));
    const size_t n = pick(pick(2) == 0 ? 10 : 5000);
    const std::string path = fmt::format("C:\\\\{}\\\\{}", hex(2), pick(2) == 0 ? "ſtop.K" : "run.exe");
    const std::string fields =
        fmt::format(R"("user":"{}","trace":"{}","at":"{}","n":{},"path":"{}")", user, trace, at, n, path);
    const std::string texts[] = {
        fmt::format(R"(at {}\r\n\tuser: {} ({}) ran {} for the {} time)", at, user, trace, path, n),
        fmt::format("{}-{}-{}/{} of the few that there are {}", user, n, n, path, trace),
        fmt::format("{} {} {} and then nothing else happened for a while", path, user, n)};
    // Some rows have no message, and one that does not tell its fields.
    if (pick(10) == 0) return fmt::format("{{{}}}", fields);
    if (pick(10) == 0) return fmt::format(R"({{{},"msg":"nothing of all this is to be told"}})", fields);
    return fmt::format(R"({{{},"msg":"{}"}})", fields, texts[kind % 3]);
  };
  const size_t wanted = needles(1500);
  for (size_t round = 0; compared_ < wanted; ++round) {
    std::vector<std::string> lines;
    for (int i = 0; i < 500; ++i) lines.push_back(line(round % 4 == 3 ? pick(3) : round));
    ASSERT_NO_FATAL_FAILURE(check_lines(lines, 0, std::min<size_t>(500, 1 + wanted / 4)));
  }
  RecordProperty("compared", std::to_string(compared_));
}

TEST_F(NeedleSearch, OddLinesAndNeedles) {
  const auto f = [&](const std::vector<std::string>& lines, const std::vector<std::string>& needles) {
    Rows rows;
    for (const std::string& line : lines) rows.add(line, 5, 0, {{"m", line}});
    const EncodedBlock block = BlockBuilder({}).build(rows.input());
    ReadStats stats;
    auto view = samples::source_of(block)->open(&stats).value();
    for (const std::string& needle : needles) {
      for (const TextPlace place : {TextPlace::line, TextPlace::metadata}) {
        ASSERT_NO_FATAL_FAILURE(compare(view.get(), rows.rows(), place, needle));
      }
    }
  };
  const std::string zero(1, '\0');
  f({""}, {"", "x"});
  f({"", "\r", "\n", zero, "\xff\xfe", "a" + zero + "1"}, {"", zero, "\xff", "\xfe", zero + "1", "\n", "1"});
  f({"{}", R"({"a":""})", R"({"a":"","b":""})"}, {"{}", R"("")", R"(":"","b":")", R"(","b":""})", "}", "{\"a"});
  f({std::string(300'000, 'x') + "y", "short"}, {"xy", std::string(299'999, 'x') + "y", std::string(300'001, 'x')});
  f({R"({"a":111,"b":112})", R"({"a":11,"b":1})"}, {"11", R"(:11,"b":1)", R"(1,"b":1)", R"(11,"b":11)", "1}"});
}

/// An absent word is ruled out without a line being put together, and a column that cannot hold it is not read.
TEST_F(NeedleSearch, RendersNoLine) {
  Rows rows;
  for (int i = 0; i < 20000; ++i) {
    rows.add(fmt::format(R"({{"status":{},"id":"{:016x}","msg":"request {} of user took {} ms"}})",
                         i % 7 == 0 ? 503 : 200, static_cast<uint64_t>(i) * 0x9e3779b97f4a7c15ull, i, i % 977),
             i);
  }
  const EncodedBlock block = BlockBuilder({}).build(rows.input());
  const auto f = [&](const std::string& needle, uint64_t most_heap_frames) {
    ReadStats stats;
    auto view = samples::source_of(block)->open(&stats).value();
    compare(view.get(), rows.rows(), TextPlace::line, needle);
    EXPECT_EQ(stats.lines_rendered, 0u) << needle;
    EXPECT_LE(stats.heap_frames, most_heap_frames) << needle;
  };
  f("no such phrase", 0);
  f("\"status\":503", 0);
  f("of user took 976 ms", 0);
  f("deadbeef", 5);
  f("\"id\":\"9e3779b97f4a7c15\"", 5);
}

}  // namespace
}  // namespace cordwood
