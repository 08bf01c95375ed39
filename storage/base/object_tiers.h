// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "storage/base/object_store.h"

namespace cordwood {

/// How an object is kept, and whether it can be read now.
struct ObjectTier {
  enum class Access : unsigned char {
    at_once,
    archived,   ///< not before it is restored; until then reads answer unavailable
    restoring,  ///< asked for; takes minutes to days
    restored    ///< for a while
  };
  std::string storage_class;  ///< by the store's own names: STANDARD, STANDARD_IA, GLACIER_IR, DEEP_ARCHIVE …
  Access access = Access::at_once;
  int64_t restored_until_ns = 0;  ///< Unix time, of `restored`
};

/// Storage classes of an object store (ObjectStore::tiers).  Thread-safe.
class ObjectTiers {
 public:
  virtual ~ObjectTiers() = default;
  /// As ObjectStore::upload, into a class of its own.
  virtual Result<std::unique_ptr<ObjectUpload>> upload_as(const std::string& key, const std::string& storage_class) = 0;
  virtual Result<ObjectTier> tier(const std::string& key) = 0;
  /// Keeps key and bytes.  Success when it is of that class already; unavailable for what is archived; not_found.
  virtual Result<void> change_class(const std::string& key, const std::string& storage_class) = 0;
  enum class Speed : unsigned char { bulk, standard, expedited };
  /// Asks for an archived object to be readable for some days.  Success also when that is under way, done or not
  /// needed; asking again prolongs it.
  virtual Result<void> restore(const std::string& key, uint32_t days, Speed speed) = 0;
};

}  // namespace cordwood
