// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace cordwood::query {

enum class DecimalOp : unsigned char { add, sub, mul, div };

/// Arithmetic on the shortest decimals of two doubles, so that 0.1 + 0.2 is 0.3.  A quotient has 16 decimals.  Falls
/// back to binary arithmetic where the digits do not fit 38.  `right` must not be 0 for div.
double apply_decimal(DecimalOp op, double left, double right);

}  // namespace cordwood::query
