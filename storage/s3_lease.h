// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "storage/s3_client.h"
#include "storage/writer_lease.h"

namespace cordwood {

/// Of leases, below the store's own prefix; list() does not show them.
constexpr const char* kLeasePrefix = "lease/";
/// Of the one server that writes to a bucket which overwrites.
constexpr const char* kWriterLease = "lease/writer";
/// Of the one server that writes as a node.
std::string node_lease_key(const std::string& node);

/// The object of a lease in a bucket; the client outlives it.
std::unique_ptr<LeaseObject> make_s3_lease_object(S3Client& client, std::string key);

}  // namespace cordwood
