// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "storage/block_view.h"

namespace cordwood {

/// BlockView::rows_with_text() for any block: renders and searches row by row.
Result<RowBits> search_rendered(BlockView& block, TextNeedle needle, TextPlace place);

}  // namespace cordwood
