// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace cordwood::api {

/// Where a server is in its life; /ready tells it.  While `starting` the store is not there yet.
enum class Phase : unsigned char { starting, running, stopping };

}  // namespace cordwood::api
