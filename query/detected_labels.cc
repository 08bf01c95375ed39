// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "query/detected_answer.h"
#include "query/logql_parser.h"
#include "query/metadata_streams.h"
#include "query/number_text.h"
#include "query/query_engine_impl.h"
#include "query/query_limits.h"
#include "storage/base/ascii.h"

namespace cordwood::query {

namespace {

using Values = std::set<std::string_view>;

/// Kept whatever their values look like.
constexpr std::array<std::string_view, 4> kAlwaysKept = {"cluster", "namespace", "instance", "pod"};

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), is_hex_digit);
}

bool is_dashed_uuid(std::string_view text) {
  constexpr size_t kSize = 36;
  constexpr std::array<size_t, 4> kDashes = {8, 13, 18, 23};
  if (text.size() != kSize) return false;
  size_t from = 0;
  for (const size_t dash : kDashes) {
    if (text[dash] != '-' || !is_hex(text.substr(from, dash - from))) return false;
    from = dash + 1;
  }
  return is_hex(text.substr(from));
}

/// In the spellings Go's uuid package takes: bare digits, with dashes, within any two characters, as an URN.
bool is_uuid(std::string_view text) {
  constexpr std::string_view kUrn = "urn:uuid:";
  constexpr size_t kBareSize = 32, kBracedSize = 38;
  if (text.size() == kBareSize) return is_hex(text);
  if (text.size() == kBracedSize) return is_dashed_uuid(text.substr(1, kBracedSize - 2));
  const bool urn = text.size() > kUrn.size() &&
                   std::equal(kUrn.begin(), kUrn.end(), text.begin(), [](char a, char b) { return a == fold_byte(b); });
  return is_dashed_uuid(urn ? text.substr(kUrn.size()) : text);
}

bool is_id(std::string_view value) {
  double number = 0;
  return try_parse_go_float(value, &number) || is_uuid(value);
}

/// Whether a label tells more than which of many: not all of its values are numbers or UUIDs, or it is a flag.
bool worth_showing(std::string_view name, const Values& values) {
  if (std::find(kAlwaysKept.begin(), kAlwaysKept.end(), name) != kAlwaysKept.end()) return true;
  const bool flag = std::all_of(values.begin(), values.end(), [](auto value) { return value == "0" || value == "1"; });
  return flag || !std::all_of(values.begin(), values.end(), is_id);
}

Result<DetectedLabels> detect(const QueryEngine::Environment& environment, const ReadContext& context,
                              const std::string& query, int64_t start_ns, int64_t end_ns) {
  TRY_ASSIGN(const bool visible, limit_metadata_range(context.limits, environment.clock->now_ns(), &start_ns, end_ns));
  std::vector<Matcher> matchers;
  if (!query.empty()) {
    TRY_ASSIGN(matchers, parse_selector(query, SelectorRule::needs_non_empty));
  }
  DetectedLabels answer;
  if (!visible) return answer;
  TRY_ASSIGN(const StreamParts parts, find_stream_parts(environment, context.tenant, start_ns, end_ns, matchers));
  const std::vector<StreamPtr> streams = distinct_streams(parts);
  std::map<std::string_view, Values> labels;
  for (const StreamPtr& stream : streams) {
    for (const auto& [name, value] : stream->labels.pairs()) labels[name].insert(value);
  }
  for (const auto& [name, values] : labels) {
    if (worth_showing(name, values)) answer.labels.push_back({std::string(name), values.size()});
  }
  return answer;
}

}  // namespace

Answer<DetectedLabels> QueryEngine::detected_labels(const ReadContext& context, const std::string& query,
                                                    int64_t start_ns, int64_t end_ns) const {
  auto answer = detect(impl_->environment, context, query, start_ns, end_ns);
  if (!answer.ok()) return to_query_error(answer.error());
  return std::move(*answer);
}

}  // namespace cordwood::query
