// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "storage/base/memory_accountant.h"
#include "storage/base/mutex.h"
#include "storage/line_shredder.h"
#include "storage/stable_vector.h"

namespace cordwood {

class HeadBlock;

/// The lines of a head block as shapes and cells, for queries that ask for fields: who asks first has the lines cut,
/// once for all.  Their memory is of the caches' share; where that has no room no more lines are cut.
class HeadShreds {
 public:
  explicit HeadShreds(MemoryAccountant& memory);

  /// Cuts what is not cut yet of the first `rows` rows, which the block has and whose bytes it keeps.  Returns how many
  /// are cut, maybe fewer, maybe more.  Any thread, also while others read what was cut before.
  uint32_t extend(const HeadBlock& block, uint32_t rows) EXCLUDES(mu_);
  /// Of a row that is cut: its shape, of form json or logfmt, which stays where it is; null for other lines.
  const Shape* shape(uint32_t row) const { return rows_[row].shape; }
  /// `line` is the row's, `slot` one of its shape's.
  std::string_view cell(uint32_t row, std::string_view line, const ShapeSlot& slot) const;

 private:
  struct Row {
    const Shape* shape = nullptr;
    uint32_t first_cell = 0;
  };
  void cut(std::string_view line) REQUIRES(mu_);
  /// Takes what another line may need; false when there is no room.
  bool take_memory() REQUIRES(mu_);

  MemoryAccountant& accountant_;
  Mutex mu_;
  LineShredder shredder_ GUARDED_BY(mu_);
  std::vector<std::string_view> cells_ GUARDED_BY(mu_);  ///< of the line that is cut
  uint64_t shape_bytes_ GUARDED_BY(mu_) = 0;
  MemoryReservation memory_ GUARDED_BY(mu_);
  StableVector<Shape> shapes_;
  StableVector<Row> rows_;
  StableVector<uint16_t> begins_;  ///< of each cell, in its line
};

}  // namespace cordwood
