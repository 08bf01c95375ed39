// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "query/logql_ast.h"

/// Canonical texts, as Loki prints an expression (in errors, stage names and format_query).  Where Loki's text would be
/// no query or another one, ours can be read back: what literals fold to (`(0 / 0)`, `-0.0`), `ignoring () group_left`.
namespace cordwood::query {

std::string to_string(const Expr& expr);
std::string to_string(const LogQuery& query);
std::string to_string(const LogRange& range);
std::string to_string(const Unwrap& unwrap);         ///< `| unwrap bytes(x) | y="z"`
std::string range_to_string(const LogRange& range);  ///< `[5m] offset 1m0s`
/// Whether `[5m] offset 1m` has to stand behind the selector: Grafana's grammar knows no offset behind stages and
/// unwrap.
bool ranges_first(const LogRange& range);
/// `/ on (a) group_left (b)`, labels parted by `separator`.
std::string modified_op_to_string(const BinaryExpr& binary, std::string_view separator);
/// With the leading `| ` or operator: `| json`, `|= "x"`.
std::string to_string(const Stage& stage);
std::string to_string(const LabelFilter& filter);
/// ` by (a,b)`; empty when absent.
std::string to_string(const std::optional<Grouping>& grouping);
std::string matchers_to_string(const std::vector<Matcher>& matchers);  ///< `{a="x", b!="y"}`

std::string number_to_string(double value);  ///< `1.5`, `1e+06`, `(0 / 0)`
/// Whether an aggregation of a vector does the same without it: `by ()`.
bool is_default(const std::optional<Grouping>& grouping);

std::string_view to_string(LineOp op);
std::string_view to_string(CompareOp op);
std::string_view to_string(RangeOp op);
std::string_view to_string(VectorOp op);
std::string_view to_string(BinaryOp op);

}  // namespace cordwood::query
