// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "storage/base/memory_accountant.h"

namespace cordwood::api {

/// Reads a small file whole; nothing when there is none.
using SmallFileReader = std::function<std::optional<std::string>(const std::string& path)>;
SmallFileReader machine_files();

/// The tightest memory limit of the cgroups (version 2 or 1) this process is in; nothing when there is none.
std::optional<uint64_t> cgroup_memory_limit(const SmallFileReader& read);

/// Makes the shares fit: together they may take three quarters of the limit, the rest is for what is not accounted
/// (code, stacks, SQLite, Xapian, the allocator).  True when they were cut down.
bool fit_memory(uint64_t limit_bytes, MemoryAccountant::Limits* shares);

}  // namespace cordwood::api
