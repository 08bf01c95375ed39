// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "storage/base/object_store.h"
#include "storage/s3_options.h"

namespace cordwood {

/// A bucket as an object store.  Asks it whether it honours `If-None-Match: *` (three small requests below `probe/`),
/// so keys and rights are tried, too.  invalid: the options are wrong, or the bucket overwrites and `single_writer` is
/// not set; unavailable: the bucket does not answer or refuses.
///
/// put_if_absent carries a name of its own with each object, so that one whose answer was lost knows its own object
/// when it tries again.  All errors of server, network and rights are `unavailable`: what cannot be read now is not
/// lost.
Result<std::unique_ptr<ObjectStore>> open_s3_store(S3Options options, S3Environment env);

}  // namespace cordwood
