// SPDX-License-Identifier: Apache-2.0
#include "storage/piece_writer.h"

#include <algorithm>

#include "storage/base/coding.h"

namespace cordwood {

namespace {

/// Frames below this are not worth a compressor's header.
constexpr size_t kMinPackBytes = 48;

uint8_t bytes_for(uint64_t max) {
  return static_cast<uint8_t>(max < 0x100 ? 1 : max < 0x10000 ? 2 : 4);
}

}  // namespace

void PieceWriter::reset() {
  narrow.clear();
  heap.clear();
}

void PieceWriter::add_frame(std::string_view raw, uint32_t rows, Packing packing, PieceMeta* piece) {
  std::string& part = piece->heap ? heap : narrow;
  FrameMeta f;
  f.offset = part.size();
  f.raw_bytes = static_cast<uint32_t>(raw.size());
  f.first_row = piece->rows();
  f.rows = rows;
  // A piece whose first frame did not shrink will not shrink later.
  const bool hopeless = !piece->frames.empty() && piece->frames.back().codec == Codec::none;
  packed_.clear();
  if (raw.size() >= kMinPackBytes && !hopeless) {
    compress(Codec::zstd, raw, &packed_, options_.zstd_level);
    const size_t most = packing == Packing::numbers ? raw.size() * 9 / 10 : raw.size() * 31 / 32;
    if (packed_.size() < most) f.codec = Codec::zstd;
  }
  const std::string_view stored = f.codec == Codec::none ? raw : std::string_view(packed_);
  f.packed_bytes = static_cast<uint32_t>(stored.size());
  f.checksum = frame_checksum(stored, f.codec);
  part.append(stored);
  piece->frames.push_back(f);
}

template <typename Encode>
PieceMeta PieceWriter::encoded_ints(std::span<const int64_t> values, const Encode& encode) {
  PieceMeta piece;
  for (size_t i = 0; i < values.size(); i += options_.frame_rows) {
    const auto part = values.subspan(i, std::min<size_t>(options_.frame_rows, values.size() - i));
    raw_.clear();
    encode(part, &ints_, &raw_);
    add_frame(raw_, static_cast<uint32_t>(part.size()), Packing::numbers, &piece);
  }
  return piece;
}

PieceMeta PieceWriter::ints(std::span<const int64_t> values) {
  return encoded_ints(values, encode_ints);
}

PieceMeta PieceWriter::grouped_ints(std::span<const int64_t> values) {
  return encoded_ints(values, encode_grouped_ints);
}

PieceMeta PieceWriter::copy(const PieceMeta& piece, std::string_view from_narrow, std::string_view from_heap) {
  PieceMeta copied = piece;
  std::string& part = piece.heap ? heap : narrow;
  for (FrameMeta& f : copied.frames) {
    const std::string_view packed = (piece.heap ? from_heap : from_narrow).substr(f.offset, f.packed_bytes);
    f.offset = part.size();
    part.append(packed);
  }
  return copied;
}

PieceMeta PieceWriter::times(std::span<const int64_t> times, std::span<const uint32_t> run_begins) {
  PieceMeta piece;
  size_t run = 0;
  for (size_t i = 0; i < times.size(); i += options_.frame_rows) {
    const size_t end = std::min<size_t>(times.size(), i + options_.frame_rows);
    values_.clear();
    for (size_t row = i; row < end; ++row) {
      while (run < run_begins.size() && run_begins[run] < row) ++run;
      const bool anew = row == i || (run < run_begins.size() && run_begins[run] == row);
      // Unsigned: times of any distance wrap and come back the same way.
      values_.push_back(
          anew ? 0 : static_cast<int64_t>(static_cast<uint64_t>(times[row]) - static_cast<uint64_t>(times[row - 1])));
    }
    raw_.clear();
    ByteWriter(&raw_).i64(times[i]);
    encode_ints(values_, &ints_, &raw_);
    add_frame(raw_, static_cast<uint32_t>(end - i), Packing::numbers, &piece);
  }
  return piece;
}

PieceMeta PieceWriter::texts(std::span<const std::string_view> texts, bool in_heap) {
  PieceMeta piece;
  piece.heap = in_heap;
  for (size_t i = 0; i < texts.size();) {
    size_t end = i;
    size_t longest = 0;
    size_t bytes = 0;
    while (end < texts.size() && end - i < options_.frame_rows &&
           (end == i || bytes + texts[end].size() <= options_.frame_bytes - 4 * options_.frame_rows - 1)) {
      bytes += texts[end].size();
      longest = std::max(longest, texts[end].size());
      ++end;
    }
    const uint8_t width = bytes_for(longest);
    raw_.resize(1 + (end - i) * width + bytes);
    char* lengths = raw_.data();
    *lengths++ = static_cast<char>(width);
    char* p = lengths + (end - i) * width;
    for (size_t k = i; k < end; ++k) {
      const auto length = static_cast<uint32_t>(texts[k].size());
      std::memcpy(lengths, &length, width);
      lengths += width;
      std::memcpy(p, texts[k].data(), length);
      p += length;
    }
    add_frame(raw_, static_cast<uint32_t>(end - i), Packing::texts, &piece);
    i = end;
  }
  return piece;
}

uint64_t PieceWriter::estimate_texts(std::span<const std::string_view> texts) {
  uint64_t bytes = 0;
  for (const std::string_view text : texts) bytes += text.size();
  // From the middle: a column may begin with what is rare in it.
  const size_t begin = bytes > options_.frame_bytes ? texts.size() / 3 : 0;
  uint64_t taken_bytes = 0;
  size_t end = begin;
  while (end < texts.size() && end - begin < options_.frame_rows && taken_bytes < options_.frame_bytes / 4 * 3) {
    taken_bytes += texts[end++].size();
  }
  const size_t heap_before = heap.size();
  this->texts(texts.subspan(begin, end - begin), true);
  const uint64_t packed_bytes = heap.size() - heap_before;
  heap.resize(heap_before);
  return packed_bytes * bytes / std::max<uint64_t>(1, taken_bytes);
}

PieceMeta PieceWriter::binary(std::string_view data, uint32_t width) {
  PieceMeta piece;
  piece.heap = true;
  const size_t rows = std::min<size_t>(options_.frame_rows, std::max<size_t>(1, options_.frame_bytes / width));
  for (size_t i = 0; i < data.size(); i += rows * width) {
    const std::string_view part = data.substr(i, rows * width);
    add_frame(part, static_cast<uint32_t>(part.size() / width), Packing::numbers, &piece);
  }
  return piece;
}

PieceMeta PieceWriter::pattern_numbers(const PatternCollector& collected) {
  PieceMeta piece;
  const size_t cells = collected.ids().size();
  for (size_t i = 0; i < cells; i += options_.frame_rows) {
    const size_t end = std::min<size_t>(cells, i + options_.frame_rows);
    raw_.clear();
    encode_pattern_numbers(collected, i, end, &ints_, &raw_);
    add_frame(raw_, static_cast<uint32_t>(end - i), Packing::numbers, &piece);
  }
  return piece;
}

PieceMeta PieceWriter::blob(std::string_view data, uint32_t rows) {
  PieceMeta piece;
  add_frame(data, rows, Packing::texts, &piece);
  return piece;
}

}  // namespace cordwood
