// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "api/config.h"
#include "storage/s3_store.h"

namespace cordwood::api {

/// The store that `config.storage` names.  A data directory belongs to one: its WAL tells what is not yet in that very
/// store, so a change is refused (invalid) with a message that says how to move.
/// With a lease nothing can be written before it is held (api/lease_keeper.h).
Result<S3Home> open_object_store(const Config& config, const S3Environment& env);

}  // namespace cordwood::api
