// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/http_message.h"
#include "query/query_engine.h"
#include "query/tail.h"

namespace cordwood::api {

struct QueryEncoding {
  bool categorize_labels = false;
  std::vector<std::string> flags;  ///< echoed as `encodingFlags`
  bool base64_lines = false;       ///< our own command line asks for it: lines keep bytes that are not UTF-8
};

/// Asks query_range to leave out so many lines at the beginning of the answer, which carries the header then.
inline constexpr std::string_view kSkipHeader = "X-Cordwood-Skip";

/// What the headers X-Loki-Response-Encoding-Flags and X-Cordwood-Raw ask for.
QueryEncoding encoding_of(const HttpRequest& request);

/// Loki's envelope of a query, written piece by piece as the client takes it.
HttpResponse encode_query(query::QueryResult result, QueryEncoding encoding);
/// `{"streams":[{"labels":…,"entries":[…]}],"stats":…}` of the legacy endpoints.
HttpResponse encode_legacy_streams(const query::Streams& streams, const query::QueryStats& stats);
/// A message of a tail: each line in a stream of its own.
std::string encode_tail(const query::TailPage& page, const QueryEncoding& encoding);
std::string encode_legacy_tail(const query::TailPage& page);
/// `{"status":"success","data":[…]}`; without `data` when there are no values, as Loki does.
std::string encode_values(const std::vector<std::string>& values);
std::string encode_series(const std::vector<Labels>& series);
std::string encode_index_stats(const query::IndexStats& stats);
/// The answer of index/shards when one shard has it all.
std::string encode_one_shard(const query::IndexStats& stats, const query::QueryStats& cost);

}  // namespace cordwood::api
