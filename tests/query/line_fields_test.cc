// SPDX-License-Identifier: Apache-2.0
#include "query/line_fields.h"

#include <gtest/gtest.h>

namespace cordwood::query {
namespace {

std::string fields_text(const LineFields& line) {
  std::string out(line.parser());
  for (const LineFields::Field& field : line.fields()) {
    out += " " + field.name + "=<" + field.value + ">";
    for (const std::string& key : field.json_path) out += "/" + key;
  }
  return out;
}

TEST(LineFields, JsonFirstThenLogfmt) {
  LineFields fields;
  const LabelPairs stream = {{"app", "x"}, {"level", "info"}};
  const auto f = [&](std::string_view line, std::string_view want) {
    fields.read(line, stream);
    EXPECT_EQ(fields_text(fields), want) << line;
  };
  f(R"({"a":1,"b":{"c":"x","d e":{"f":true}},"z":null,"l":[1]})", "json a=<1>/a b_c=<x>/b/c b_d_e_f=<true>/b/d e/f");
  f(R"({"a":1,"a":2,"app":"inner","es":""})", "json a=<1>/a app_extracted=<inner>/app es=<>/es");
  f(R"({"a_b":1,"a":{"b":2}})", "json a_b=<1>/a_b");
  f(R"({"a":1,"b":)", "logfmt");  // what a line said before it broke does not count
  f("level=warn a=1 a=2 bare empty= q=\"two words\"", "logfmt level_extracted=<warn> a=<1> q=<two words>");
  f("plain words", "logfmt");
  f("a=1 bad=\"unterminated", "logfmt a=<1>");
  f("", "logfmt");
  EXPECT_EQ(fields.find("a"), nullptr);
}

TEST(LineFields, PathsAreOfDecodedKeys) {
  LineFields fields;
  fields.read(R"({"o\"uter":{"in\tner":{"a\\b":1},"x":{"y":2}},"\u00e9":3})", {});
  EXPECT_EQ(fields_text(fields),
            "json o_uter_in_ner_a_b=<1>/o\"uter/in\tner/a\\b o_uter_x_y=<2>/o\"uter/x/y _=<3>/\u00e9");
}

}  // namespace
}  // namespace cordwood::query
