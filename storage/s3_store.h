// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "storage/base/object_store.h"
#include "storage/s3_http.h"
#include "storage/s3_options.h"
#include "storage/writer_lease.h"

namespace cordwood {

/// A bucket as an object store.
struct S3Home {
  std::unique_ptr<ObjectStore> store;
  /// Where the bucket does not honour `If-None-Match: *`, or with S3Options::node_lease: what must be held
  /// (WriterLease::tick()) before anything can be written; until then, and when it was lost, writes answer unavailable.
  /// Null: no lease is needed.  The store's.
  WriterLease* lease = nullptr;
};

/// Asks the bucket whether it honours `If-None-Match: *` (small requests below `probe/`), so keys and rights are
/// tried, too.  `owner` names the data directory, for the lease.  invalid: the options are wrong, or the bucket refuses
/// (wrong keys, no rights, no such bucket); unavailable: it does not answer, or cannot now.
///
/// put_if_absent carries a name of its own with each object, so that one whose answer was lost knows its own object
/// when it tries again.  All errors of server, network and rights are `unavailable`: what cannot be read now is not
/// lost.
Result<S3Home> open_s3_home(S3Options options, S3Environment env, const std::string& owner, const std::string& node);
/// The same over another way of sending requests than libcurl's.
Result<S3Home> open_s3_home(S3Options options, S3Environment env, const std::string& owner, const std::string& node,
                            std::unique_ptr<HttpTransport> http);
/// For who only reads, or whose bucket honours the condition: without a lease the others refuse writes.
Result<std::unique_ptr<ObjectStore>> open_s3_store(S3Options options, S3Environment env);

}  // namespace cordwood
