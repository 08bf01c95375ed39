// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "storage/base/memory_accountant.h"
#include "storage/base/metrics.h"

namespace cordwood::api {

/// Memory of the process.
uint64_t resident_bytes();

/// Shares of memory, and what the process takes of the machine.  Both arguments outlive the metrics.
void add_process_metrics(Metrics& metrics, MemoryAccountant& memory);

}  // namespace cordwood::api
