// SPDX-License-Identifier: Apache-2.0
#include "storage/head_shreds.h"

#include "storage/head_block.h"

namespace cordwood {

namespace {

constexpr uint64_t kMemoryStepBytes = 64u << 10;
/// What a shape is made of lies with the shredder, and again in its trie.
constexpr uint64_t kShapeCopies = 2;
constexpr uint32_t kMostCells = 8u << 20;

uint64_t bytes_of(const Shape& shape) {
  uint64_t bytes = sizeof(Shape) + shape.slots.size() * (sizeof(ShapeSlot) + sizeof(std::string));
  for (const std::string_view constant : shape.constants) bytes += sizeof(constant) + constant.size();
  for (const ShapeSlot& slot : shape.slots) {
    for (const std::string& key : slot.path) bytes += sizeof(std::string) + key.size();
  }
  return bytes;
}

LineShredderLimits limits_of(const void* seed) {
  LineShredderLimits limits;
  limits.text = false;  // no query asks for its cells
  limits.hash_seed = reinterpret_cast<uintptr_t>(seed);
  return limits;
}

}  // namespace

HeadShreds::HeadShreds(MemoryAccountant& memory) : accountant_(memory), shredder_(limits_of(this)) {}

uint32_t HeadShreds::extend(const HeadBlock& block, uint32_t rows) {
  const MutexLock lock(mu_);
  while (rows_.size() < rows && take_memory()) cut(block.row(rows_.size()).line());
  return rows_.size();
}

void HeadShreds::cut(std::string_view line) {
  Row row{nullptr, begins_.size()};
  cells_.clear();
  const uint32_t shape = line.size() <= UINT16_MAX && begins_.size() < kMostCells ? shredder_.shred(line, &cells_)
                                                                                  : LineShredder::kRawShape;
  if (shape != LineShredder::kRawShape) {
    for (uint32_t known = shapes_.size(); known <= shape; ++known) {
      shapes_.push_back(shredder_.shapes()[known]);
      shape_bytes_ += kShapeCopies * bytes_of(shapes_[known]);
    }
    row.shape = &shapes_[shape];
    for (const std::string_view cell : cells_) begins_.push_back(static_cast<uint16_t>(cell.data() - line.data()));
  }
  rows_.push_back(row);
}

bool HeadShreds::take_memory() {
  const uint64_t used = shape_bytes_ + shapes_.reserved_bytes() + rows_.reserved_bytes() + begins_.reserved_bytes();
  if (used <= memory_.bytes() && memory_.bytes() > 0) return true;
  const uint64_t more = used - memory_.bytes() + kMemoryStepBytes;
  if (memory_.bytes() > 0) return memory_.grow(more).ok();
  auto taken = accountant_.reserve(MemoryShare::cache, more);
  if (taken.ok()) memory_ = std::move(*taken);
  return taken.ok();
}

std::string_view HeadShreds::cell(uint32_t row, std::string_view line, const ShapeSlot& slot) const {
  const Row& cut = rows_[row];
  const Shape& shape = *cut.shape;
  const auto number = static_cast<uint32_t>(&slot - shape.slots.data());
  const size_t begin = begins_[cut.first_cell + number];
  const bool last = number + 1 == shape.slots.size();
  const size_t next = last ? line.size() : begins_[cut.first_cell + number + 1];
  return line.substr(begin, next - shape.constants[number + 1].size() - begin);
}

}  // namespace cordwood
