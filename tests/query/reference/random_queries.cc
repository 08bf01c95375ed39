// SPDX-License-Identifier: Apache-2.0
#include "tests/query/reference/random_queries.h"

namespace cordwood::query::reference {

namespace {

constexpr const char* kLabels[] = {"status",
                                   "code",
                                   "took",
                                   "lvl",
                                   "k",
                                   "app",
                                   "who",
                                   "size",
                                   "x_y",
                                   "_0d",
                                   "env",
                                   "k_extracted",
                                   "app_extracted",
                                   "status_extracted",
                                   "n_status",
                                   "detected_level",
                                   "code_a_0b",
                                   "who_extracted",
                                   "id"};
constexpr const char* kValues[] = {"200", "404", "503", "500",  "error", "info", "GET", "POST",      "true",
                                   "x",   "",    "a",   "prod", "only",  "1.5",  "up",  "two words", "prealpha"};
constexpr const char* kExpressions[] = {"GET|POST",   "POST|PUT", "5..", "al.*", ".*",      ".+",      "[a-z]+",
                                        "error|info", "4.4",      "",    "p.*",  "(?i)get", "-?[0-9]+"};
constexpr const char* kTexts[] = {"status", "error", "200", "5",         "took",     "\\\"",    "GET",     "",   "e",
                                  "only",   "{",     " ",   "code\\\":", "\xc3\xa9", "status=", "nowhere", "pre"};
constexpr const char* kLineExpressions[] = {
    "status.*5",  "5[0-9]+",       "(?i)GET", "^\\\\{",   "\\\\}$",       ".*",          "",
    "took|error", "[a-z]+=\\\"?x", ".+",      "POST|PUT", "\\\\bms\\\\b", "code.{1,4}50"};

std::string quoted(const std::string& text) {
  return "\"" + text + "\"";
}

std::string selector(Random& random) {
  return random.of({R"({app=~".+"})", R"({app=~".+"})", R"({app="a"})", R"({service_name="s1"})", R"({app=~"c|d"})",
                    R"({env="prod",app!="b"})", R"({service_name=~"s.", env=""})", R"({env!~"p.*", app=~"[abc]"})"});
}

std::string line_filter(Random& random) {
  const bool regex = random.one_in(2);
  std::string out = regex ? random.of({" |~ ", " !~ "}) : random.of({" |= ", " |= ", " != "});
  out += quoted(regex ? random.of(kLineExpressions) : random.of(kTexts));
  while (random.one_in(4)) out += " or " + quoted(regex ? random.of(kLineExpressions) : random.of(kTexts));
  return out;
}

std::string simple_filter(Random& random) {
  const std::string label = random.one_in(12) ? "__error__" : random.of(kLabels);
  switch (random.below(8)) {
    case 6: return "took" + random.of({" > ", " <= ", " == "}) + random.of({"1s", "20ms", "2m30s", "1.5s", "0.5h"});
    case 7:
      return random.of({"size", "took", "code"}) + random.of({" > ", " <= ", " != "}) +
             random.of({"5KB", "10B", "1MiB"});
    case 0:
    case 1: return label + random.of({"=", "!="}) + quoted(random.of(kValues));
    case 2: return label + random.of({"=~", "!~"}) + quoted(random.of(kExpressions));
    default:
      if (label == "__error__") return "__error__=\"\"";
      return label + random.of({" > ", " >= ", " < ", " <= ", " == ", " != ", " = "}) +
             random.of({"200", "404", "500", "0", "1.5", "-7", "300", "1000"});
  }
}

std::string label_filter(Random& random) {
  std::string out = simple_filter(random);
  while (random.one_in(3)) {
    const std::string right =
        random.one_in(4) ? "(" + simple_filter(random) + random.of({" or ", " and "}) + simple_filter(random) + ")"
                         : simple_filter(random);
    out += random.of({" or ", " and ", ", "}) + right;
  }
  return out;
}

std::string named_labels(Random& random) {
  std::string out;
  for (size_t i = 1 + random.below(3); i > 0; --i) {
    if (!out.empty()) out += ", ";
    out += random.one_in(15) ? "__error__" : random.of(kLabels);
    if (random.one_in(4))
      out += random.one_in(2) ? random.of({"=", "!="}) + quoted(random.of(kValues))
                              : random.of({"=~", "!~"}) + quoted(random.of(kExpressions));
  }
  return out;
}

std::string stage(Random& random) {
  switch (random.below(12)) {
    case 0:
    case 1:
    case 2: return " | json";
    case 3:
    case 4: return random.one_in(6) ? " | logfmt --keep-empty" : " | logfmt";
    case 5: return " | drop " + named_labels(random);
    case 6: return " | keep " + named_labels(random);
    case 7:
    case 8: return line_filter(random);
    default: return " | " + label_filter(random);
  }
}

}  // namespace

std::string random_label_filter(Random& random) {
  return label_filter(random);
}

std::string random_pipeline(Random& random, size_t stages, Errors errors) {
  std::string query = selector(random);
  if (errors == Errors::unlikely) query += R"( |~ "^\\{")";
  if (random.one_in(3)) query += line_filter(random);
  bool after_list = false;
  for (size_t i = random.below(stages); i > 0; --i) {
    const std::string next = stage(random);
    // `drop a != "x"`: the operator belongs to the list.
    if (after_list && next.starts_with(" !")) continue;
    after_list = next.starts_with(" | drop") || next.starts_with(" | keep");
    query += next;
  }
  return errors == Errors::refused ? query + " | __error__=\"\"" : query;
}

std::string random_log_query(Random& random) {
  return random_pipeline(random, 5, Errors::allowed);
}

}  // namespace cordwood::query::reference
