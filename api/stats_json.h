// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "query/query_engine.h"

namespace cordwood::api {

/// Appends Loki's `stats` object with every key, and under `cordwood` what reading cost here.
void append_stats(const query::QueryStats& stats, std::string* out);

}  // namespace cordwood::api
