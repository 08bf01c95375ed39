// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "storage/base/object_store.h"
#include "storage/range_cache.h"

namespace cordwood {

/// `below` with a cache of what is read from and written to objects whose keys begin with `prefix`; those must be
/// immutable, under keys that are never used again.  What goes up is kept on the way, so that new segments are read
/// from the local disk.
std::unique_ptr<ObjectStore> make_cached_store(std::unique_ptr<ObjectStore> below, std::unique_ptr<RangeCache> cache,
                                               std::string prefix, Metrics& metrics);

}  // namespace cordwood
