// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "tests/query/reference/entry.h"
#include "tests/query/reference/random_source.h"

namespace cordwood::query::reference {

/// One push: entries of one stream, in the order of the body; some repeat entries of before.
using Push = std::vector<Entry>;

/// Pushes of a few streams within an hour from kTestStartNs.  Without `ties` no two entries have the same time.
std::vector<Push> random_pushes(uint64_t seed, bool ties);
/// The entries a store holds after the pushes: of equal ones the first.
std::vector<Entry> stored_entries(const std::vector<Push>& pushes);
/// The body of a push request.
std::string push_body(const Push& push);

}  // namespace cordwood::query::reference
