// SPDX-License-Identifier: Apache-2.0
#include "storage/line_shredder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <functional>
#include <memory>
#include <random>

#include "storage/shred_json.h"
#include "tests/support/json_leaves.h"

namespace cordwood {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kData[] = "../shared/data/";

std::string render(const Shape& shape, std::span<const std::string_view> cells) {
  std::string out;
  render_shape(shape, cells, &out);
  return out;
}

std::string joined(std::span<const std::string> path) {
  std::string out;
  for (const std::string& key : path) out += (out.empty() ? "" : "/") + key;
  return out;
}

/// Output lines of a shell command; empty when the file is missing.
void each_line(const std::string& command, const std::function<void(std::string_view)>& take) {
  const auto close = [](FILE* f) { pclose(f); };
  std::unique_ptr<FILE, decltype(close)> pipe(popen((command + " 2>/dev/null").c_str(), "r"), close);
  char* buffer = nullptr;
  size_t capacity = 0;
  for (ssize_t n; (n = getline(&buffer, &capacity, pipe.get())) > 0;) {
    if (buffer[n - 1] == '\n') --n;
    take(std::string_view(buffer, static_cast<size_t>(n)));
  }
  std::free(buffer);
}

/// A json cell says what another parser says of the text.
void expect_same_leaf(const ShapeSlot& slot, std::string_view cell, const JsonLeaf& leaf) {
  EXPECT_THAT(slot.path, testing::ElementsAreArray(leaf.path));
  switch (slot.kind) {
    case ShapeSlot::Kind::quoted:
      EXPECT_EQ(leaf.kind, 's');
      EXPECT_EQ(shred::decode_json_string(cell), leaf.value);
      break;
    case ShapeSlot::Kind::bare:
      EXPECT_EQ(leaf.kind, 'b');
      EXPECT_EQ(cell == "-0" ? "0" : cell, leaf.value);
      break;
    default: EXPECT_EQ(leaf.kind, 'a');
  }
}

/// Shreds, renders back, and compares json with the other parser.  Returns the form.
LineForm check_line(LineShredder& shredder, std::string_view line, bool with_parser) {
  std::vector<std::string_view> cells = {"before"};
  const uint32_t id = shredder.shred(line, &cells);
  EXPECT_EQ(cells.front(), "before");
  cells.erase(cells.begin());
  if (id == LineShredder::kRawShape) {
    EXPECT_THAT(cells, IsEmpty());
    return LineForm::raw;
  }
  const Shape& shape = shredder.shapes().at(id);
  EXPECT_EQ(render(shape, cells), line);
  if (shape.form != LineForm::json || !with_parser) return shape.form;
  const auto leaves = json_leaves(line);
  EXPECT_TRUE(leaves.has_value()) << line;
  if (!leaves) return shape.form;
  EXPECT_EQ(leaves->size(), cells.size()) << line;
  for (size_t i = 0; i < cells.size() && i < leaves->size(); ++i) {
    expect_same_leaf(shape.slots[i], cells[i], (*leaves)[i]);
  }
  return shape.form;
}

/// "path=cell" for every slot, kind as a prefix when it is not `quoted`.
std::vector<std::string> slots_of(std::string_view line, LineForm form, LineShredderLimits limits = {}) {
  LineShredder shredder(limits);
  std::vector<std::string_view> cells;
  const uint32_t id = shredder.shred(line, &cells);
  EXPECT_EQ(id == LineShredder::kRawShape ? LineForm::raw : shredder.shapes()[id].form, form) << line;
  std::vector<std::string> slots;
  for (size_t i = 0; i < cells.size(); ++i) {
    const ShapeSlot& slot = shredder.shapes()[id].slots[i];
    const std::string_view kind = std::array{"", "#", "[]", "~"}[static_cast<size_t>(slot.kind)];
    slots.push_back(std::string(kind) + joined(slot.path) + "=" + std::string(cells[i]));
  }
  return slots;
}

TEST(LineShredder, CutsJson) {
  const auto f = [](std::string_view line) { return slots_of(line, LineForm::json); };
  EXPECT_THAT(f("{}"), IsEmpty());
  EXPECT_THAT(f(R"(  {"a" : {} , "b":{"c":{}}} )"), IsEmpty());
  EXPECT_THAT(f(R"({"a":"x","b":1.50,"c":true,"d":null,"e":[1,{"f":"]"}]})"),
              ElementsAre("a=x", "#b=1.50", "#c=true", "#d=null", R"([]e=[1,{"f":"]"}])"));
  EXPECT_THAT(f(R"({"a":{"b":{"c":"x"},"d":-0},"e":1E+5})"), ElementsAre("a/b/c=x", "#a/d=-0", "#e=1E+5"));
  EXPECT_THAT(f(R"({"a":"x\"y\\","b":"\u00e9\ud83d\ude00"})"), ElementsAre(R"(a=x\"y\\)", R"(b=\u00e9\ud83d\ude00)"));
  EXPECT_THAT(f(R"({"\u00e9\n\ud83d\ude00\ud83d":"x"})"), ElementsAre("\xC3\xA9\n\xF0\x9F\x98\x80\xEF\xBF\xBD=x"));
  EXPECT_THAT(f("{\"a\":\"\xff\"}"), ElementsAre("a=\xff"));
}

