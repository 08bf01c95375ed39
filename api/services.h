// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "api/config.h"
#include "api/phase.h"

namespace cordwood::api {

/// What the handlers work with; all outlive them.  Engine, pusher, queries and tails are set before the phase is
/// `running`.
struct Services {
  const Config* config = nullptr;
  Engine* engine = nullptr;
  ingest::Pusher* pusher = nullptr;
  const query::QueryEngine* queries = nullptr;
  const query::TailReader* tails = nullptr;
  Metrics* metrics = nullptr;
  Clock* clock = nullptr;
  Logger* log = nullptr;
  const std::atomic<Phase>* phase = nullptr;
  std::function<std::string()> config_yaml;  ///< what /config answers
};

}  // namespace cordwood::api
