// SPDX-License-Identifier: Apache-2.0
#include "api/loki_json.h"

#include "api/http_dates.h"
#include "api/json_text.h"
#include "api/stats_json.h"
#include "api/text_response.h"
#include "storage/model/labels.h"

namespace cordwood::api {
namespace {

constexpr std::string_view kCategorize = "categorize-labels";

template <typename Pairs>
void append_labels(const Pairs& pairs, std::string* out) {
  out->push_back('{');
  bool first = true;
  for (const auto& [name, value] : pairs) {
    if (!first) out->push_back(',');
    first = false;
    append_json_string(name, JsonEscape::plain, out);
    out->push_back(':');
    append_json_string(value, JsonEscape::plain, out);
  }
  out->push_back('}');
}

void append_strings(const std::vector<std::string>& values, std::string* out) {
  out->push_back('[');
  for (size_t i = 0; i < values.size(); ++i) {
    if (i != 0) out->push_back(',');
    append_json_string(values[i], JsonEscape::plain, out);
  }
  out->push_back(']');
}

void append_entry(const query::LogEntry& entry, const QueryEncoding& encoding, std::string* out) {
  out->append("[\"");
  append_integer(entry.time_ns, out);
  out->append("\",");
  if (encoding.base64_lines) {
    out->push_back('"');
    append_base64(entry.line, out);
    out->push_back('"');
  } else {
    append_json_string(entry.line, JsonEscape::html, out);
  }
  if (encoding.categorize_labels) {
    out->append(",{");
    if (!entry.structured_metadata.empty()) {
      out->append("\"structuredMetadata\":");
      append_labels(entry.structured_metadata, out);
    }
    if (!entry.parsed.empty()) {
      out->append(entry.structured_metadata.empty() ? "\"parsed\":" : ",\"parsed\":");
      append_labels(entry.parsed, out);
    }
    out->push_back('}');
  }
  out->push_back(']');
}

std::string label_string(const query::LabelPairs& labels) {
  std::string out = "{";
  for (const auto& [name, value] : labels) {
    if (out.size() > 1) out += ", ";
    out += name + "=";
    append_go_quoted(value, &out);
  }
  return out + "}";
}

void append_legacy_entry(const query::LogEntry& entry, std::string* out) {
  *out += "{\"ts\":\"" + rfc3339_nano(entry.time_ns) + "\",\"line\":";
  append_json_string(entry.line, JsonEscape::html, out);
  out->push_back('}');
}

void append_sample(const query::Sample& sample, std::string* out) {
  out->push_back('[');
  append_seconds(sample.time_ms, out);
  out->append(",\"");
  append_go_float(sample.value, out);
  out->append("\"]");
}

/// Walks (outer, inner) items and writes them until a piece is full; keeps its place between pieces.
class PieceWriter {
 public:
  PieceWriter(query::QueryResult result, QueryEncoding encoding)
      : result_(std::move(result)), encoding_(std::move(encoding)) {}

  bool write(std::string* out) {
    if (!begun_) begin(out);
    const size_t limit = out->size() + kJsonPieceBytes;
    const bool more = std::visit([&](const auto& data) { return items(data, limit, out); }, result_.data);
    if (!more) end(out);
    return more;
  }

 private:
  bool is_streams() const { return std::holds_alternative<query::Streams>(result_.data); }

  void begin(std::string* out) {
    static constexpr const char* kTypes[] = {"streams", "matrix", "vector", "scalar"};
    begun_ = true;
    out->append("{\"status\":\"success\",");
    if (is_streams()) warnings(out, "", ",");
    out->append("\"data\":{\"resultType\":\"").append(kTypes[result_.data.index()]).append("\",");
    if (is_streams() && !encoding_.flags.empty()) {
      out->append("\"encodingFlags\":");
      append_strings(encoding_.flags, out);
      out->push_back(',');
    }
    out->append("\"result\":[");
  }
  void end(std::string* out) {
    out->append("],\"stats\":");
    append_stats(result_.stats, out);
    out->append("}");
    if (!is_streams()) warnings(out, ",", "");
    out->append("}");
    if (is_streams()) out->append("\n");
  }
  void warnings(std::string* out, std::string_view before, std::string_view after) const {
    if (result_.warnings.empty()) return;
    out->append(before).append("\"warnings\":");
    append_strings(result_.warnings, out);
    out->append(after);
  }

