// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "api/config.h"
#include "api/phase.h"
#include "lifecycle/eraser.h"

namespace cordwood::api {

/// What the handlers work with; all outlive them.  Engine, pusher, queries, tails, eraser and audit are set before the
/// phase is `running`.
struct Services {
  const Config* config = nullptr;
  Engine* engine = nullptr;
  ingest::Pusher* pusher = nullptr;
  const query::QueryEngine* queries = nullptr;
  const query::TailReader* tails = nullptr;
  const lifecycle::Eraser* eraser = nullptr;
  lifecycle::AuditLog* audit = nullptr;
  std::function<std::string()> push_refused;  ///< why no push can be taken now; empty: it can
  std::function<std::string()> waits_for;     ///< why the server is not ready, as far as that is known
  Metrics* metrics = nullptr;
  Clock* clock = nullptr;
  Logger* log = nullptr;
  const std::atomic<Phase>* phase = nullptr;
  std::function<std::string()> config_yaml;  ///< what /config answers
  std::function<std::string()> new_id;       ///< of a delete request or a hold
};

}  // namespace cordwood::api
