// SPDX-License-Identifier: Apache-2.0
#include "ingest/level_detector.h"

#include <gtest/gtest.h>

#include "ingest/push.h"

namespace cordwood::ingest {
namespace {

const LevelDetector& detector() {
  static const LevelDetector instance(default_ingest_limits().log_level_fields, 2);
  return instance;
}

TEST(LevelDetector, LineByJson) {
  const auto f = [](std::string_view line, std::string_view want) {
    EXPECT_EQ(detector().of_line(line), want) << line;
  };
  f(R"({"level":"info"})", "info");
  f(R"(  {"a":1,"LEVEL":"err"} )", "error");
  f(R"({"level":30,"severity":"WARNING"})", "warn");
  f(R"({"log":{"level":"debug"}})", "debug");
  f(R"({"a":{"b":{"level":"dbg"}}})", "unknown");
  f(R"({"lEVEL":"dbg"})", "unknown");
  f(R"({"level":"zzz","severity":"inf"})", "unknown");
  f(R"({"level":"zzz","x":"error"})", "error");
  f(R"({"msg":"an error"})", "error");
  f(R"({"msg":"an errors"})", "unknown");
  f(R"({"a":[{"level":"debug"}],"lvl":"trc"})", "trace");
  f(R"({"\u006cevel":"dbg"})", "debug");
  f(R"({"a":"x\"y","level":"fatal"})", "fatal");
  f(R"({"a":tru,"level":"inf"})", "unknown");
  f(R"({"a":true,"level":"fatal",})", "fatal");
  f(R"({"a":{"level":"inf","b":{})", "unknown");
  f(R"({"a":{"level":"fatal"},"b":{})", "fatal");
  f(R"({"level":"Information")", "unknown");
  f(R"({"log.level":"critical"})", "critical");
  f("{}", "unknown");
  f("{", "unknown");
  f("", "unknown");
}

TEST(LevelDetector, LineByLogfmt) {
  const auto f = [](std::string_view line, std::string_view want) {
    EXPECT_EQ(detector().of_line(line), want) << line;
  };
  f("level=INFO a", "info");
  f("ts=1 lvl=warn b", "warn");
  f("LvL=warn b", "warn");
  f("severity=error level=debug", "debug");
  f("level=\"info\" q", "info");
  f("msg=\"x y\" level=debug", "debug");
  f("msg=\"x \\\" y\" level=debug", "debug");
  f("url=/a?b=c level=dbg", "unknown");
  f("a\"b=1 level=dbg", "unknown");
  f("=x level=dbg", "unknown");
  f("level= error", "error");
  f("level=what error=1", "error");
  f("msg=\"no end level=dbg", "unknown");
}

TEST(LevelDetector, LineByWord) {
  const auto f = [](std::string_view line, std::string_view want) {
    EXPECT_EQ(detector().of_line(line), want) << line;
  };
  f("WARNING: y", "warn");
  f("Error in module", "error");
  f("critical: disk", "critical");
  f("DEBUG x", "debug");
  f("E something", "unknown");
  f("no lvl here", "unknown");
  f("an error, then info", "error");
  f("x,error", "unknown");
  f("x:error", "unknown");
  f("[info]", "info");
  f("[notice] err", "error");
  f("terror and info", "info");
  f("a|fatal|b", "fatal");
  f("trace", "trace");
  f("info.x warned warn", "warn");
}

TEST(LevelDetector, WordsAnywhereInLongLines) {
  constexpr std::string_view kWords[][2] = {{"trace", "trace"}, {"DEBUG", "debug"},       {"Fatal", "fatal"},
                                            {"err", "error"},   {"critical", "critical"}, {"ERROR", "error"},
                                            {"warn", "warn"},   {"warning", "warn"},      {"info", "info"}};
  for (const auto& [word, level] : kWords) {
    for (size_t before = 0; before < 40; ++before) {
      for (const size_t after : {0u, 1u, 17u, 40u}) {
        const std::string left = before == 0 ? "" : std::string(before - 1, 'x') + " ";
        const std::string right = after == 0 ? "" : ":" + std::string(after - 1, 'y');
        EXPECT_EQ(find_level_word(left + std::string(word) + right), level) << before << " " << after;
        EXPECT_EQ(find_level_word(left + "x" + std::string(word) + right), "") << before << " " << after;
        EXPECT_EQ(find_level_word(left + std::string(word) + "x" + right), "") << before << " " << after;
      }
    }
  }
}

TEST(LevelDetector, Metadata) {
  const auto f = [](std::vector<MetadataPair> metadata, std::string_view want) {
    EXPECT_EQ(detector().of_entry(metadata, "level=debug"), want);
  };
  f({{"a", "b"}}, "debug");
  f({{"level", "ERR"}}, "error");
  f({{"level", "strange"}}, "strange");
  f({{"severity_text", "WARN"}, {"severity_number", "9"}}, "warn");
  f({{"severity_text", "x"}, {"level", "INFO"}}, "info");
  f({{"severity_number", "9"}}, "info");
  f({{"severity_number", "24"}}, "fatal");
  f({{"severity_number", "25"}}, "unknown");
  f({{"severity_number", "0"}}, "unknown");
  f({{"severity_number", "x"}}, "info");
}

TEST(LevelDetector, Labels) {
  const auto f = [](std::vector<Labels::Pair> pairs, std::string_view want) {
    const Labels labels = Labels::from_pairs(std::move(pairs));
    EXPECT_EQ(detector().of_labels(labels), want);
  };
  f({{"app", "x"}}, "");
  f({{"level", "Warning"}}, "warn");
  f({{"level", "mixed"}}, "mixed");
  f({{"severity", "info"}, {"level", "error"}}, "error");
  f({{"LeVel", "error"}}, "");
}

}  // namespace
}  // namespace cordwood::ingest
