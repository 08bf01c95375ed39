// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "query/logql_ast.h"

namespace cordwood::query {

/// The value of an arithmetic or comparison operator over two numbers.  Division and modulo by zero are NaN;
/// comparisons give 1 or 0.  Not for set operators.
double apply_binary(BinaryOp op, double left, double right);

}  // namespace cordwood::query
