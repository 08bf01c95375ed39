// SPDX-License-Identifier: Apache-2.0
#include "query/kept_results.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "query/logql_print.h"
#include "query/read_plan.h"

namespace cordwood::query {

bool depends_on_rows_alone(const LogQuery& query) {
  return std::none_of(query.stages.begin(), query.stages.end(), [](const Stage& stage) {
    const bool is_template =
        std::holds_alternative<LineFormatStage>(stage) || std::holds_alternative<LabelFormatStage>(stage);
    return is_template && to_string(stage).find("now") != std::string::npos;
  });
}

Result<uint64_t> planned_bytes_of_all(const QueryScope& scope, TimeRange range, const LogQuery& query) {
  const uint64_t before = scope.stats->planned_bytes;
  if (scope.context->limits.max_query_bytes_read > 0) TRY(make_read_plan(scope, range, query));
  return std::exchange(scope.stats->planned_bytes, before);
}

}  // namespace cordwood::query
