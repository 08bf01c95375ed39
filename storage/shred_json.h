// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/shred_scan.h"

namespace cordwood::shred {

enum class CutResult : uint8_t {
  done,
  not_this_form,
  over_limit,  ///< this form, but too deep or with too many cells
};

/// Takes a json line apart (see LineShredder for what is accepted).  Cells lie in line order.
CutResult cut_json(std::string_view line, uint32_t max_slots, uint32_t max_depth, LineCuts* cuts);

/// Keys from the outermost object to `key`, decoded.
std::vector<std::string> json_path(std::string_view line, const LineCuts& cuts, uint32_t key);

/// Text of a valid json string's inside: escapes resolved, lone surrogates as U+FFFD, other bytes as they are.
std::string decode_json_string(std::string_view escaped);

}  // namespace cordwood::shred
