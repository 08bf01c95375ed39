// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/query/reference/random_source.h"

namespace cordwood::query::reference {

std::string random_log_query(Random& random);
std::string random_metric_query(Random& random);
enum class Errors : unsigned char {
  allowed,
  refused,   ///< rows with errors do not pass
  unlikely,  ///< only lines of JSON: parsers may leave out what the query does not need
};
/// A selector and stages.
std::string random_pipeline(Random& random, size_t stages, Errors errors);
std::string random_label_filter(Random& random);

}  // namespace cordwood::query::reference
