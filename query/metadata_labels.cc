// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>

#include "query/logql_parser.h"
#include "query/metadata_streams.h"
#include "query/query_engine_impl.h"
#include "query/query_limits.h"

namespace cordwood::query {

namespace {

/// Streams that an optional selector finds in the range.
Result<std::vector<StreamPtr>> streams_of(const QueryEngine::Environment& environment, const ReadContext& context,
                                          const std::string& query, int64_t start_ns, int64_t end_ns) {
  TRY_ASSIGN(const bool visible, limit_metadata_range(context.limits, environment.clock->now_ns(), &start_ns, end_ns));
  std::vector<Matcher> matchers;
  if (!query.empty()) {
    TRY_ASSIGN(matchers, parse_selector(query, SelectorRule::needs_non_empty));
  }
  if (!visible) return std::vector<StreamPtr>{};
  TRY_ASSIGN(const StreamParts parts, find_stream_parts(environment, context.tenant, start_ns, end_ns, matchers));
  return distinct_streams(parts);
}

/// Matcher groups of a series request; none at all stands for every stream.
Result<std::vector<std::vector<Matcher>>> parse_groups(const std::vector<std::string>& matches) {
  std::vector<std::vector<Matcher>> groups;
  for (const std::string& match : matches) {
    TRY_ASSIGN(std::vector<Matcher> matchers, parse_selector(match, SelectorRule::any));
    if (matchers.empty()) {
      if (matches.size() > 1) return Error::invalid("0 matchers in group: " + match);
      return std::vector<std::vector<Matcher>>{};
    }
    TRY(parse_selector(match, SelectorRule::needs_non_empty));
    groups.push_back(std::move(matchers));
  }
  return groups;
}

}  // namespace

Answer<std::vector<std::string>> QueryEngine::labels(const ReadContext& context, const std::string& query,
                                                     int64_t start_ns, int64_t end_ns) const {
  const auto streams = streams_of(impl_->environment, context, query, start_ns, end_ns);
  if (!streams.ok()) return to_query_error(streams.error());
  std::set<std::string_view> names;
  for (const StreamPtr& stream : *streams) {
    for (const auto& [name, value] : stream->labels.pairs()) names.insert(name);
  }
  return std::vector<std::string>(names.begin(), names.end());
}

Answer<std::vector<std::string>> QueryEngine::label_values(const ReadContext& context, const std::string& name,
                                                           const std::string& query, int64_t start_ns,
                                                           int64_t end_ns) const {
  const auto streams = streams_of(impl_->environment, context, query, start_ns, end_ns);
  if (!streams.ok()) return to_query_error(streams.error());
  std::set<std::string_view> values;
  for (const StreamPtr& stream : *streams) {
    const std::string_view value = stream->labels.get(name);
    if (!value.empty()) values.insert(value);
  }
  return std::vector<std::string>(values.begin(), values.end());
}

Answer<std::vector<Labels>> QueryEngine::series(const ReadContext& context, const std::vector<std::string>& matches,
                                                int64_t start_ns, int64_t end_ns) const {
  auto groups = parse_groups(matches);
  if (!groups.ok()) return to_query_error(groups.error());
  const auto visible = limit_metadata_range(context.limits, impl_->environment.clock->now_ns(), &start_ns, end_ns);
  if (!visible.ok()) return to_query_error(visible.error());
  if (!*visible) return std::vector<Labels>{};
  if (groups->empty()) groups->emplace_back();
  StreamParts all;
  for (const std::vector<Matcher>& matchers : *groups) {
    auto parts = find_stream_parts(impl_->environment, context.tenant, start_ns, end_ns, matchers);
    if (!parts.ok()) return to_query_error(parts.error());
    all.parts.insert(all.parts.end(), parts->parts.begin(), parts->parts.end());
  }
  std::vector<Labels> out;
  for (const StreamPtr& stream : distinct_streams(all)) out.push_back(stream->labels);
  return out;
}

}  // namespace cordwood::query
