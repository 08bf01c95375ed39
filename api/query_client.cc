// SPDX-License-Identifier: Apache-2.0
#include "api/query_client.h"

#include <fmt/core.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "api/http_websocket_client.h"
#include "api/loki_json.h"
#include "storage/base/percent.h"

namespace cordwood::api {
namespace {

using simdjson::dom::element;

std::string decode_base64(std::string_view text) {
  static const auto values = [] {
    std::array<int8_t, 256> table{};
    table.fill(-1);
    static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < kDigits.size(); ++i) table[static_cast<unsigned char>(kDigits[i])] = static_cast<int8_t>(i);
    return table;
  }();
  std::string out;
  out.reserve(text.size() / 4 * 3);
  uint32_t group = 0;
  int bits = 0;
  for (const char c : text) {
    const int8_t value = values[static_cast<unsigned char>(c)];
    if (value < 0) break;
    group = group << 6 | static_cast<uint32_t>(value);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out.push_back(static_cast<char>(group >> bits & 0xff));
  }
  return out;
}

void append_pairs(const element& object, TextPairs* out) {
  simdjson::dom::object fields;
  if (object.get(fields) != simdjson::SUCCESS) return;
  for (const auto field : fields) {
    std::string_view value;
    if (field.value.get(value) == simdjson::SUCCESS) out->emplace_back(std::string(field.key), std::string(value));
  }
}

Result<FetchedLine> read_entry(const element& entry, bool base64) {
  FetchedLine line;
  std::string_view time;
  std::string_view text;
  const bool read = entry.at(0).get(time) == simdjson::SUCCESS && entry.at(1).get(text) == simdjson::SUCCESS;
  const auto parsed = std::from_chars(time.data(), time.data() + time.size(), line.time_ns);
  if (!read || parsed.ec != std::errc()) return Error::corrupt("the answer holds an entry that is none");
  line.line = base64 ? decode_base64(text) : std::string(text);
  element extra;
  if (entry.at(2).get(extra) != simdjson::SUCCESS) return line;
  for (const char* kind : {"structuredMetadata", "parsed"}) {
    element pairs;
    if (extra[kind].get(pairs) == simdjson::SUCCESS) append_pairs(pairs, &line.metadata);
  }
  return line;
}

Result<std::vector<FetchedLine>> read_streams(const element& result, bool base64, bool forward) {
  std::vector<FetchedLine> lines;
  simdjson::dom::array streams;
  if (result.get(streams) != simdjson::SUCCESS) return Error::corrupt("the answer's result is no list");
  for (const auto stream : streams) {
    TextPairs labels;
    element object;
    if (stream["stream"].get(object) == simdjson::SUCCESS) append_pairs(object, &labels);
    simdjson::dom::array values;
    if (stream["values"].get(values) != simdjson::SUCCESS) continue;
    for (const auto entry : values) {
      TRY_ASSIGN(FetchedLine line, read_entry(entry, base64));
      line.labels = labels;
      lines.push_back(std::move(line));
    }
  }
  // Stable: the order the server gave to lines of one time and stream stays.
  std::stable_sort(lines.begin(), lines.end(), [forward](const FetchedLine& a, const FetchedLine& b) {
    return forward ? a.time_ns < b.time_ns : a.time_ns > b.time_ns;
  });
  return lines;
}

/// The limit that a server names when it refuses a larger one.
std::optional<uint64_t> allowed_lines(const std::string& message) {
  static constexpr std::string_view kMark = "max_entries_limit_per_query (";
  const size_t mark = message.find(kMark);
  const size_t greater = message.find("> ", mark == std::string::npos ? mark : mark + kMark.size());
  if (mark == std::string::npos || greater == std::string::npos) return std::nullopt;
  uint64_t lines = 0;
  const auto parsed = std::from_chars(message.data() + greater + 2, message.data() + message.size(), lines);
  return parsed.ec == std::errc() && lines > 0 ? std::optional(lines) : std::nullopt;
}

/// How many lines of the last time each stream has shown already.
class ShownTies {
 public:
  uint64_t count() const {
    uint64_t sum = 0;
    for (const auto& [labels, lines] : shown_) sum += lines;
    return sum;
  }
  /// Takes out of a page what was shown, and notes what of it is at the page's end.
  void skip_shown(std::vector<FetchedLine>* lines) {
    auto left = shown_;
    std::erase_if(*lines, [&](const FetchedLine& line) {
      if (!last_ns_ || line.time_ns != *last_ns_) return false;
      const auto found = left.find(line.labels);
      if (found == left.end() || found->second == 0) return false;
      --found->second;
      return true;
    });
  }
  void note(const std::vector<FetchedLine>& lines) {
    for (const FetchedLine& line : lines) {
      if (!last_ns_ || line.time_ns != *last_ns_) shown_.clear();
      last_ns_ = line.time_ns;
      ++shown_[line.labels];
    }
  }
  std::optional<int64_t> last_ns() const { return last_ns_; }

