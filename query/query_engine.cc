// SPDX-License-Identifier: Apache-2.0
#include "query/query_engine_impl.h"

namespace cordwood::query {

QueryEngine::QueryEngine(Environment environment) : impl_(std::make_unique<Impl>(std::move(environment))) {}
QueryEngine::~QueryEngine() = default;

Answer<QueryResult> QueryEngine::range(const ReadContext&, const RangeRequest&) const {
  return QueryError{501, "range queries are not built yet"};
}

Answer<QueryResult> QueryEngine::instant(const ReadContext&, const InstantRequest&) const {
  return QueryError{501, "instant queries are not built yet"};
}

}  // namespace cordwood::query
