// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "storage/model/row_batch.h"

namespace cordwood {

// Whose rows a history is about, and when it begins.
inline const TenantId kTenants[] = {"a", "b%c"};
inline constexpr int64_t kStartNs = 1'700'006'399'000'000'000;  // a second before midnight: rows fall on two days

}  // namespace cordwood