 private:
  std::optional<int64_t> last_ns_;
  std::map<TextPairs, uint64_t> shown_;
};

/// `?name=value&…`
std::string query_string(const TextPairs& params) {
  std::string out;
  for (const auto& [name, value] : params) {
    out += (out.empty() ? "?" : "&") + percent_encode(name) + "=" + percent_encode(value);
  }
  return out;
}

/// Lines with all their bytes, labels by where they come from.
HttpHeaders with_encoding(HttpHeaders headers) {
  headers.add("X-Loki-Response-Encoding-Flags", "categorize-labels");
  headers.add("X-Cordwood-Raw", "base64");
  return headers;
}

}  // namespace

Result<void> follow(const ServerUrl& url, HttpHeaders headers, const FollowRequest& request,
                    const std::function<bool(const FetchedPage&)>& take) {
  const std::string target = "/loki/api/v1/tail" + query_string({{"query", request.query},
                                                                 {"start", std::to_string(request.start_ns)},
                                                                 {"limit", std::to_string(request.limit)},
                                                                 {"delay_for", std::to_string(request.delay_s)}});
  TRY_ASSIGN(const auto socket, WebSocketClient::connect(url, target, with_encoding(std::move(headers))));
  const bool base64 = socket->header("X-Cordwood-Raw") == "base64";
  simdjson::dom::parser parser;
  for (;;) {
    TRY_ASSIGN(const std::optional<std::string> message, socket->read());
    if (!message) return {};
    element root;
    element streams;
    FetchedPage page;
    page.result_type = "streams";
    if (parser.parse(*message).get(root) != simdjson::SUCCESS) return Error::corrupt("a message is no JSON");
    if (root["streams"].get(streams) == simdjson::SUCCESS && !streams.is_null()) {
      TRY_ASSIGN(page.lines, read_streams(streams, base64, true));
    }
    simdjson::dom::array dropped;
    if (root["dropped_entries"].get(dropped) == simdjson::SUCCESS) {
      page.warnings.push_back(fmt::format("{} lines were dropped: this is too slow for them", dropped.size()));
    }
    if (!take(page)) return {};
  }
}

QueryClient::QueryClient(HttpClient& client, HttpHeaders headers)
    : client_(client), headers_(with_encoding(std::move(headers))) {}

Result<FetchedPage> QueryClient::get(const std::string& endpoint, const TextPairs& params, bool forward,
                                     uint64_t skip) {
  const std::string target = "/loki/api/v1/" + endpoint + query_string(params);
  HttpHeaders headers = headers_;
  if (skip > 0) headers.add(std::string(kSkipHeader), std::to_string(skip));
  TRY_ASSIGN(const HttpClient::Reply reply, client_.call("GET", target, headers, {}));
  if (reply.status != 200) {
    return Error::invalid(reply.body.empty() ? fmt::format("the server answers {}", reply.status) : reply.body);
  }
  return parse(reply, forward);
}

