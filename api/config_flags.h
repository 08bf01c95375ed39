// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "api/config_load.h"

namespace CLI {
class App;
}

namespace cordwood::api {

/// Adds --config, --data-dir, --http-listen and one flag per key to a subcommand; `sources` outlives it and gets
/// what was given, and the process's variables.
void add_config_flags(CLI::App& command, ConfigSources* sources);

}  // namespace cordwood::api
