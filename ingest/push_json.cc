// SPDX-License-Identifier: Apache-2.0
#include "ingest/push_json.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "ingest/push_streams.h"

namespace cordwood::ingest {

namespace {

// Loki's parser words its complaints so, and clients show them.
constexpr const char* kNoString = "Value is string, but can't find closing '\"' symbol";
constexpr const char* kNoObject = "Value looks like object, but can't find closing '}' symbol";
constexpr const char* kNoNumber = "Value looks like Number/Boolean/None, but can't find its end: ',' or '}' symbol";
constexpr const char* kBadEscape = "Encountered an invalid escape sequence in a string";
constexpr const char* kNumberOverflow = "Value is number, but overflowed while parsing";

class JsonPush {
 public:
  JsonPush(std::string_view body, RowBuilder* rows) : body_(body), rows_(rows) {}

  Result<void> decode() {
    return for_each_pushed_stream(body_, [this](JsonReader* in) { return stream(in); });
  }

 private:
  Result<void> stream(JsonReader* in) {
    if (in->peek() == JsonKind::null) {
      in->skip_value();
      return {};
    }
    in->enter_object();
    bool labelled = false;
    std::optional<size_t> values_before_labels;
    RawString key;
    while (in->next_key(&key)) {
      if (key.text == "stream" && !labelled && in->peek() != JsonKind::null) {
        TRY(labels(in));
        labelled = true;
      } else if (key.text == "values" && in->peek() != JsonKind::null) {
        if (labelled) {
          TRY(values(in));
        } else {
          values_before_labels = in->position();
          in->skip_value();
        }
      } else {
        in->skip_value();
      }
    }
    if (in->failed()) return in->error();
    if (!labelled) TRY(rows_->begin_stream("{}"));
    if (!values_before_labels) return {};
    JsonReader again(body_, *values_before_labels);
    return values(&again);
  }

  /// Renders the map as a selector with sorted names, to be read like any other label text.
  Result<void> labels(JsonReader* in) {
    if (!in->enter_object()) return Error::invalid(kNoObject);
    pairs_.clear();
    RawString key;
    while (in->next_key(&key)) {
      if (pairs_.size() == RowBuilder::kMaxPairs) return RowBuilder::too_many_pairs();
      Labels::Pair pair;
      if (!unescape_json(key.text, &pair.first)) return Error::invalid(kBadEscape);
      RawString value;
      if (in->peek() == JsonKind::string) {
        in->read_string(&value);
      } else {
        in->skip_value(&value.text);
      }
      if (in->failed()) break;
      if (!unescape_json(value.text, &pair.second)) return Error::invalid(kBadEscape);
      pairs_.push_back(std::move(pair));
    }
    if (in->failed()) return in->error();
    std::stable_sort(pairs_.begin(), pairs_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    label_text_.assign(1, '{');
    for (size_t i = 0; i < pairs_.size(); ++i) {
      if (i + 1 < pairs_.size() && pairs_[i + 1].first == pairs_[i].first) continue;  // a map keeps the last
      if (label_text_.size() > 1) label_text_ += ", ";
      label_text_ += pairs_[i].first;
      label_text_ += '=';
      append_go_quoted(pairs_[i].second, &label_text_);
    }
    label_text_ += '}';
    return rows_->begin_stream(label_text_);
  }

  Result<void> values(JsonReader* in) {
    in->enter_array();
    while (in->next_element()) {
      if (in->peek() == JsonKind::null) {
        in->skip_value();
        continue;
      }
      TRY(entry(in));
    }
    if (in->failed()) return in->error();
    return {};
  }

  Result<void> entry(JsonReader* in) {
    in->enter_array();
    int64_t time_ns = 0;
    std::string_view line;
    metadata_.clear();
    size_t element = 0;
    for (; in->next_element(); ++element) {
      if (element == 0) {
        TRY_ASSIGN(time_ns, time(in));
      } else if (element == 1) {
        TRY_ASSIGN(line, text(in));
      } else if (element == 2 && in->peek() != JsonKind::null) {
        TRY(metadata(in));
      } else {
        in->skip_value();
      }
    }
    if (in->failed()) return in->error();
    if (element == 0) return Error::invalid(kNoString);
    return rows_->add(time_ns, line, metadata_);
  }

  static Result<int64_t> time(JsonReader* in) {
    RawString raw;
    if (in->peek() != JsonKind::string || !in->read_string(&raw)) return Error::invalid(kNoString);
    int64_t time_ns = 0;
    const char* end = raw.text.data() + raw.text.size();
    const auto [stop, error] = std::from_chars(raw.text.data(), end, time_ns);
    if (error == std::errc::result_out_of_range) return Error::invalid(kNumberOverflow);
    if (error != std::errc() || stop != end) return Error::invalid(kNoNumber);
    return time_ns;
  }

  Result<std::string_view> text(JsonReader* in) {
    RawString raw;
    if (in->peek() != JsonKind::string || !in->read_string(&raw)) return Error::invalid(kNoString);
    std::string_view out;
    if (!unescape_json(raw, rows_->arena(), &out)) return Error::invalid(kBadEscape);
    return out;
  }

  Result<void> metadata(JsonReader* in) {
    if (in->peek() != JsonKind::object) return Error::invalid(kNoObject);
    in->enter_object();
    RawString key;
    while (in->next_key(&key)) {
      if (metadata_.size() == RowBuilder::kMaxPairs) return RowBuilder::too_many_pairs();
      MetadataPair pair;
      if (!unescape_json(key, rows_->arena(), &pair.name)) return Error::invalid(kBadEscape);
      if (in->peek() == JsonKind::null) {
        in->skip_value();
        continue;
      }
      TRY_ASSIGN(pair.value, text(in));
      metadata_.push_back(pair);
    }
    if (in->failed()) return in->error();
    return {};
  }

  std::string_view body_;
  RowBuilder* rows_;
  std::vector<Labels::Pair> pairs_;
  std::string label_text_;
  std::vector<MetadataPair> metadata_;
};

}  // namespace

Result<void> decode_push_json(std::string_view body, RowBuilder* rows) {
  return JsonPush(body, rows).decode();
}

}  // namespace cordwood::ingest
