// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "storage/row_bits.h"

namespace cordwood::query {

/// What is known of the rows of a block before they are looked at one by one.
struct RowSelection {
  explicit RowSelection(uint32_t rows) : kept(rows), open(rows) { kept.set_all(); }
  RowBits kept;  ///< those that may pass; the others are dropped
  RowBits open;  ///< those that, if kept, have yet to be looked at
};

}  // namespace cordwood::query
