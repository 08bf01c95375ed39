// SPDX-License-Identifier: Apache-2.0
#include "storage/day_ids.h"

#include <algorithm>

namespace cordwood {

DayIds::DayIds(ObjectStore& store, DayIdsMeta meta) : meta_(std::move(meta)), source_(object_source(store, meta_.key)) {
  uint32_t begin = 0;
  for (const DayIdsMeta::Part& part : meta_.parts) {
    begins_.push_back(begin);
    begin += part.blocks;
  }
}

uint64_t DayIds::memory_bytes() const {
  uint64_t bytes = sizeof(*this);
  for (const DayIdsMeta::Part& part : meta_.parts) bytes += sizeof(part) + part.segment.size() + sizeof(uint32_t);
  return bytes;
}

std::shared_ptr<const DayIds::Found> DayIds::look_up(uint64_t id, ReadStats* stats) const {
  if (auto recent = recent_.find([id](const Found& known) { return known.id == id; })) return recent;
  auto found = std::make_shared<const Found>(read(id, stats));
  if (found->kind != Found::Kind::away) recent_.add(found);
  return found;
}

DayIds::Found DayIds::read(uint64_t id, ReadStats* stats) const {
  Found out;
  out.id = id;
  const IdTableShape& shape = meta_.shape;
  if (shape.buckets == 0) return out;
  const uint64_t place = id_place(id, shape);
  const IdBuckets wanted = id_buckets(id_bucket(place, shape), shape);
  ++stats->index_reads;
  stats->index_bytes += wanted.bytes();
  const Result<std::string> buckets = source_->read(kDayIdsHeaderBytes + wanted.offset(), wanted.bytes());
  if (is_away(buckets)) {
    out.kind = Found::Kind::away;
    return out;
  }
  IdMatch match;
  const bool good = buckets.ok() && search_id_buckets(*buckets, wanted, place, shape, &match).ok();
  if (!good) {
    ++stats->index_damages;
    damaged_ = true;
  }
  if (!good || match.anywhere) {
    out.kind = Found::Kind::unknown;
    return out;
  }
  out.blocks = std::move(match.blocks);
  std::sort(out.blocks.begin(), out.blocks.end());
  return out;
}

std::vector<uint32_t> DayIds::blocks_of(const Found& found, uint32_t part) const {
  CHECK(part < begins_.size(), "part {} of {}", part, begins_.size());
  const uint32_t begin = begins_[part];
  const uint32_t end = begin + meta_.parts[part].blocks;
  std::vector<uint32_t> out;
  for (auto at = std::lower_bound(found.blocks.begin(), found.blocks.end(), begin);
       at != found.blocks.end() && *at < end; ++at) {
    out.push_back(*at - begin);
  }
  return out;
}

}  // namespace cordwood