  /// True when there is more.
  template <typename Outer, typename Head, typename Inner>
  bool walk(const Outer& outer, size_t limit, std::string* out, Head head, Inner inner) {
    for (; outer_ < outer.size(); ++outer_, inner_ = 0) {
      const auto& item = outer[outer_];
      const auto& list = head(item, inner_ == 0);
      for (; inner_ < list.size(); ++inner_) {
        if (out->size() >= limit) return true;
        if (inner_ != 0) out->push_back(',');
        inner(list[inner_]);
      }
      out->append("]}");
    }
    return false;
  }
  void open(std::string_view label_key, const query::LabelPairs& labels, std::string* out) const {
    out->append(outer_ != 0 ? ",{\"" : "{\"").append(label_key).append("\":");
    append_labels(labels, out);
    out->append(",\"values\":[");
  }
  bool items(const query::Streams& data, size_t limit, std::string* out) {
    const auto head = [&](const query::LogStream& stream, bool first) -> const auto& {
      if (first && !opened_) open("stream", stream.labels, out);
      opened_ = false;
      return stream.entries;
    };
    const bool more =
        walk(data.streams, limit, out, head, [&](const query::LogEntry& e) { append_entry(e, encoding_, out); });
    opened_ = more && inner_ == 0;
    return more;
  }
  bool items(const query::Matrix& data, size_t limit, std::string* out) {
    const auto head = [&](const query::Series& series, bool first) -> const auto& {
      if (first && !opened_) open("metric", series.labels, out);
      opened_ = false;
      return series.samples;
    };
    const bool more = walk(data.series, limit, out, head, [&](const query::Sample& s) { append_sample(s, out); });
    opened_ = more && inner_ == 0;
    return more;
  }
  bool items(const query::Vector& data, size_t, std::string* out) {
    for (const auto& series : data.series) {
      if (series.samples.empty()) continue;
      out->append(out->back() == '[' ? "{\"metric\":" : ",{\"metric\":");
      append_labels(series.labels, out);
      out->append(",\"value\":");
      append_sample(series.samples.front(), out);
      out->push_back('}');
    }
    return false;
  }
  bool items(const query::Scalar& data, size_t, std::string* out) {
    // Loki's frontend takes the milliseconds for seconds here; clients have learned to live with it.
    append_integer(data.sample.time_ms, out);
    out->append(",\"");
    append_go_float(data.sample.value, out);
    out->push_back('"');
    return false;
  }