Result<FetchedPage> QueryClient::parse(const HttpClient::Reply& reply, bool forward) const {
  simdjson::dom::parser parser;
  element root;
  element data;
  element result;
  std::string_view type;
  if (parser.parse(reply.body).get(root) != simdjson::SUCCESS || root["data"].get(data) != simdjson::SUCCESS ||
      data["resultType"].get(type) != simdjson::SUCCESS || data["result"].get(result) != simdjson::SUCCESS) {
    return Error::corrupt("the answer is none of a query: " + reply.body.substr(0, 200));
  }
  FetchedPage page;
  page.result_type = type;
  page.skipped = !reply.headers.get(kSkipHeader).empty();
  element stats;
  if (data["stats"].get(stats) == simdjson::SUCCESS) page.raw_stats = simdjson::minify(stats);
  simdjson::dom::array warnings;
  if (root["warnings"].get(warnings) == simdjson::SUCCESS) {
    for (const auto warning : warnings) {
      std::string_view text;
      if (warning.get(text) == simdjson::SUCCESS) page.warnings.emplace_back(text);
    }
  }
  if (type != "streams") {
    page.raw_result = simdjson::minify(result);
    return page;
  }
  TRY_ASSIGN(page.lines, read_streams(result, reply.headers.get("X-Cordwood-Raw") == "base64", forward));
  return page;
}

Result<FetchedPage> QueryClient::page(const FetchRequest& request, uint64_t* lines) {
  for (;;) {
    TextPairs params{{"query", request.query},
                     {"start", std::to_string(request.start_ns)},
                     {"end", std::to_string(request.end_ns)},
                     {"limit", std::to_string(*lines)},
                     {"direction", request.forward ? "forward" : "backward"}};
    if (!request.step.empty()) params.emplace_back("step", request.step);
    auto got = get("query_range", params, request.forward, request.skip);
    if (got.ok()) return got;
    const auto allowed = allowed_lines(got.error().message);
    if (!allowed || *allowed >= *lines) return got;
    *lines = *allowed;
  }
}

Result<void> QueryClient::range(FetchRequest request, const std::function<void(const FetchedPage&)>& take) {
  ShownTies ties;
  uint64_t left = request.limit;
  uint64_t ask = request.page;
  for (;;) {
    const bool last_wanted = request.limit != 0 && left < ask;
    uint64_t asked = ties.last_ns() || !last_wanted ? ask : left;
    const uint64_t wanted = asked;
    TRY_ASSIGN(FetchedPage got, page(request, &asked));
    if (got.result_type != "streams") {
      take(got);
      return {};
    }
    const bool full = got.lines.size() >= asked;
    if (!got.skipped) ties.skip_shown(&got.lines);
    if (request.limit != 0 && got.lines.size() > left) got.lines.resize(left);
    if (full && got.lines.empty()) {
      // Nothing but lines of one time that were shown: only a larger page or leaving them out gets past them.
      if (asked < wanted && request.skip == 0) {
        request.skip = ties.count();
        continue;
      }
      if (asked < wanted) {
        return Error::exhausted(
            fmt::format("more than {} lines share one time, and the server allows no larger page", asked));
      }
      ask = asked * 2;
      continue;
    }
    ties.note(got.lines);
    left -= std::min<uint64_t>(left, got.lines.size());
    take(got);
    if (!full || (request.limit != 0 && left == 0)) return {};
    if (request.forward) {
      request.start_ns = *ties.last_ns();
    } else {
      request.end_ns = *ties.last_ns() + 1;
    }
    request.skip = got.skipped ? ties.count() : 0;
    if (asked < wanted) request.page = std::min(request.page, asked);
    ask = request.page;
  }
}

}  // namespace cordwood::api
