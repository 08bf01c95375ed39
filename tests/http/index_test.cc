// SPDX-License-Identifier: Apache-2.0
// Parameters of the reads that look at streams alone.
#include <gtest/gtest.h>

#include "tests/http/running_server.h"

namespace cordwood::api {
namespace {

TEST(IndexEndpoints, CheckTheParametersOfLoki) {
  RunningServer server;
  const std::string range = "&start=1795000000&end=1795003600";
  const auto f = [&](const std::string& target, int status, const std::string& body) {
    const auto reply = server.get("/loki/api/v1/" + target);
    EXPECT_EQ(reply.status, status) << target;
    EXPECT_EQ(reply.body, body) << target;
  };
  const std::string no_step = "zero or negative query resolution step widths are not accepted. Try a positive integer";
  const std::string direction = "invalid direction 'up'";
  const std::string order = "end timestamp must not be before or equal to start time";
  const std::string query = "?query=%7Bapp%3D%22x%22%7D";
  f("index/stats" + query + range, 200, "{\"streams\":0,\"chunks\":0,\"bytes\":0,\"entries\":0}\n");
  f("index/stats" + query + range + "&step=0", 400, no_step);
  f("index/stats" + query + range + "&direction=up", 400, direction);
  f("index/stats" + query + range + "&limit=0", 400, "limit must be a positive value");
  f("index/stats" + query + range + "&interval=-1", 400, "interval must be >= 0");
  f("index/stats" + query + "&start=1795003600&end=1795000000", 400, order);
  f("index/stats?query=" + range, 400, "parse error : syntax error: unexpected $end");
  for (const std::string path : {"index/volume", "index/volume_range"}) {
    f(path + query + range + "&direction=up", 400, direction);
    f(path + query + range + "&limit=-1", 400, "limit must be a positive value");
    f(path + query + range + "&aggregateBy=pod", 400, "invalid aggregation option");
    f(path + query + "&start=1795003600&end=1795000000", 400, order);
    f(path + "?start=1795000000&end=1795003600", 400, "parse error : syntax error: unexpected $end");
  }
  f("index/volume" + query + range + "&time=x", 400, "strconv.ParseInt: parsing \"x\": invalid syntax");
  f("index/volume_range" + query + range + "&step=-1", 400, no_step);
  f("index/volume_range" + query + range + "&interval=x", 400, "cannot parse \"x\" to a valid duration");
}

TEST(IndexEndpoints, LabelsAndSeriesKnowTheLongestRange) {
  RunningServer server;
  const std::string long_range = "start=1790000000&end=1795000000";
  const std::string turned = "start=1795000001&end=1795000000";
  for (const std::string path : {"/loki/api/v1/labels", "/loki/api/v1/label/app/values", "/loki/api/v1/series",
                                 "/loki/api/v1/detected_labels", "/api/prom/label", "/api/prom/series"}) {
    const auto reply = server.get(path + "?" + long_range);
    EXPECT_EQ(reply.status, 400) << path;
    EXPECT_EQ(reply.body, "the query time range exceeds the limit (query length: 1388h53m20s, limit: 30d1h)") << path;
    const auto other = server.post(path, "application/x-www-form-urlencoded", turned);
    EXPECT_EQ(other.status, 400) << path;
    EXPECT_EQ(other.body, path.ends_with("detected_labels")
                              ? "end timestamp must not be before or equal to start time"
                              : "this data is no longer available, it is past now - max_query_lookback (0s)")
        << path;
  }
}

}  // namespace
}  // namespace cordwood::api
