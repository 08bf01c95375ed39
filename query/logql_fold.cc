// SPDX-License-Identifier: Apache-2.0
#include "query/logql_fold.h"

#include <cmath>
#include <limits>

namespace cordwood::query {

double apply_binary(BinaryOp op, double left, double right) {
  switch (op) {
    case BinaryOp::add: return left + right;
    case BinaryOp::sub: return left - right;
    case BinaryOp::mul: return left * right;
    case BinaryOp::div: return right == 0 ? std::numeric_limits<double>::quiet_NaN() : left / right;
    case BinaryOp::mod: return right == 0 ? std::numeric_limits<double>::quiet_NaN() : std::fmod(left, right);
    case BinaryOp::pow: return std::pow(left, right);
    case BinaryOp::equal: return left == right ? 1 : 0;
    case BinaryOp::not_equal: return left != right ? 1 : 0;
    case BinaryOp::less: return left < right ? 1 : 0;
    case BinaryOp::less_equal: return left <= right ? 1 : 0;
    case BinaryOp::greater: return left > right ? 1 : 0;
    case BinaryOp::greater_equal: return left >= right ? 1 : 0;
    case BinaryOp::set_or:
    case BinaryOp::set_and:
    case BinaryOp::set_unless: break;
  }
  return std::numeric_limits<double>::quiet_NaN();
}

}  // namespace cordwood::query
