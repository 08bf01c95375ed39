// SPDX-License-Identifier: Apache-2.0
#include "api/trace_json.h"

#include "api/json_text.h"
#include "api/text_response.h"

namespace cordwood::api {
namespace {

void append_string(std::string_view text, std::string* out) {
  append_json_string(text, JsonEscape::plain, out);
}

void append_time(std::string_view name, int64_t time_ns, std::string* out) {
  out->append("\"").append(name).append("\":\"");
  append_integer(time_ns, out);
  out->append("\",");
}

template <typename Pairs>
void append_pairs(const Pairs& pairs, std::string* out) {
  out->push_back('{');
  bool first = true;
  for (const auto& [name, value] : pairs) {
    if (!first) out->push_back(',');
    first = false;
    append_string(name, out);
    out->push_back(':');
    append_string(value, out);
  }
  out->push_back('}');
}

void append_service(const std::string& name, const query::TraceService& service, std::string* out) {
  out->append("{\"service\":");
  append_string(name, out);
  out->append(",\"lines\":");
  append_unsigned(service.lines, out);
  out->append(",\"levels\":{");
  bool first = true;
  for (const auto& [level, lines] : service.levels) {
    if (!first) out->push_back(',');
    first = false;
    append_string(level, out);
    out->push_back(':');
    append_unsigned(lines, out);
  }
  out->append("}}");
}

/// Keeps its place between pieces; a line that was written gives its memory back.
class TraceWriter {
 public:
  explicit TraceWriter(query::TraceAnswer answer) : answer_(std::move(answer)) {}

  bool write(std::string* out) {
    const size_t limit = out->size() + kJsonPieceBytes;
    if (!begun_) begin(out);
    for (; next_ < answer_.lines.size(); ++next_) {
      if (out->size() >= limit) return true;
      if (next_ != 0) out->push_back(',');
      line(answer_.lines[next_], out);
      answer_.lines[next_] = {};
    }
    out->append("]}\n");
    return false;
  }

 private:
  void begin(std::string* out) {
    begun_ = true;
    out->append("{\"traceId\":");
    append_string(answer_.trace_id, out);
    out->push_back(',');
    append_time("start", answer_.start_ns, out);
    append_time("end", answer_.end_ns, out);
    out->append("\"services\":[");
    bool first = true;
    for (const auto& [name, service] : answer_.services) {
      if (!first) out->push_back(',');
      first = false;
      append_service(name, service, out);
    }
    out->append("],\"lines\":[");
  }
  static void line(const query::TraceLine& line, std::string* out) {
    out->push_back('{');
    append_time("time", line.time_ns, out);
    out->append("\"stream\":");
    append_pairs(line.stream->labels.pairs(), out);
    out->append(",\"line\":");
    append_string(line.line, out);
    out->append(",\"metadata\":");
    append_pairs(line.metadata, out);
    out->push_back('}');
  }

  query::TraceAnswer answer_;
  size_t next_ = 0;
  bool begun_ = false;
};

}  // namespace

HttpResponse encode_trace(query::TraceAnswer answer) {
  HttpResponse response = json_response({});
  auto writer = std::make_shared<TraceWriter>(std::move(answer));
  response.stream = [writer](std::string* out) { return writer->write(out); };
  return response;
}

}  // namespace cordwood::api