TEST(LineShredder, KeepsFromJsonWhatIsNotStrict) {
  LineShredderLimits only_json;
  only_json.logfmt = only_json.text = false;
  // Each line twice: alone, and after a line that makes its shape known.
  const auto f = [&](std::string_view line, std::string_view like = R"({"a":1})") {
    EXPECT_THAT(slots_of(line, LineForm::raw, only_json), IsEmpty());
    LineShredder shredder(only_json);
    std::vector<std::string_view> cells;
    ASSERT_NE(shredder.shred(like, &cells), LineShredder::kRawShape);
    cells.clear();
    EXPECT_EQ(shredder.shred(line, &cells), LineShredder::kRawShape) << line;
    EXPECT_THAT(cells, IsEmpty());
  };
  for (const char* bare :
       {"01",  "+1",   "1.",    ".5",   "1e",   "1e+", "-",         "--1",          "tru",      "True",
        "nul", "NaN",  "0x1",   "1 2",  "",     "1,",  "1}",        "1}}",          "'x'",      "truefalse",
        "1]",  "[1,]", "[1 2]", "[,1]", "[{]}", "[1",  "[{\"a\"}]", "[{\"a\":1,}]", "[\"\n\"]", "[01]"}) {
    f(std::string("{\"a\":") + bare + "}");
    f(std::string("{\"a\":") + bare + "}", R"({"a":[]})");
  }
  for (const std::string inside : {"x\ny", "\\x", "\\u12g4", "\\u12", "\\", "x\"y", "\x01", "\x1f"}) {
    f("{\"a\":\"" + inside + "\"}", R"({"a":"x"})");
    f("{\"" + inside + "\":1}");
  }
  f(std::string("{\"a\":\"\0\"}", 9), R"({"a":"x"})");
  for (const char* line : {"",
                           " ",
                           "{",
                           "}",
                           "[]",
                           "1",
                           "\"a\"",
                           "{\"a\":1",
                           "{\"a\":1}x",
                           "x{\"a\":1}",
                           "{\"a\":1}{}",
                           "{\"a\":1,}",
                           "{,\"a\":1}",
                           "{\"a\",1}",
                           "{a:1}",
                           "{\"a\":1 \"b\":2}",
                           "{\"a\":{}",
                           "{\"a\":}",
                           "\xEF\xBB\xBF{\"a\":1}",
                           "{\"a\":1}\v"}) {
    f(line);
  }
}

TEST(LineShredder, NumbersRepeatedPaths) {
  LineShredder shredder({});
  std::vector<std::string_view> cells;
  ASSERT_EQ(shredder.shred(R"({"a":1,"a":"x","b.c":1,"b":{"c":2,"c":3}})", &cells), 0u);
  const auto& columns = shredder.columns();
  using Source = ColumnKey::Source;
  EXPECT_THAT(columns, ElementsAre(ColumnKey{Source::json, {"a"}, 0}, ColumnKey{Source::json, {"a"}, 1},
                                   ColumnKey{Source::json, {"b.c"}, 0}, ColumnKey{Source::json, {"b", "c"}, 0},
                                   ColumnKey{Source::json, {"b", "c"}, 1}));
  ASSERT_EQ(shredder.shred(R"({"b":{"c":7}})", &cells), 1u);
  EXPECT_EQ(shredder.shapes()[1].slots[0].column, 3u);
  ASSERT_EQ(shredder.shred("b=1 c=2", &cells), 2u);
  EXPECT_EQ(shredder.columns().size(), 7u);
}

