// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "query/label_builder.h"
#include "query/row_arena.h"
#include "query/row_selection.h"
#include "storage/block_view.h"

namespace cordwood::query {

/// Bytes of a time zone's TZif file by its name; empty when there is none.
using ZoneFile = std::function<std::string(std::string_view)>;

/// One row on its way through a pipeline: its line, rendered only when a stage asks for it, and its labels.
/// Views a stage hands in or gets hold until the next begin().
class PipelineRow {
 public:
  PipelineRow() : labels(&arena) {}
  PipelineRow(const PipelineRow&) = delete;  // labels points into it
  PipelineRow& operator=(const PipelineRow&) = delete;

  void begin(BlockView* block, uint32_t row, const Stream* stream, int64_t time_ns) {
    arena.reset();
    block_ = block;
    row_ = row;
    stream_ = stream;
    time_ns_ = time_ns;
    line_.reset();
    line_replaced_ = false;
    stored_size_ = 0;
    failure_.reset();
    labels.begin(&stream->labels, block, row);
  }

  BlockView& block() const { return *block_; }
  /// False when no row of the block has metadata of this name, as far as its index tells.
  bool block_may_have_metadata(std::string_view name) const {
    return source == nullptr || source->may_have_metadata(name);
  }
  uint32_t row() const { return row_; }
  const Stream& stream() const { return *stream_; }
  int64_t time_ns() const { return time_ns_; }

  /// The line as it stands; empty when it cannot be read (see failure()).
  std::string_view line() {
    if (!line_) {
      auto read = block_->line(row_, &scratch_);
      if (!read.ok()) {
        fail(std::move(read).error());
        line_ = std::string_view();
      } else {
        line_ = *read;
        stored_size_ = read->size();
      }
    }
    return *line_;
  }
  /// The size of the line as it stands; 0 when it cannot be read.
  uint64_t line_bytes() {
    if (line_) return line_->size();
    auto bytes = block_->line_bytes(row_);
    if (!bytes.ok()) {
      fail(std::move(bytes).error());
      return 0;
    }
    stored_size_ = *bytes;
    return stored_size_;
  }
  /// Size of the stored line, 0 when nothing asked for it.
  uint64_t line_size_if_known() const { return stored_size_; }
  /// For lines that were looked at without being read.
  void assume_line_size(uint64_t bytes) {
    if (stored_size_ == 0) stored_size_ = bytes;
  }
  void set_line(std::string_view line) {
    line_ = line;
    line_replaced_ = true;
  }
  /// Whether the line is still the stored one, so that its shape speaks for it.
  bool line_is_stored() const { return !line_replaced_; }

  void fail(Error error) {
    if (!failure_) failure_ = std::move(error);
  }
  /// The first error of the block met while working on this row; the row is worthless then.
  const std::optional<Error>& failure() const { return failure_ ? failure_ : labels.failure(); }

  RowArena arena;
  LabelBuilder labels;
  int64_t now_ns = 0;                   ///< when the query started, for templates
  const BlockSource* source = nullptr;  ///< of the block of the row; may be null
  const ZoneFile* zones = nullptr;      ///< likewise; may be null

 private:
  BlockView* block_ = nullptr;
  uint32_t row_ = 0;
  const Stream* stream_ = nullptr;
  int64_t time_ns_ = 0;
  std::optional<std::string_view> line_;
  bool line_replaced_ = false;
  uint64_t stored_size_ = 0;
  std::string scratch_;
  std::optional<Error> failure_;
};

/// One operator of a pipeline.  Belongs to one query, one thread at a time; may keep caches between rows.
class RowStage {
 public:
  virtual ~RowStage() = default;
  /// False drops the row.
  virtual bool process(PipelineRow& row) = 0;
  /// Another block follows: what was remembered by its pointers is void.
  virtual void on_block() {}
  /// Takes out of a sealed block's rows those that process() would drop, all lines being the stored ones; what it
  /// cannot tell stays open.
  virtual Result<void> select(BlockView& block, RowSelection* rows) {
    (void)block;
    rows->open.set_all();
    return {};
  }
};

}  // namespace cordwood::query
