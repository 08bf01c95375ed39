// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "storage/base/check.h"
#include "storage/block_view.h"
#include "storage/line_shredder.h"

namespace cordwood::fuzz {

constexpr uint32_t kMaxRowsRead = 2000;

/// Text and number of every cell; true when the row's line is `rendered` from them.
inline bool drain_shape(BlockView& view, uint32_t row, const Shape& shape, std::string* rendered) {
  CHECK(shape.constants.size() == shape.slots.size() + 1, "constants {} slots {}", shape.constants.size(),
        shape.slots.size());
  std::vector<std::string> texts;
  for (const ShapeSlot& slot : shape.slots) {
    std::string scratch;
    const auto cell = view.cell(row, slot, &scratch);
    const auto number = view.integer_cell(row, slot);
    if (!cell.ok()) return false;
    texts.emplace_back(cell.value());
    if (number.ok() && number->has_value()) CHECK(std::to_string(**number) == texts.back(), "{}", texts.back());
  }
  const std::vector<std::string_view> cells(texts.begin(), texts.end());
  render_shape(shape, cells, rendered);
  return true;
}

inline void drain_row(BlockView& view, uint32_t row) {
  std::string scratch;
  const auto line = view.line(row, &scratch);
  const auto bytes = view.line_bytes(row);
  if (line.ok()) CHECK(bytes.ok() && *bytes == line->size(), "line and size differ");
  std::vector<MetadataPair> metadata;
  const bool has_metadata = view.metadata(row, &metadata).ok();
  const auto derived = view.derived_metadata_count(row);
  CHECK(!has_metadata || !derived.ok() || *derived <= metadata.size());
  for (const char* name : {"trace_id", "detected_level", "none"}) (void)view.metadata_value(row, name).ok();
  const auto shape = view.shape(row);
  if (!shape.ok() || *shape == nullptr) return;
  std::string rendered;
  if (drain_shape(view, row, **shape, &rendered)) CHECK(!line.ok() || *line == rendered, "line and cells differ");
}

/// Reads all there is to read of a block, in an order that changes with `seed`.
inline void drain_block(const BlockSource& source, uint32_t seed) {
  for (size_t i = 0; i < source.count_widths_ns().size(); ++i) (void)source.counts(i).ok();
  ReadStats stats;
  auto opened = source.open(&stats);
  if (!opened.ok()) return;
  BlockView& view = *opened.value();
  const uint32_t rows = view.row_count();
  for (const StreamRun& run : view.runs()) {
    CHECK(run.row_begin <= run.row_end && run.row_end <= rows, "run {} to {} of {}", run.row_begin, run.row_end, rows);
    CHECK(view.stream(run.stream) != nullptr);
  }
  if (seed % 2 == 0) {
    const auto times = view.times();
    CHECK(!times.ok() || times->size() == rows);
  }
  const uint32_t count = std::min(rows, kMaxRowsRead);
  for (uint32_t i = 0; i < count; ++i) drain_row(view, seed % 4 < 2 ? i : rows - 1 - i);
}

}  // namespace cordwood::fuzz
