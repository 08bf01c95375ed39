// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "api/config_keys.h"

namespace cordwood::api {

/// The keys of deletes and retention, which are Loki's.
std::vector<ConfigKey> delete_keys();

/// `[{"selector":…,"priority":…,"period":…}]`, which YAML reads too.
std::string print_retention_stream(const DeleteSettings& settings);

}  // namespace cordwood::api
