// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "api/http_client.h"

namespace cordwood::api {

using TextPairs = std::vector<std::pair<std::string, std::string>>;

/// A line as it came over the wire.
struct FetchedLine {
  int64_t time_ns = 0;
  std::string line;
  TextPairs labels;    ///< of the stream
  TextPairs metadata;  ///< structured, then parsed
};

/// What an answer of query or query_range held.
struct FetchedPage {
  std::string result_type;
  std::vector<FetchedLine> lines;  ///< streams: in the order of time asked for
  std::string raw_result;          ///< the JSON of `result`, for matrix, vector and scalar
  std::string raw_stats;           ///< the JSON of `stats`
  std::vector<std::string> warnings;
  bool skipped = false;  ///< the server left out what it was asked to
};

struct FetchRequest {
  std::string query;
  int64_t start_ns = 0;
  int64_t end_ns = 0;
  bool forward = false;
  uint64_t limit = 0;    ///< lines wanted in all; 0: every one
  uint64_t page = 1000;  ///< lines asked for at a time
  uint64_t skip = 0;     ///< lines left out at the beginning, if the server can
  std::string step;      ///< empty: the server's default
};

struct FollowRequest {
  std::string query;
  int64_t start_ns = 0;
  uint64_t limit = 0;    ///< lines from before now
  uint64_t delay_s = 0;  ///< that lines wait for earlier ones
};

/// Hands on what a tail sends, until the server ends it or `take` gives false.
Result<void> follow(const ServerUrl& url, HttpHeaders headers, const FollowRequest& request,
                    const std::function<bool(const FetchedPage&)>& take);

/// Reads a query's whole answer page by page.
class QueryClient {
 public:
  QueryClient(HttpClient& client, HttpHeaders headers);
  /// One GET of `/loki/api/v1/<endpoint>`.  Lines keep bytes that are not UTF-8 when the server is ours.
  Result<FetchedPage> get(const std::string& endpoint, const TextPairs& params, bool forward, uint64_t skip = 0);
  /// Hands on every page (with the lines of the page before left out).  Pages by time: the next one takes in the last
  /// time again, so that lines of one time are not lost; when more of them share a time than fit, pages grow up to
  /// what the server allows.  Past that our own server is asked to leave out those that were shown.
  Result<void> range(FetchRequest request, const std::function<void(const FetchedPage&)>& take);

 private:
  Result<FetchedPage> parse(const HttpClient::Reply& reply, bool forward) const;
  /// The page, with fewer lines asked for when the server allows no more.
  Result<FetchedPage> page(const FetchRequest& request, uint64_t* lines);

  HttpClient& client_;
  HttpHeaders headers_;
};

}  // namespace cordwood::api