TEST(LineShredder, GivesLinesThatLookAlikeOneShape) {
  const auto f = [](std::vector<std::string> lines, size_t want) {
    LineShredder shredder({});
    for (const std::string& line : lines) check_line(shredder, line, true);
    EXPECT_EQ(shredder.shapes().size(), want) << lines.front();
  };
  f({R"({"a":1})", R"({"a":-2.5})", R"({"a":null})", R"({"a":true})"}, 1);
  f({R"({"a":""})", R"({"a":"x"})", R"({"a":"\n"})"}, 1);
  f({R"({"a":1})", R"({"a":"1"})", R"({"a":[1]})", R"({"a":{}})", R"({"a":1 })", R"({"a": 1})", R"({"b":1})"}, 7);
  f({R"({"a":1,"b":2})", R"({"b":1,"a":2})", R"({"a":1})", R"({"a":5,"b":6})"}, 3);
  f({"a=1 b=2", "a= b=", "a=x/y b=\xff"}, 1);
  f({"a=1 b=2", "a=1 b=\"2\"", "a=1  b=2", "b=1 a=2"}, 4);
  f({"took 5 ms", "took 17 ms", "took 1e9 ms"}, 1);
  f({"took 5 ms", "took 17 s", "took"}, 3);
}

TEST(LineShredder, CutsLogfmt) {
  const auto f = [](std::string_view line) { return slots_of(line, LineForm::logfmt); };
  EXPECT_THAT(f("a=1 b=x"), ElementsAre("~a=1", "~b=x"));
  EXPECT_THAT(f(R"( level=info msg="a \"b\" c" empty= q="" done)"),
              ElementsAre("~level=info", R"(msg=a \"b\" c)", "~empty=", "q="));
  EXPECT_THAT(f("h\xC3\xA9=\xff b=2"), ElementsAre("~h\xC3\xA9=\xff", "~b=2"));
  const auto g = [](std::string_view line) {
    LineShredder shredder({});
    EXPECT_NE(check_line(shredder, line, true), LineForm::logfmt) << line;
    check_line(shredder, "a=1 b=2", true);
    check_line(shredder, "a=\"1\" b=2", true);
    EXPECT_NE(check_line(shredder, line, true), LineForm::logfmt) << line;
  };
  for (const char* line : {"a=1", "a=1 b", "x y z a=1 b=2", "a=1 b=2=3", "a=1 b=2\"", "a=\"1\"b=2", "a=\"1 b=2",
                           "=1 b=2", "a=\"1\\x\" b=2", "a=\"1\n\" b=2", "2026 a=1 b=2", "\xff=1 b=2", "a\"=1 b=2"}) {
    g(line);
  }
}

