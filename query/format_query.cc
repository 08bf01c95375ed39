// SPDX-License-Identifier: Apache-2.0
#include "query/logql_parser.h"
#include "query/logql_pretty.h"
#include "query/query_engine.h"

namespace cordwood::query {

Answer<std::string> QueryEngine::format(const std::string& query) {
  const auto parsed = parse_logql(query);
  if (!parsed.ok()) return QueryError{400, parsed.error().message};
  return pretty_print(**parsed);
}

}  // namespace cordwood::query
