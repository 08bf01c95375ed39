// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/block_entry.h"
#include "storage/column_ints.h"
#include "storage/column_search.h"
#include "storage/segment.h"

namespace cordwood {

struct IdLists;

/// Where a block's data lies.
struct BlockPlace {
  std::shared_ptr<const ByteSource> source;
  uint64_t narrow_offset = 0;
  uint64_t heap_offset = 0;
  std::shared_ptr<const IdLists> ids = nullptr;  ///< of its segment; null: none
  uint64_t narrow_bytes = 0;
  uint64_t heap_bytes = 0;

  /// Most that is read at once of what lies around a frame: of a whole block, and of one part.
  static constexpr uint64_t kNearBlockBytes = 2u << 20;
  static constexpr uint64_t kNearPartBytes = 4u << 20;
  /// What to read with these bytes of a part where each read takes long: the block, the part, or a window of it.
  ObjectRange around(ObjectRange wanted, bool heap, uint64_t part_limit_bytes) const;
};

/// Reads, checks and unpacks the frames of one open block, each once.  Views stay valid as long as it lives.
class BlockFrames {
 public:
  BlockFrames(BlockPlace place, const std::vector<PieceMeta>* pieces, ReadStats* stats, bool counts_as_block = true);
  /// Raw bytes of a frame; kBitPadding more bytes are readable behind them.
  Result<std::string_view> frame(uint32_t piece, uint32_t index);
  const PieceMeta& piece(uint32_t index) const { return (*pieces_)[index]; }
  /// Forgets packed bytes, and tells the bytes of the frames that are unpacked.
  uint64_t settle();
  /// Forgets the frames of one piece; views of them are void.
  void forget(uint32_t piece) { states_[piece] = State(); }
  /// Forgets all frames; views of them are void.
  void forget() { states_ = std::vector<State>(states_.size()); }
  void begin_again(ReadStats* stats) {
    stats_ = stats;
    touched_ = !counts_as_block_;
  }
  /// What is read at once of a part at most, where each read takes long.
  void set_near_part_bytes(uint64_t bytes) { near_part_bytes_ = bytes; }

 private:
  struct State {
    std::vector<std::unique_ptr<char[]>> raw;  ///< by frame, with kBitPadding zeros behind its bytes
    std::shared_ptr<const ObjectBytes> read;   ///< holds packed
    std::string_view packed;                   ///< frames [packed_begin, packed_end) as they were read
    uint32_t packed_begin = 0;
    uint32_t packed_end = 0;
  };
  Result<void> read_packed(const PieceMeta& piece, uint32_t index, State* state);
  Result<std::shared_ptr<const ObjectBytes>> read(ObjectRange wanted, bool heap);

  BlockPlace place_;
  const std::vector<PieceMeta>* pieces_;
  ReadStats* stats_;
  std::vector<State> states_;
  std::array<std::shared_ptr<const ObjectBytes>, 2> near_;  ///< what came with others last, narrow and heap
  uint64_t near_part_bytes_ = BlockPlace::kNearPartBytes;
  bool counts_as_block_;
  bool touched_;  ///< the block is counted
};

/// Index of the frame that holds `row`; the piece has it.
uint32_t frame_of_row(const PieceMeta& piece, uint32_t row);

/// A piece of integers.
class IntPiece {
 public:
  IntPiece() = default;
  IntPiece(BlockFrames* frames, uint32_t piece) : frames_(frames), piece_(piece) {}
  uint32_t rows() const { return frames_->piece(piece_).rows(); }
  Result<int64_t> get(uint32_t row);
  /// Values of one frame of the piece.
  Result<void> decode_frame(uint32_t index, std::vector<int64_t>* out);
  /// Appends all values.
  Result<void> decode_all(std::vector<int64_t>* out);
  /// All values, which are ids below `bound`; else corrupt.  `out` has room for rows() of them.
  Result<void> decode_ids(uint32_t bound, uint32_t* out);
  Result<void> decode_ids(uint32_t frame, uint32_t bound, uint32_t* out);
  /// Sets the bits of the values that pass the test (see IntFrame::find).
  template <typename Test>
  Result<void> find(Test&& test, RowBits* found) {
    const std::vector<FrameMeta>& frames = frames_->piece(piece_).frames;
    for (uint32_t i = 0; i < frames.size(); ++i) {
      TRY_ASSIGN(const std::string_view raw, frames_->frame(piece_, i));
      TRY(IntFrame::find(raw, frames[i].rows, test, frames[i].first_row, found));
    }
    return {};
  }
  uint64_t memory_bytes() const;

 private:
  Result<const IntFrame*> frame(uint32_t index);
  BlockFrames* frames_ = nullptr;
  uint32_t piece_ = 0;
  std::vector<std::optional<IntFrame>> parsed_;
  const IntFrame* last_ = nullptr;  ///< frame of the last get()
  uint32_t last_begin_ = 0;
  uint32_t last_count_ = 0;
};

/// A piece of texts.
class TextPiece {
 public:
  TextPiece() = default;
  TextPiece(BlockFrames* frames, uint32_t piece) : frames_(frames), piece_(piece) {}
  uint32_t rows() const { return frames_->piece(piece_).rows(); }
  Result<std::string_view> get(uint32_t row);
  /// Sets the bits of the texts that pass the test.
  Result<void> find(const CellTest& test, RowBits* found);
  uint64_t memory_bytes() const;

 private:
  struct Frame {
    std::string_view text;
    std::vector<uint32_t> ends;
    std::string_view get(uint32_t i) const {
      const uint32_t begin = i == 0 ? 0 : ends[i - 1];
      return text.substr(begin, ends[i] - begin);
    }
  };
  Result<const Frame*> frame(uint32_t index);
  BlockFrames* frames_ = nullptr;
  uint32_t piece_ = 0;
  std::vector<std::unique_ptr<Frame>> parsed_;
  const Frame* last_ = nullptr;  ///< frame of the last get()
  uint32_t last_begin_ = 0;
  uint32_t last_count_ = 0;
};

/// Times of the block's rows.
class TimePiece {
 public:
  /// `runs` outlives it.
  TimePiece(BlockFrames* frames, const std::vector<StreamRun>* runs) : frames_(frames), runs_(runs) {}
  Result<int64_t> get(uint32_t row);
  Result<std::span<const int64_t>> all();
  /// Forgets them; views are void.
  void forget() {
    times_.reset();
    loaded_.clear();
  }
  uint64_t memory_bytes() const { return times_ == nullptr ? 0 : rows() * sizeof(int64_t); }

 private:
  uint32_t rows() const { return frames_->piece(kTimesPiece).rows(); }
  Result<void> load(uint32_t index);
  BlockFrames* frames_;
  const std::vector<StreamRun>* runs_;
  std::unique_ptr<int64_t[]> times_;
  std::vector<bool> loaded_;  ///< by frame
};

}  // namespace cordwood
