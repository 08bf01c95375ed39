// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <optional>

#include "ingest/json_reader.h"
#include "ingest/otlp_rows.h"
#include "ingest/push_otlp.h"

namespace cordwood::ingest {

namespace {

/// Value of a base64 digit of either alphabet, or -1.
int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  if (c == '/' || c == '_') return 63;
  return -1;
}

class OtlpJson {
 public:
  OtlpJson(std::string_view body, RowBuilder* rows) : body_(body), rows_(rows) {}

  Result<void> decode() {
    JsonReader in(body_);
    in.enter_object();
    RawString key;
    while (in.next_key(&key)) {
      if (!is(key, "resourceLogs", "resource_logs") || in.peek() == JsonKind::null) {
        in.skip_value();
        continue;
      }
      in.enter_array();
      while (in.next_element()) TRY(resource_logs(&in));
    }
    return state(in);
  }

 private:
  using List = Result<void> (OtlpJson::*)(JsonReader*);

  static Result<void> state(const JsonReader& in) {
    if (in.failed()) return in.error();
    return {};
  }
  static bool is(const RawString& key, std::string_view camel, std::string_view snake) {
    return key.text == camel || key.text == snake;
  }

  /// Calls `item` for every element of the array at the reader.
  Result<void> each(JsonReader* in, List item) {
    in->enter_array();
    while (in->next_element()) TRY((this->*item)(in));
    return state(*in);
  }

  Result<void> resource_logs(JsonReader* in) {
    in->enter_object();
    std::optional<size_t> scopes_before;
    bool has_resource = false;
    RawString key;
    while (in->next_key(&key)) {
      if (key.text == "resource" && !has_resource && in->peek() == JsonKind::object) {
        TRY(resource(in));
        has_resource = true;
      } else if (is(key, "scopeLogs", "scope_logs") && in->peek() == JsonKind::array) {
        if (has_resource) {
          TRY(each(in, &OtlpJson::scope_logs));
        } else {
          scopes_before = in->position();
          in->skip_value();
        }
      } else {
        in->skip_value();
      }
    }
    TRY(state(*in));
    if (!has_resource) TRY(rows_.begin_resource({}));
    if (!scopes_before) return {};
    JsonReader again(body_, *scopes_before);
    return each(&again, &OtlpJson::scope_logs);
  }

  Result<void> resource(JsonReader* in) {
    std::vector<OtlpAttribute> attributes;
    in->enter_object();
    RawString key;
    while (in->next_key(&key)) {
      if (key.text == "attributes") {
        TRY(read_attributes(in, 1, &attributes));
      } else {
        in->skip_value();
      }
    }
    TRY(state(*in));
    return rows_.begin_resource(attributes);
  }

  Result<void> scope_logs(JsonReader* in) {
    in->enter_object();
    std::optional<size_t> records_before;
    bool has_scope = false;
    RawString key;
    while (in->next_key(&key)) {
      if (key.text == "scope" && !has_scope && in->peek() == JsonKind::object) {
        TRY(scope(in));
        has_scope = true;
      } else if (is(key, "logRecords", "log_records") && in->peek() == JsonKind::array) {
        if (has_scope) {
          TRY(each(in, &OtlpJson::record));
        } else {
          records_before = in->position();
          in->skip_value();
        }
      } else {
        in->skip_value();
      }
    }
    TRY(state(*in));
    if (!has_scope) TRY(rows_.begin_scope({}));
    if (!records_before) return {};
    JsonReader again(body_, *records_before);
    return each(&again, &OtlpJson::record);
  }

  Result<void> scope(JsonReader* in) {
    OtlpScope scope;
    in->enter_object();
    RawString key;
    while (in->next_key(&key)) {
      if (key.text == "name") {
        TRY_ASSIGN(scope.name, text(in));
      } else if (key.text == "version") {
        TRY_ASSIGN(scope.version, text(in));
      } else if (key.text == "attributes") {
        TRY(read_attributes(in, 1, &scope.attributes));
      } else if (is(key, "droppedAttributesCount", "dropped_attributes_count")) {
        TRY_ASSIGN(scope.dropped_attributes_count, number<uint64_t>(in));
      } else {
        in->skip_value();
      }
    }
    TRY(state(*in));
    return rows_.begin_scope(scope);
  }

