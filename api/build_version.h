// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace cordwood::api {

inline constexpr std::string_view kVersion = "0.1.0";
/// What we answer when a client asks which Loki this is: Grafana switches features by it.
inline constexpr std::string_view kLokiVersion = "3.7.0";

}  // namespace cordwood::api
