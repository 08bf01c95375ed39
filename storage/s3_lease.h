// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "storage/s3_client.h"
#include "storage/writer_lease.h"

namespace cordwood {

/// Below the store's prefix; list() does not show it.
constexpr const char* kLeaseKey = "lease/writer";

/// The lease's object in a bucket; the client outlives it.
std::unique_ptr<LeaseObject> make_s3_lease_object(S3Client& client);

}  // namespace cordwood
