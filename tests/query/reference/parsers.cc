// SPDX-License-Identifier: Apache-2.0
#include "tests/query/reference/parsers.h"

#include <nlohmann/json.hpp>

namespace cordwood::query::reference {

namespace {

using Json = nlohmann::json;

/// One `_` for each rune that may not stand in a name.
std::string sanitised(std::string key, bool first) {
  while (!key.empty() && key.back() == ' ') key.pop_back();
  while (!key.empty() && key.front() == ' ') key.erase(0, 1);
  std::string out;
  for (const char c : key) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0U) == 0x80) continue;
    if (out.empty() && first && std::isdigit(byte) != 0) out += '_';
    out += byte < 0x80 && (std::isalnum(byte) != 0 || c == '_') ? c : '_';
  }
  return out;
}

class FieldReader final : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return true; }
  bool boolean(bool value) override { return add(value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override { return add(std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return add(std::to_string(value)); }
  bool number_float(number_float_t, const string_t& text) override { return add(text); }
  bool string(string_t& value) override { return add(value); }
  bool binary(binary_t&) override { return false; }
  bool start_object(size_t) override {
    path_.push_back(key_);
    return true;
  }
  bool key(string_t& name) override {
    key_ = name;
    return true;
  }
  bool end_object() override {
    path_.pop_back();
    return true;
  }
  bool start_array(size_t) override {
    ++arrays_;
    return true;
  }
  bool end_array() override {
    --arrays_;
    return true;
  }
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

  Fields fields;

 private:
  bool add(const std::string& value) {
    if (arrays_ > 0) return true;
    std::string name;
    for (size_t i = 1; i <= path_.size(); ++i) {
      const std::string part = sanitised(i < path_.size() ? path_[i] : key_, name.empty());
      if (!name.empty() && !part.empty()) name += '_';
      name += part;
    }
    if (!name.empty()) fields.pairs.emplace_back(name, value);
    return true;
  }
  std::vector<std::string> path_;
  std::string key_;
  int arrays_ = 0;
};

}  // namespace

Fields json_fields(const std::string& line) {
  FieldReader reader;
  // Whatever follows the object does not count.
  reader.fields.valid =
      !line.empty() && line[0] == '{' && Json::sax_parse(line, &reader, Json::input_format_t::json, false);
  return reader.fields;
}

Fields logfmt_fields(const std::string& line, bool keep_empty) {
  Fields out;
  for (size_t at = 0; at < line.size();) {
    if (line[at] == ' ') {
      ++at;
      continue;
    }
    const size_t key_end = std::min(line.find_first_of(" =", at), line.size());
    const std::string key = line.substr(at, key_end - at);
    std::string value;
    at = key_end;
    if (key.find('"') != std::string::npos) continue;  // malformed up to the next space
    if (at < line.size() && line[at] == '=') {
      ++at;
      if (at < line.size() && line[at] == '"') {
        for (++at; at < line.size() && line[at] != '"'; ++at) {
          if (line[at] == '\\') ++at;
          value += line[at];
        }
        ++at;
      } else {
        const size_t end = std::min(line.find(' ', at), line.size());
        value = line.substr(at, end - at);
        at = end;
      }
    }
    if (!value.empty() || keep_empty) out.pairs.emplace_back(sanitised(key, true), value);
  }
  return out;
}

}  // namespace cordwood::query::reference
