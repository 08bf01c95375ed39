// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "storage/base/result.h"

namespace cordwood::api {

/// Keeps a second server, and commands that change data, out of the directory for as long as the process lives.
Result<void> lock_directory(const std::string& directory);

}  // namespace cordwood::api
