// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/query/reference/range_samples.h"

/// Operators on values at one time, one after another.
namespace cordwood::query::reference {

LabelMap grouped(const LabelMap& labels, const std::vector<std::string>& names, bool without);
InstantVector aggregate(const VectorAggregation& expr, const InstantVector& input, Trouble* trouble);
double combine(BinaryOp op, double left, double right);
bool holds(BinaryOp op, double left, double right);
InstantVector combine_literal(const BinaryExpr& expr, const InstantVector& vector, double literal, bool literal_is_left,
                              Trouble* trouble);
InstantVector combine_vectors(const BinaryExpr& expr, const InstantVector& left, const InstantVector& right,
                              Trouble* trouble);
InstantVector replace_label(const LabelReplace& expr, const InstantVector& input, Trouble* trouble);

}  // namespace cordwood::query::reference