  Result<void> record(JsonReader* in) {
    OtlpRecord record;
    in->enter_object();
    RawString key;
    while (in->next_key(&key)) TRY(record_field(key, in, &record));
    TRY(state(*in));
    return rows_.add(record);
  }

  Result<void> record_field(const RawString& key, JsonReader* in, OtlpRecord* record) {
    if (in->peek() == JsonKind::null) {
      in->skip_value();
    } else if (is(key, "timeUnixNano", "time_unix_nano")) {
      TRY_ASSIGN(record->time_unix_nano, number<uint64_t>(in));
    } else if (is(key, "observedTimeUnixNano", "observed_time_unix_nano")) {
      TRY_ASSIGN(record->observed_time_unix_nano, number<uint64_t>(in));
    } else if (is(key, "severityNumber", "severity_number")) {
      TRY_ASSIGN(record->severity_number, number<int64_t>(in));
    } else if (is(key, "severityText", "severity_text")) {
      TRY_ASSIGN(record->severity_text, text(in));
    } else if (key.text == "body") {
      TRY_ASSIGN(record->body, read_value(in, 1));
    } else if (key.text == "attributes") {
      TRY(read_attributes(in, 1, &record->attributes));
    } else if (is(key, "droppedAttributesCount", "dropped_attributes_count")) {
      TRY_ASSIGN(record->dropped_attributes_count, number<uint64_t>(in));
    } else if (key.text == "flags") {
      TRY_ASSIGN(record->flags, number<uint64_t>(in));
    } else if (is(key, "traceId", "trace_id")) {
      TRY_ASSIGN(record->trace_id, id(in, 32));
    } else if (is(key, "spanId", "span_id")) {
      TRY_ASSIGN(record->span_id, id(in, 16));
    } else if (is(key, "eventName", "event_name")) {
      TRY_ASSIGN(record->event_name, text(in));
    } else {
      in->skip_value();
    }
    return {};
  }

  Result<void> read_attributes(JsonReader* in, int depth, std::vector<OtlpAttribute>* out) {
    if (in->peek() == JsonKind::null) {
      in->skip_value();
      return {};
    }
    in->enter_array();
    while (in->next_element()) {
      if (out->size() == RowBuilder::kMaxPairs) return RowBuilder::too_many_pairs();
      OtlpAttribute attribute;
      in->enter_object();
      RawString key;
      while (in->next_key(&key)) {
        if (key.text == "key") {
          TRY_ASSIGN(attribute.key, text(in));
        } else if (key.text == "value") {
          TRY_ASSIGN(attribute.value, read_value(in, depth));
        } else {
          in->skip_value();
        }
      }
      TRY(state(*in));
      out->push_back(std::move(attribute));
    }
    return state(*in);
  }

  Result<OtlpValue> read_value(JsonReader* in, int depth) {
    if (depth > OtlpValue::kMaxDepth) {
      return Error::invalid(fmt::format("an attribute is nested deeper than {} levels", OtlpValue::kMaxDepth));
    }
    OtlpValue value;
    if (in->peek() == JsonKind::null) {
      in->skip_value();
      return value;
    }
    in->enter_object();
    RawString key;
    while (in->next_key(&key)) {
      if (is(key, "stringValue", "string_value")) {
        value.kind = OtlpValue::Kind::text;
        TRY_ASSIGN(value.text, text(in));
      } else if (is(key, "intValue", "int_value")) {
        value.kind = OtlpValue::Kind::integer;
        TRY_ASSIGN(value.integer, number<int64_t>(in));
      } else if (is(key, "doubleValue", "double_value")) {
        value.kind = OtlpValue::Kind::real;
        TRY_ASSIGN(value.real, number<double>(in));
      } else if (is(key, "boolValue", "bool_value") && in->peek() == JsonKind::boolean) {
        std::string_view raw;
        in->skip_value(&raw);
        value.kind = OtlpValue::Kind::boolean;
        value.boolean = raw == "true";
      } else if (is(key, "bytesValue", "bytes_value")) {
        value.kind = OtlpValue::Kind::bytes;
        TRY_ASSIGN(value.text, base64(in));
      } else if (is(key, "arrayValue", "array_value") || is(key, "kvlistValue", "kvlist_value")) {
        value.kind = key.text[0] == 'a' ? OtlpValue::Kind::array : OtlpValue::Kind::map;
        TRY(read_list(in, depth, &value));
      } else {
        in->skip_value();
      }
    }
    TRY(state(*in));
    return value;
  }

