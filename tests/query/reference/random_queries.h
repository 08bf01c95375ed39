// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/query/reference/random_source.h"

namespace cordwood::query::reference {

std::string random_log_query(Random& random);
std::string random_metric_query(Random& random);
/// A selector and stages.  `safe`: rows with errors do not pass.
std::string random_pipeline(Random& random, size_t stages, bool safe);
std::string random_label_filter(Random& random);

}  // namespace cordwood::query::reference
