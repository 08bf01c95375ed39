// SPDX-License-Identifier: Apache-2.0
#include "storage/block_frames.h"

#include <algorithm>
#include <cstring>

#include "storage/base/checksum.h"
#include "storage/base/coding.h"
#include "storage/column_bits.h"

namespace cordwood {

namespace {

/// A piece up to this size is read whole when any of its frames is needed.
constexpr uint64_t kWholePieceBytes = 64u << 10;
/// Reading frame after frame takes so many times as much as the read before, up to this.
constexpr uint64_t kReadAheadGrowth = 4;
constexpr uint64_t kReadAheadBytes = 512u << 10;

}  // namespace

ObjectRange BlockPlace::around(ObjectRange wanted, bool heap, uint64_t part_limit_bytes) const {
  const uint64_t end = heap_offset + heap_bytes;
  if (narrow_bytes > 0 && narrow_offset <= heap_offset && end - narrow_offset <= kNearBlockBytes) {
    return {narrow_offset, end - narrow_offset};
  }
  const uint64_t begin = heap ? heap_offset : narrow_offset;
  const uint64_t bytes = heap ? heap_bytes : narrow_bytes;
  const uint64_t first = (wanted.offset - begin) / part_limit_bytes * part_limit_bytes;
  const uint64_t last = std::max(wanted.offset - begin + wanted.size, std::min(first + part_limit_bytes, bytes));
  return {begin + first, last - first};
}

BlockFrames::BlockFrames(BlockPlace place, const std::vector<PieceMeta>* pieces, ReadStats* stats, bool counts_as_block)
    : place_(std::move(place)),
      pieces_(pieces),
      stats_(stats),
      states_(pieces->size()),
      counts_as_block_(counts_as_block),
      touched_(!counts_as_block) {}

uint64_t BlockFrames::settle() {
  uint64_t bytes = states_.capacity() * sizeof(State);
  for (State& state : states_) {
    state.read.reset();
    state.packed = {};
    state.packed_begin = state.packed_end = 0;
    const std::vector<FrameMeta>& frames = (*pieces_)[static_cast<size_t>(&state - states_.data())].frames;
    for (size_t i = 0; i < state.raw.size(); ++i)
      bytes += sizeof(state.raw[i]) + (state.raw[i] != nullptr ? frames[i].raw_bytes + kBitPadding : 0);
  }
  near_ = {};
  return bytes;
}

Result<std::shared_ptr<const ObjectBytes>> BlockFrames::read(ObjectRange wanted, bool heap) {
  for (const auto& near : near_)
    if (near != nullptr && near->holds(wanted)) return near;
  TRY_ASSIGN(ObjectBytes got, place_.source->read_near(wanted, place_.around(wanted, heap, near_part_bytes_)));
  stats_->bytes_read += got.bytes.size();
  auto out = std::make_shared<const ObjectBytes>(std::move(got));
  if (out->bytes.size() > wanted.size) near_[heap ? 1 : 0] = out;
  return out;
}

Result<void> BlockFrames::read_packed(const PieceMeta& piece, uint32_t index, State* state) {
  const uint32_t count = static_cast<uint32_t>(piece.frames.size());
  uint32_t begin = index;
  uint32_t end = index + 1;
  const auto bytes = [&] {
    return piece.frames[end - 1].offset + piece.frames[end - 1].packed_bytes - piece.frames[begin].offset;
  };
  if (piece.packed_bytes() <= kWholePieceBytes) {
    begin = 0;
    end = count;
  } else if (index > 0 && index == state->packed_end) {  // reads go on where the last one ended
    const uint64_t most = std::min<uint64_t>(kReadAheadBytes, kReadAheadGrowth * state->packed.size());
    while (end < count && bytes() + piece.frames[end].packed_bytes <= most) ++end;
  }
  const uint64_t size = bytes();
  const uint64_t part = piece.heap ? place_.heap_offset : place_.narrow_offset;
  const ObjectRange wanted{part + piece.frames[begin].offset, size};
  TRY_ASSIGN(state->read, read(wanted, piece.heap));
  if (!state->read->holds(wanted)) return Error::corrupt("block: its data ends early");
  state->packed = std::string_view(state->read->bytes).substr(wanted.offset - state->read->offset, size);
  state->packed_begin = begin;
  state->packed_end = end;
  if (!touched_) ++stats_->blocks_opened;
  touched_ = true;
  return {};
}

Result<std::string_view> BlockFrames::frame(uint32_t piece_index, uint32_t index) {
  const PieceMeta& piece = (*pieces_)[piece_index];
  State& state = states_[piece_index];
  if (index >= piece.frames.size()) return Error::corrupt("block: a piece has too few frames");
  if (state.raw.empty()) state.raw.resize(piece.frames.size());
  const FrameMeta& meta = piece.frames[index];
  if (state.raw[index] == nullptr) {
    if (index < state.packed_begin || index >= state.packed_end) TRY(read_packed(piece, index, &state));
    const std::string_view packed =
        state.packed.substr(meta.offset - piece.frames[state.packed_begin].offset, meta.packed_bytes);
    if (checksum_differs(meta.checksum, frame_checksum(packed, meta.codec)))
      return Error::corrupt("block: checksum of a frame differs");
    auto raw = std::make_unique_for_overwrite<char[]>(meta.raw_bytes + kBitPadding);
    TRY(decompress(meta.codec, packed, meta.raw_bytes, raw.get()));
    std::memset(raw.get() + meta.raw_bytes, 0, kBitPadding);
    state.raw[index] = std::move(raw);
    ++(piece.heap ? stats_->heap_frames : stats_->narrow_frames);
    stats_->bytes_unpacked += meta.raw_bytes;
  }
  return std::string_view(state.raw[index].get(), meta.raw_bytes);
}

uint32_t frame_of_row(const PieceMeta& piece, uint32_t row) {
  const std::vector<FrameMeta>& frames = piece.frames;
  const auto holds = [&](uint32_t i) {
    return row >= frames[i].first_row && row - frames[i].first_row < frames[i].rows;
  };
  if (const uint32_t guess = row / 4096; guess < frames.size() && holds(guess)) return guess;
  const auto after = std::upper_bound(frames.begin(), frames.end(), row,
                                      [](uint32_t r, const FrameMeta& f) { return r < f.first_row; });
  uint32_t at = static_cast<uint32_t>(after - frames.begin());
  while (at > 0 && !holds(--at)) continue;  // frames without rows may stand between
  return at;
}

Result<const IntFrame*> IntPiece::frame(uint32_t index) {
  if (parsed_.empty()) parsed_.resize(frames_->piece(piece_).frames.size());
  if (!parsed_[index]) {
    TRY_ASSIGN(const std::string_view raw, frames_->frame(piece_, index));
    TRY_ASSIGN(parsed_[index], IntFrame::parse(raw, frames_->piece(piece_).frames[index].rows));
  }
  return &*parsed_[index];
}

Result<int64_t> IntPiece::get(uint32_t row) {
  // The way of nearly every call: the frame is that of the call before.
  if (row - last_begin_ < last_count_) return last_->get(row - last_begin_);
  if (row >= rows()) return Error::corrupt("block: a column has too few cells");
  const uint32_t index = frame_of_row(frames_->piece(piece_), row);
  TRY_ASSIGN(last_, frame(index));
  last_begin_ = frames_->piece(piece_).frames[index].first_row;
  last_count_ = last_->count();
  return last_->get(row - last_begin_);
}

Result<void> IntPiece::decode_frame(uint32_t index, std::vector<int64_t>* out) {
  const uint32_t rows = frames_->piece(piece_).frames[index].rows;
  TRY_ASSIGN(const std::string_view raw, frames_->frame(piece_, index));
  out->resize(rows);
  return IntFrame::decode(raw, rows, out->data());
}

Result<void> IntPiece::decode_all(std::vector<int64_t>* out) {
  const PieceMeta& piece = frames_->piece(piece_);
  const size_t before = out->size();
  out->resize(before + piece.rows());
  for (uint32_t i = 0; i < piece.frames.size(); ++i) {
    TRY_ASSIGN(const std::string_view raw, frames_->frame(piece_, i));
    TRY(IntFrame::decode(raw, piece.frames[i].rows, out->data() + before + piece.frames[i].first_row));
  }
  return {};
}

Result<void> IntPiece::decode_ids(uint32_t bound, uint32_t* out) {
  const PieceMeta& piece = frames_->piece(piece_);
  for (uint32_t i = 0; i < piece.frames.size(); ++i) TRY(decode_ids(i, bound, out + piece.frames[i].first_row));
  return {};
}

Result<void> IntPiece::decode_ids(uint32_t frame, uint32_t bound, uint32_t* out) {
  TRY_ASSIGN(const std::string_view raw, frames_->frame(piece_, frame));
  return IntFrame::decode_ids(raw, frames_->piece(piece_).frames[frame].rows, bound, out);
}

uint64_t IntPiece::memory_bytes() const {
  uint64_t bytes = parsed_.capacity() * sizeof(parsed_[0]);
  for (const auto& frame : parsed_) bytes += frame ? frame->memory_bytes() : 0;
  return bytes;
}

uint64_t TextPiece::memory_bytes() const {
  uint64_t bytes = parsed_.capacity() * sizeof(parsed_[0]);
  for (const auto& frame : parsed_)
    bytes += frame != nullptr ? sizeof(Frame) + frame->ends.capacity() * sizeof(uint32_t) : 0;
  return bytes;
}

Result<const TextPiece::Frame*> TextPiece::frame(uint32_t index) {
  const PieceMeta& piece = frames_->piece(piece_);
  if (parsed_.empty()) parsed_.resize(piece.frames.size());
  if (parsed_[index] == nullptr) {
    TRY_ASSIGN(const std::string_view raw, frames_->frame(piece_, index));
    const uint64_t count = piece.frames[index].rows;
    const uint8_t width = raw.empty() ? 0 : static_cast<uint8_t>(raw[0]);
    if ((width != 1 && width != 2 && width != 4) || raw.size() - 1 < count * width) {
      return Error::corrupt("block: lengths of a text frame are malformed");
    }
    auto f = std::make_unique<Frame>();
    f->text = raw.substr(1 + count * width);
    f->ends.resize(count);
    uint64_t end = 0;
    for (uint64_t i = 0; i < count; ++i) {
      uint32_t length = 0;
      std::memcpy(&length, raw.data() + 1 + i * width, width);
      end += length;
      f->ends[i] = static_cast<uint32_t>(end);
    }
    if (end != f->text.size()) return Error::corrupt("block: lengths of a text frame do not add up");
    parsed_[index] = std::move(f);
  }
  return parsed_[index].get();
}

Result<std::string_view> TextPiece::get(uint32_t row) {
  if (row - last_begin_ < last_count_) return last_->get(row - last_begin_);
  if (row >= rows()) return Error::corrupt("block: a column has too few texts");
  const uint32_t index = frame_of_row(frames_->piece(piece_), row);
  TRY_ASSIGN(last_, frame(index));
  last_begin_ = frames_->piece(piece_).frames[index].first_row;
  last_count_ = static_cast<uint32_t>(last_->ends.size());
  return last_->get(row - last_begin_);
}

Result<void> TimePiece::load(uint32_t index) {
  const PieceMeta& piece = frames_->piece(kTimesPiece);
  if (loaded_.empty()) {
    loaded_.resize(piece.frames.size(), false);
    times_ = std::make_unique_for_overwrite<int64_t[]>(piece.rows());
  }
  if (loaded_[index]) return {};
  const FrameMeta& meta = piece.frames[index];
  TRY_ASSIGN(const std::string_view raw, frames_->frame(kTimesPiece, index));
  if (raw.size() < sizeof(int64_t)) return Error::corrupt("block: a time frame is too short");
  int64_t* out = times_.get() + meta.first_row;
  TRY(IntFrame::decode(raw.substr(sizeof(int64_t)), meta.rows, out));
  uint64_t t = static_cast<uint64_t>(ByteReader(raw).i64());
  auto run = std::lower_bound(runs_->begin(), runs_->end(), meta.first_row,
                              [](const StreamRun& r, uint32_t row) { return r.row_begin < row; });
  for (uint32_t i = 0; i < meta.rows;) {
    const bool starts = run != runs_->end() && run->row_begin == meta.first_row + i;
    if (starts && i > 0) t = static_cast<uint64_t>(run->time_min_ns);
    if (starts) ++run;
    const uint32_t end = run == runs_->end() ? meta.rows : std::min(meta.rows, run->row_begin - meta.first_row);
    for (; i < end; ++i) {
      t += static_cast<uint64_t>(out[i]);
      out[i] = static_cast<int64_t>(t);
    }
  }
  loaded_[index] = true;
  return {};
}

Result<int64_t> TimePiece::get(uint32_t row) {
  const PieceMeta& piece = frames_->piece(kTimesPiece);
  if (row >= piece.rows()) return Error::corrupt("block: too few times");
  TRY(load(frame_of_row(piece, row)));
  return times_[row];
}

Result<std::span<const int64_t>> TimePiece::all() {
  const PieceMeta& piece = frames_->piece(kTimesPiece);
  for (uint32_t i = 0; i < piece.frames.size(); ++i) TRY(load(i));
  return std::span<const int64_t>(times_.get(), piece.rows());
}

}  // namespace cordwood