  /// `{"values":[…]}` of an array or a map.
  Result<void> read_list(JsonReader* in, int depth, OtlpValue* value) {
    in->enter_object();
    RawString key;
    while (in->next_key(&key)) {
      if (key.text != "values") {
        in->skip_value();
      } else if (value->kind == OtlpValue::Kind::map) {
        TRY(read_attributes(in, depth + 1, &value->members));
      } else {
        in->enter_array();
        while (in->next_element()) {
          if (value->items.size() == RowBuilder::kMaxPairs) return RowBuilder::too_many_pairs();
          TRY_ASSIGN(OtlpValue item, read_value(in, depth + 1));
          value->items.push_back(std::move(item));
        }
      }
    }
    return state(*in);
  }

  Result<std::string_view> text(JsonReader* in) {
    RawString raw;
    std::string_view out;
    if (!in->read_string(&raw)) return in->error();
    if (!unescape_json(raw, rows_.arena(), &out)) return Error::invalid("invalid escape sequence in a string");
    return out;
  }

  /// A number, or a string that holds one.
  template <typename T>
  Result<T> number(JsonReader* in) {
    std::string_view raw;
    if (in->peek() == JsonKind::string) {
      TRY_ASSIGN(raw, text(in));
    } else if (!in->skip_value(&raw)) {
      return in->error();
    }
    T value{};
    const auto [end, error] = std::from_chars(raw.data(), raw.data() + raw.size(), value);
    if (error != std::errc() || end != raw.data() + raw.size()) {
      return Error::invalid(fmt::format("invalid number: {}", raw));
    }
    return value;
  }

  /// Hex of a fixed length in any case; one of zeros counts as none.
  Result<std::string_view> id(JsonReader* in, size_t length) {
    TRY_ASSIGN(const std::string_view sent, text(in));
    if (sent.find_first_not_of('0') == std::string_view::npos) return std::string_view();
    if (sent.size() != length || sent.find_first_not_of("0123456789abcdefABCDEF") != std::string_view::npos) {
      return Error::invalid(fmt::format("invalid id: {} hex digits expected", length));
    }
    char* out = rows_.arena()->allocate(length);
    for (size_t i = 0; i < length; ++i)
      out[i] = sent[i] >= 'A' && sent[i] <= 'F' ? static_cast<char>(sent[i] | 0x20) : sent[i];
    return std::string_view(out, length);
  }

  Result<std::string_view> base64(JsonReader* in) {
    TRY_ASSIGN(std::string_view digits, text(in));
    while (!digits.empty() && digits.back() == '=') digits.remove_suffix(1);
    char* out = rows_.arena()->allocate(digits.size());
    size_t size = 0;
    uint32_t bits = 0;
    int held = 0;
    for (const char c : digits) {
      const int digit = base64_digit(c);
      if (digit < 0) return Error::invalid("invalid base64 in bytesValue");
      bits = bits << 6 | static_cast<uint32_t>(digit);
      held += 6;
      if (held < 8) continue;
      held -= 8;
      out[size++] = static_cast<char>(bits >> held & 0xFF);
    }
    return std::string_view(out, size);
  }

  std::string_view body_;
  OtlpRows rows_;
};

}  // namespace

Result<void> decode_push_otlp_json(std::string_view body, RowBuilder* rows) {
  return OtlpJson(body, rows).decode();
}

}  // namespace cordwood::ingest
