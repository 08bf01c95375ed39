// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>
#include <vector>

#include "tests/query/reference/entry.h"

namespace cordwood::query::reference {

struct Fields {
  std::vector<std::pair<std::string, std::string>> pairs;  ///< sanitised names, in the order of the line
  bool valid = true;
};

/// Members of a JSON object, nested names joined with `_`; arrays and nulls are left out.
Fields json_fields(const std::string& line);
/// `key=value key="value" key`.  Of what is malformed only keys with quotes are known, in lines without `=`.
Fields logfmt_fields(const std::string& line, bool keep_empty);

}  // namespace cordwood::query::reference
