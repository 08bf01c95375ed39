// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "storage/base/result.h"
#include "storage/model/labels.h"

namespace cordwood::ingest {

/// Reads a stream's labels as Prometheus writes a metric: `{app="x", "odd name"='y',}`, names in any order, a name
/// in front as `__name__`.  Gives the pairs sorted by name, those with an empty value left out; a name may stand
/// twice.  Errors are invalid and read as Prometheus' do: `1:4: parse error: …`.
Result<std::vector<Labels::Pair>> parse_label_text(std::string_view text);

}  // namespace cordwood::ingest
