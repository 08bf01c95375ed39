// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "storage/base/result.h"
#include "storage/model/matcher.h"
#include "storage/model/stream.h"

namespace cordwood::index {

/// The streams of one UTC day in a Xapian database of its own.  The only file that touches Xapian: its exceptions
/// end here, as corrupt or io.  Not thread-safe.
class DayIndex {
 public:
  /// Opens the database in `path`, or makes an empty one.
  static Result<std::unique_ptr<DayIndex>> open(const std::string& path);
  ~DayIndex();

  /// Adds those that are not there yet; durable when it returns.
  Result<void> add(std::span<const StreamPtr> streams);
  Result<bool> contains(const Stream& stream);
  /// Streams of the tenant whose labels satisfy every matcher, in no order.
  Result<std::vector<StreamPtr>> select(const TenantId& tenant, std::span<const Matcher> matchers);
  /// Bytes of decoded streams kept for the next select.
  uint64_t memory_bytes() const;

 private:
  struct Impl;
  explicit DayIndex(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace cordwood::index
