// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "storage/shred_json.h"

namespace cordwood::shred {

/// Takes any line apart into the words that make its template and the tokens that vary: those with a digit, '/' or
/// '\', whatever follows '=', and whatever stands between double quotes.  Clock times stay whole.
CutResult cut_text(std::string_view line, uint32_t max_slots, LineCuts* cuts);

}  // namespace cordwood::shred
