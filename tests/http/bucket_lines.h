// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "tests/http/running_server.h"
#include "tests/support/s3_double.h"

namespace cordwood::api {

/// Of a server whose home is the bucket; `more` begins below `storage_config.aws`.
inline std::string config_for(const S3Double& bucket, const std::string& more = "") {
  const S3Double::Options& o = bucket.options();
  return "storage: s3\nstorage_config:\n  object_prefix: logs/one\n  aws:\n    bucketnames: " + o.bucket +
         "\n    endpoint: " + bucket.endpoint() + "\n    region: " + o.region +
         "\n    access_key_id: " + o.access_key_id + "\n    secret_access_key: " + o.secret_access_key +
         "\n    s3forcepathstyle: true\n" + more;
}

inline nlohmann::json lines(int from, int count) {
  nlohmann::json values = nlohmann::json::array();
  for (int i = from; i < from + count; ++i) {
    values.push_back({std::to_string(1795000000000000000 + i), "line " + std::to_string(i) + " of the bucket"});
  }
  return nlohmann::json::array({{{"stream", {{"app", "s3"}}}, {"values", values}}});
}

inline size_t count_lines(RunningServer& server, const std::string& query = R"({app="s3"})") {
  const nlohmann::json answer = server.ask(
      "/loki/api/v1/query_range",
      {{"query", query}, {"start", "1795000000000000000"}, {"end", "1795999999000000000"}, {"limit", "5000"}});
  size_t found = 0;
  for (const auto& stream : answer["data"]["result"]) found += stream["values"].size();
  return found;
}

}  // namespace cordwood::api
