// SPDX-License-Identifier: Apache-2.0
#include <optional>

#include "ingest/push_json.h"
#include "ingest/push_streams.h"
#include "ingest/unix_time.h"

namespace cordwood::ingest {

namespace {

class JsonPushV0 {
 public:
  JsonPushV0(std::string_view body, RowBuilder* rows) : body_(body), rows_(rows) {}

  Result<void> decode() {
    return for_each_pushed_stream(body_, [this](JsonReader* in) { return stream(in); });
  }

 private:
  Result<void> stream(JsonReader* in) {
    in->enter_object();
    std::string_view labels;
    std::optional<size_t> entries;
    RawString key;
    while (in->next_key(&key)) {
      if (key.text == "labels") {
        TRY_ASSIGN(labels, text(in));
      } else {
        if (key.text == "entries" && in->peek() != JsonKind::null) entries = in->position();
        in->skip_value();
      }
    }
    if (in->failed()) return in->error();
    TRY(rows_->begin_stream(labels));
    if (!entries) return {};
    JsonReader again(body_, *entries);
    again.enter_array();
    while (again.next_element()) TRY(entry(&again));
    if (again.failed()) return again.error();
    return {};
  }

  Result<void> entry(JsonReader* in) {
    in->enter_object();
    std::optional<int64_t> time_ns;
    std::string_view line;
    RawString key;
    while (in->next_key(&key)) {
      if (key.text == "ts" || key.text == "timestamp") {
        TRY_ASSIGN(const std::string_view ts, text(in));
        TRY_ASSIGN(time_ns, parse_rfc3339_ns(ts));
      } else if (key.text == "line") {
        TRY_ASSIGN(line, text(in));
      } else {
        in->skip_value();
      }
    }
    if (in->failed()) return in->error();
    if (!time_ns) return Error::invalid("an entry has no \"ts\"");
    return rows_->add(*time_ns, line, {});
  }

  Result<std::string_view> text(JsonReader* in) {
    RawString raw;
    std::string_view out;
    if (!in->read_string(&raw)) return in->error();
    if (!unescape_json(raw, rows_->arena(), &out)) return Error::invalid("invalid escape sequence in a string");
    return out;
  }

  std::string_view body_;
  RowBuilder* rows_;
};

}  // namespace

Result<void> decode_push_json_v0(std::string_view body, RowBuilder* rows) {
  return JsonPushV0(body, rows).decode();
}

}  // namespace cordwood::ingest
