// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "storage/shred_json.h"

namespace cordwood::shred {

/// Takes a logfmt line apart, if it is mostly that: at least two pairs, no fewer pairs than words without '=', no such
/// word with a digit (it would make a shape of every line), and nothing a strict logfmt parser refuses: keys are valid
/// UTF-8 without U+FFFD, '"' and '='; bare values hold no '"' and '='; quoted values have the grammar of json strings
/// and are followed by white space (any byte <= ' ') or the end.
CutResult cut_logfmt(std::string_view line, uint32_t max_slots, LineCuts* cuts);

}  // namespace cordwood::shred
