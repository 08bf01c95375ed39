// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "storage/segment.h"

namespace cordwood {

/// By block: the columns whose ids take less when the segment keeps them once.  A sample is compared: of all columns
/// the same ids, chosen by their hash.
Result<std::vector<std::vector<uint32_t>>> choose_listed_columns(const std::vector<SpilledBlock>& blocks);

}  // namespace cordwood
