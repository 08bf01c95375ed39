// SPDX-License-Identifier: Apache-2.0
#include "storage/id_table_writer.h"

#include <algorithm>

namespace cordwood {

Result<void> IdTableWriter::add(uint64_t place, const std::vector<uint32_t>& blocks) {
  const uint64_t own = id_bucket(place, *shape_);
  while (bucket_ < own) TRY(next_bucket());
  ++shape_->ids;
  shape_->entries += blocks.size();
  if (bucket_writer_.add(place, blocks)) return {};
  if (bucket_ + 1 - own >= IdTableShape::kMaxReach) {
    bucket_writer_.flood();
    return {};
  }
  TRY(next_bucket());
  CHECK(bucket_writer_.add(place, blocks), "an id does not fit into an empty bucket");
  shape_->reach = std::max(shape_->reach, static_cast<uint32_t>(bucket_ + 1 - own));
  return {};
}

Result<void> IdTableWriter::finish() {
  do {
    TRY(next_bucket());
  } while (bucket_ < shape_->buckets);
  shape_->overflow = static_cast<uint32_t>(bucket_ - shape_->buckets);
  return {};
}

}  // namespace cordwood