TEST(LineShredder, CutsText) {
  const auto f = [](std::string_view line) { return slots_of(line, LineForm::text); };
  EXPECT_THAT(f("session closed"), IsEmpty());
  EXPECT_THAT(f(""), IsEmpty());
  EXPECT_THAT(f("GET /a/b took 15ms (id=xyz)"), ElementsAre("~GET =/a/b", "~took =15ms", "~id==xyz"));
  EXPECT_THAT(f("2026-11-21T01:09:13.000Z up 10.0.0.1:5432 0:5"),
              ElementsAre("~=2026-11-21T01:09:13.000Z", "~up =10.0.0.1", "~:=5432", "~ =0", "~:=5"));
  EXPECT_THAT(f(R"(user "bob \"x\"" at "" "a"b1)"), ElementsAre(R"(~user "=bob \"x\")", R"(~a"=b1)"));
}

TEST(LineShredder, HoldsItsLimits) {
  const auto f = [](std::string_view line, const std::function<void(LineShredderLimits&)>& set) {
    LineShredderLimits limits;
    set(limits);
    LineShredder shredder(limits);
    EXPECT_EQ(check_line(shredder, line, true), LineForm::raw) << line;
    EXPECT_THAT(shredder.shapes(), IsEmpty());
    EXPECT_THAT(shredder.columns(), IsEmpty());
    LineShredder free({});
    EXPECT_NE(check_line(free, line, true), LineForm::raw) << line;
  };
  const std::string_view json = R"({"a":1,"b":{"c":[[2]]}})";
  f(json, [](auto& l) { l.max_shapes = 0; });
  f(json, [](auto& l) { l.max_columns = 1; });
  f(json, [](auto& l) { l.max_slots_per_line = 1; });
  f(json, [](auto& l) { l.max_depth = 1; });
  f(json, [](auto& l) { l.max_depth = 3, l.text = false; });
  f(json, [](auto& l) { l.max_shape_bytes = 600; });
  f("a=1 b=2", [](auto& l) { l.max_slots_per_line = 1; });
  f("a 1 b 2", [](auto& l) { l.max_text_slots = 1; });
  f("a 1 b 2", [](auto& l) { l.text = false; });
}

TEST(LineShredder, StopsMakingTemplatesOfProse) {
  LineShredder shredder({});
  for (int i = 0; i < 2000; ++i) {
    std::string word;
    for (int n = i; n > 0; n /= 26) word.push_back(static_cast<char>('a' + n % 26));
    check_line(shredder, "said " + word + " and left", true);
  }
  EXPECT_LT(shredder.shapes().size(), 600u);
}

TEST(LineShredder, ForgetsOnReset) {
  LineShredder shredder({});
  std::vector<std::string_view> cells;
  EXPECT_EQ(shredder.shred(R"({"a":1})", &cells), 0u);
  EXPECT_EQ(shredder.shred(R"({"b":1})", &cells), 1u);
  shredder.reset();
  EXPECT_THAT(shredder.columns(), IsEmpty());
  EXPECT_EQ(shredder.shred(R"({"b":1})", &cells), 0u);
  EXPECT_EQ(shredder.shapes().size(), 1u);
}

TEST(LineShredder, RendersRealLinesBack) {
  const auto f = [](const std::string& command, LineForm want, double want_share, size_t parsed) {
    LineShredder shredder({});
    size_t lines = 0;
    size_t hits = 0;
    each_line(command, [&](std::string_view line) {
      hits += check_line(shredder, line, lines < parsed) == want ? 1 : 0;
      ++lines;
    });
    if (lines == 0) GTEST_SKIP() << "no lines from: " << command;
    EXPECT_GE(static_cast<double>(hits), want_share * static_cast<double>(lines)) << command;
  };
  const std::string data = kData;
  f("cat " + data + "loghub/*_2k.log", LineForm::text, 0.9, 0);
  f("zcat " + data + "nginx-access.log.gz | head -20000", LineForm::text, 0.99, 0);
  f("zcat " + data + "nginxplus-nested.json.gz", LineForm::json, 1, 100);
  f("unzip -p " + data + "windows/sharpdump.json.zip | head -4000", LineForm::json, 1, 500);
}

TEST(LineShredder, RendersTheConformanceLinesBack) {
  std::ifstream file("../shared/conformance/dataset.jsonl");
  if (!file) GTEST_SKIP() << "no ../shared/conformance/dataset.jsonl";
  LineShredder shredder({});
  size_t lines = 0;
  for (std::string text; std::getline(file, text);) {
    const auto request = nlohmann::json::parse(text);
    if (!request["body"].is_object() || !request["body"].contains("streams")) continue;
    for (const auto& stream : request["body"]["streams"]) {
      for (const auto& value : stream["values"]) {
        check_line(shredder, value[1].get<std::string>(), true);
        ++lines;
      }
    }
  }
  EXPECT_GT(lines, 1000u);
}

TEST(LineShredder, RendersMutatedLinesBack) {
  const std::vector<std::string> seeds = {
      R"({"ts":"2026-11-21T01:09:13Z","level":"info","http":{"status":200,"r":[1,"x",{"y":null}]},"d":36.37,"e":""})",
      R"( {"a" : true , "a":-1e5,"\u00e9":{},"b":{"c":{"d":"\\\"\n"}}} )",
      R"(level=info msg="a \"quoted\" word" trace=4bf92f3577b34da6 status=200 done)",
      R"(2026-11-21T01:09:13 warn [main] user "bob" took 15ms (id=x) /a/b c:\d 10.0.0.1:80)"};
  const std::string_view bytes = "{}[]\":,\\ =\n\tax01-.eE+tfnu/\x7f";
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    LineShredder shredder({});
    for (int i = 0; i < 100; ++i) {
      std::string line = seeds[random() % seeds.size()];
      for (uint32_t edits = random() % 4; edits > 0; --edits) {
        const size_t at = random() % line.size();
        const char byte = bytes[random() % bytes.size()];
        switch (random() % 3) {
          case 0: line[at] = byte; break;
          case 1: line.insert(at, 1, byte); break;
          default: line.erase(at, 1 + random() % 3);
        }
        if (line.empty()) line = " ";
      }
      const bool is_object = json_leaves(line).has_value();
      EXPECT_EQ(check_line(shredder, line, true) == LineForm::json, is_object) << line;
    }
  }
}

}  // namespace
}  // namespace cordwood
