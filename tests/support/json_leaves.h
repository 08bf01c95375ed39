// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cordwood {

/// A scalar of a json object, or a whole array, as a parser that has nothing to do with ours reads it.
struct JsonLeaf {
  std::vector<std::string> path;
  char kind = 'b';    ///< s string, b number or literal, a array
  std::string value;  ///< strings decoded, floats as they stand, integers in their shortest form, arrays empty
};

/// Leaves in the order of the text; nothing when the text is not one strict json object of valid UTF-8.
inline std::optional<std::vector<JsonLeaf>> json_leaves(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return std::nullopt;  // nlohmann takes it for the end
  struct Collector : nlohmann::json_sax<nlohmann::json> {
    std::vector<JsonLeaf> leaves;
    std::vector<std::string> path;
    size_t arrays = 0;
    bool root_is_object = false;
    bool add(char kind, std::string value) {
      if (arrays == 0) leaves.push_back({path, kind, std::move(value)});
      return true;
    }
    bool null() override { return add('b', "null"); }
    bool boolean(bool v) override { return add('b', v ? "true" : "false"); }
    bool number_integer(int64_t v) override { return add('b', std::to_string(v)); }
    bool number_unsigned(uint64_t v) override { return add('b', std::to_string(v)); }
    bool number_float(double, const std::string& s) override { return add('b', s); }
    bool string(std::string& v) override { return add('s', v); }
    bool binary(binary_t&) override { return false; }
    bool start_object(size_t) override {
      root_is_object = root_is_object || (path.empty() && arrays == 0);
      if (arrays == 0) path.emplace_back();
      return true;
    }
    bool key(std::string& k) override {
      if (arrays == 0) path.back() = k;
      return true;
    }
    bool end_object() override {
      if (arrays == 0) path.pop_back();
      return true;
    }
    bool start_array(size_t) override {
      if (arrays == 0) add('a', "");
      ++arrays;
      return true;
    }
    bool end_array() override {
      --arrays;
      return true;
    }
    bool parse_error(size_t, const std::string&, const nlohmann::json::exception&) override { return false; }
  } collector;
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &collector) || !collector.root_is_object)
    return std::nullopt;
  return std::move(collector.leaves);
}

}  // namespace cordwood
