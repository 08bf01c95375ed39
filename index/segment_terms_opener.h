// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "storage/base/logger.h"
#include "storage/base/memory_accountant.h"
#include "storage/base/metrics.h"
#include "storage/segment_terms.h"

namespace cordwood::index {

/// Opens the Xapian parts of segments.  A part is kept packed, as it was read; its database is opened, in memory, when
/// first asked, and databases stay open up to a number of bytes, those asked last.  Parts may outlive it.
class XapianTermsOpener final : public SegmentTermsOpener {
 public:
  /// Memory is charged to the caches' share.  `memory`, `log` and `metrics` outlive it and its parts.
  XapianTermsOpener(uint64_t open_bytes, MemoryAccountant& memory, Logger& log, Metrics& metrics);
  ~XapianTermsOpener() override;
  std::shared_ptr<const SegmentTerms> open(std::string_view part, uint64_t checksum, uint32_t blocks) override;

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace cordwood::index