  query::QueryResult result_;
  QueryEncoding encoding_;
  size_t outer_ = 0;
  size_t inner_ = 0;
  bool begun_ = false;
  bool opened_ = false;  ///< the head of item outer_ is written, but none of its inner items
};

}  // namespace

QueryEncoding encoding_of(const HttpRequest& request) {
  QueryEncoding encoding;
  std::string_view flags = request.headers.get("X-Loki-Response-Encoding-Flags");
  while (!flags.empty()) {
    const size_t end = std::min(flags.find(','), flags.size());
    std::string_view flag = flags.substr(0, end);
    flags.remove_prefix(std::min(end + 1, flags.size()));
    while (flag.starts_with(' ')) flag.remove_prefix(1);
    while (flag.ends_with(' ')) flag.remove_suffix(1);
    if (flag.empty()) continue;
    encoding.flags.emplace_back(flag);
    if (flag == kCategorize) encoding.categorize_labels = true;
  }
  encoding.base64_lines = request.headers.get("X-Cordwood-Raw") == "base64";
  return encoding;
}

HttpResponse encode_query(query::QueryResult result, QueryEncoding encoding) {
  HttpResponse response = json_response({});
  if (encoding.base64_lines) response.headers.emplace_back("X-Cordwood-Raw", "base64");
  auto writer = std::make_shared<PieceWriter>(std::move(result), std::move(encoding));
  response.stream = [writer](std::string* out) { return writer->write(out); };
  return response;
}

std::string encode_tail(const query::TailPage& page, const QueryEncoding& encoding) {
  std::string out = "{\"streams\":[";
  for (const query::TailEntry& entry : page.entries) {
    out += out.back() == '[' ? "{\"stream\":" : ",{\"stream\":";
    append_labels(entry.labels, &out);
    out += ",\"values\":[";
    append_entry(entry.entry, encoding, &out);
    out += "]}";
  }
  out += "]";
  for (size_t i = 0; i < page.dropped.size(); ++i) {
    out += i == 0 ? ",\"dropped_entries\":[{\"timestamp\":\"" : ",{\"timestamp\":\"";
    append_integer(page.dropped[i].time_ns, &out);
    out += "\",\"labels\":";
    append_labels(page.dropped[i].stream->labels.pairs(), &out);
    out += i + 1 == page.dropped.size() ? "}]" : "}";
  }
  if (!encoding.flags.empty()) {
    out += ",\"encodingFlags\":";
    append_strings(encoding.flags, &out);
  }
  return out + "}";
}

std::string encode_legacy_tail(const query::TailPage& page) {
  std::string out = "{\"streams\":[";
  for (const query::TailEntry& entry : page.entries) {
    out += out.back() == '[' ? "{\"labels\":" : ",{\"labels\":";
    append_json_string(label_string(entry.labels), JsonEscape::plain, &out);
    out += ",\"entries\":[";
    append_legacy_entry(entry.entry, &out);
    out += "]}";
  }
  out += "],\"dropped_entries\":";
  if (page.dropped.empty()) return out + "null}";
  out.push_back('[');
  for (const query::DroppedRow& row : page.dropped) {
    if (out.back() != '[') out.push_back(',');
    out += "{\"Timestamp\":\"" + rfc3339_nano(row.time_ns) + "\",\"Labels\":";
    append_json_string(row.stream->label_string, JsonEscape::plain, &out);
    out.push_back('}');
  }
  return out + "]}";
}

HttpResponse encode_legacy_streams(const query::Streams& streams, const query::QueryStats& stats) {
  std::string out = "{\"streams\":[";
  bool first = true;
  for (const auto& stream : streams.streams) {
    out += first ? "{\"labels\":" : ",{\"labels\":";
    first = false;
    append_json_string(label_string(stream.labels), JsonEscape::plain, &out);
    out += ",\"entries\":[";
    for (const auto& entry : stream.entries) {
      if (out.back() != '[') out.push_back(',');
      append_legacy_entry(entry, &out);
    }
    out += "]}";
  }
  out += "],\"stats\":";
  append_stats(stats, &out);
  return json_response(out + "}\n");
}

std::string encode_values(const std::vector<std::string>& values) {
  std::string out = "{\"status\":\"success\"";
  if (!values.empty()) {
    out += ",\"data\":";
    append_strings(values, &out);
  }
  return out + "}\n";
}

std::string encode_series(const std::vector<Labels>& series) {
  std::string out = "{\"status\":\"success\",\"data\":[";
  for (size_t i = 0; i < series.size(); ++i) {
    if (i != 0) out.push_back(',');
    append_labels(series[i].pairs(), &out);
  }
  return out + "]}\n";
}

static void append_index_stats(const query::IndexStats& stats, std::string* out) {
  *out += "{\"streams\":";
  append_unsigned(stats.streams, out);
  *out += ",\"chunks\":";
  append_unsigned(stats.chunks, out);
  *out += ",\"bytes\":";
  append_unsigned(stats.bytes, out);
  *out += ",\"entries\":";
  append_unsigned(stats.entries, out);
  out->push_back('}');
}

std::string encode_index_stats(const query::IndexStats& stats) {
  std::string out;
  append_index_stats(stats, &out);
  return out + "\n";
}

std::string encode_one_shard(const query::IndexStats& stats, const query::QueryStats& cost) {
  std::string out = "{\"shards\":[{\"bounds\":{\"min\":0,\"max\":18446744073709551615},\"stats\":";
  append_index_stats(stats, &out);
  out += "}],\"statistics\":";
  append_stats(cost, &out);
  return out + ",\"chunkGroups\":null}\n";
}

}  // namespace cordwood::api
