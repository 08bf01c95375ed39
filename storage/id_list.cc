// SPDX-License-Identifier: Apache-2.0
#include "storage/id_list.h"

#include <algorithm>
#include <cstring>

#include "storage/base/checksum.h"
#include "storage/base/coding.h"

namespace cordwood {

namespace {

constexpr size_t kMaxLists = 64;
/// Heads are looked at here and there: where each read takes long, lists up to this size come whole.
constexpr uint64_t kMostScanBytes = 64u << 20;

/// Whether the frames have the rows that numbers are looked up by; `frame_rows` 0: those of the first.
bool has_frames_of(const PieceMeta& piece, uint32_t frame_rows, uint32_t width, uint32_t ids) {
  if (!piece.heap || piece.frames.empty() || piece.rows() != ids) return false;
  if (frame_rows == 0) frame_rows = piece.frames.front().rows;
  for (size_t i = 0; i < piece.frames.size(); ++i) {
    const FrameMeta& f = piece.frames[i];
    const bool last = i + 1 == piece.frames.size();
    if (f.raw_bytes != uint64_t{f.rows} * width || f.rows > frame_rows || (!last && f.rows != frame_rows)) return false;
  }
  return true;
}

/// All lists are read in windows of one size, from the first list on.  A size for which one window holds the list
/// whole.
uint64_t window_bytes(const IdLists& lists, uint32_t list) {
  uint64_t begin = UINT64_MAX, end = 0;
  for (const uint32_t piece : {2 * list, 2 * list + 1}) {
    for (const FrameMeta& frame : lists.pieces[piece].frames) {
      begin = std::min(begin, frame.offset);
      end = std::max(end, frame.offset + frame.packed_bytes);
    }
  }
  if (begin >= end) return kMostScanBytes;
  for (uint64_t before = begin / (end - begin);; --before) {  // windows before the one that holds it
    const uint64_t bytes = (end + before) / (before + 1);
    if (before * bytes <= begin) return std::min(bytes, kMostScanBytes);
  }
}

}  // namespace

uint64_t IdLists::bytes() const {
  uint64_t sum = 0;
  for (const PieceMeta& piece : pieces) sum += piece.packed_bytes();
  return sum;
}

uint64_t IdLists::memory_bytes() const {
  uint64_t sum = sizeof(IdLists);
  for (const PieceMeta& piece : pieces) sum += sizeof piece + piece.frames.capacity() * sizeof(FrameMeta);
  return sum;
}

std::optional<uint32_t> IdLists::list_of(uint32_t width) const {
  for (uint32_t i = 0; i < lists.size(); ++i)
    if (lists[i].width == width) return i;
  return std::nullopt;
}

void IdLists::encode(std::string* out) const {
  std::string directory;
  ByteWriter d(&directory);
  d.varint(offset);
  d.varint(bytes());
  d.varint(lists.size());
  for (size_t i = 0; i < lists.size(); ++i) {
    d.u8(lists[i].width);
    d.varint(lists[i].ids);
    encode_piece(pieces[2 * i], &directory);
    encode_piece(pieces[2 * i + 1], &directory);
  }
  ByteWriter w(out);
  w.varint(directory.size());
  w.u64(xxh3_64(directory));
  w.bytes(directory);
}

Result<IdLists> IdLists::take(std::string_view* index) {
  ByteReader head(*index);
  const uint64_t size = head.varint();
  const uint64_t checksum = head.u64();
  const std::string_view directory = head.bytes(size);
  TRY(head.status("id lists"));
  index->remove_prefix(head.position());
  if (checksum_differs(checksum, xxh3_64(directory))) return Error::corrupt("id lists: checksum differs");
  ByteReader in(directory);
  IdLists out;
  out.offset = in.varint();
  const uint64_t bytes = in.varint();
  const uint64_t lists = in.count(4);
  if (lists > kMaxLists) return Error::corrupt("id lists: too many");
  PartPositions positions;
  for (uint64_t i = 0; i < lists; ++i) {
    List list;
    list.width = in.u8();
    const uint64_t ids = in.varint();
    list.ids = static_cast<uint32_t>(ids);
    TRY_ASSIGN(PieceMeta heads, decode_piece(&in, {0, bytes}, &positions));
    TRY_ASSIGN(PieceMeta tails, decode_piece(&in, {0, bytes}, &positions));
    if (list.width < kMinWidth || list.width > kMaxWidth || ids > kMaxBlockRows || out.list_of(list.width) ||
        !has_frames_of(heads, 0, list.width - kTailBytes, list.ids) ||
        !has_frames_of(tails, kTailRows, kTailBytes, list.ids)) {
      return Error::corrupt("id lists: a list is malformed");
    }
    out.lists.push_back(list);
    out.pieces.push_back(std::move(heads));
    out.pieces.push_back(std::move(tails));
  }
  TRY(in.finish("id lists"));
  return out;
}

IdListReader::IdListReader(const IdLists* lists, ReadStats* stats)
    : lists_(lists),
      frames_({lists->source, 0, lists->offset, nullptr, 0, lists->bytes()}, &lists->pieces, stats,
              /*counts_as_block=*/false) {}

uint64_t IdListReader::settle(bool forget) {
  constexpr uint64_t kMostBytes = 1u << 20;
  const uint64_t bytes = frames_.settle();
  if (bytes <= kMostBytes && !forget) return bytes;
  frames_.forget();
  return frames_.settle();
}

Result<std::string_view> IdListReader::frame(uint32_t piece, uint32_t index, uint64_t width) {
  TRY_ASSIGN(const std::string_view raw, frames_.frame(piece, index));
  if (raw.size() != width * frames_.piece(piece).frames[index].rows) return Error::corrupt("id lists: a frame's size");
  return raw;
}

Result<std::string_view> IdListReader::head(uint32_t list, uint32_t number) {
  const uint32_t width = lists_->lists[list].width - IdLists::kTailBytes;
  const uint32_t rows = lists_->head_rows(list);
  TRY_ASSIGN(const std::string_view heads, frame(2 * list, number / rows, width));
  return heads.substr(uint64_t{number % rows} * width, width);
}

Result<void> IdListReader::copy(uint32_t list, int64_t number, char* out) {
  const IdLists::List& l = lists_->lists[list];
  if (number < 0 || number >= int64_t{l.ids}) return Error::corrupt("block: an id's number is out of range");
  const auto n = static_cast<uint32_t>(number);
  if (found_.number == n && found_.list == list) {
    std::memcpy(out, found_.id.data(), l.width);
    return {};
  }
  TRY_ASSIGN(const std::string_view bytes, head(list, n));
  TRY_ASSIGN(const std::string_view tails, frame(2 * list + 1, n / IdLists::kTailRows, IdLists::kTailBytes));
  std::memcpy(out, bytes.data(), bytes.size());
  std::memcpy(out + bytes.size(), tails.data() + uint64_t{n % IdLists::kTailRows} * IdLists::kTailBytes,
              IdLists::kTailBytes);
  return {};
}

Result<std::optional<uint32_t>> IdListReader::find(uint32_t list, std::string_view id) {
  if (id.size() != lists_->lists[list].width) return std::optional<uint32_t>();
  const auto recalled = [&] {
    const auto known = lists_->memo->recall(list, id);
    if (known != nullptr) found_ = *known;
    return known != nullptr;
  };
  if (recalled()) return found_.number;
  // Blocks that are searched at the same time ask for the same.
  const MutexLock turn(lists_->memo->turn(id));
  if (recalled()) return found_.number;
  frames_.set_near_part_bytes(window_bytes(*lists_, list));
  TRY_ASSIGN(const std::optional<uint32_t> number, scan(list, id));
  found_ = {list, std::string(id), number};
  lists_->memo->remember(found_);
  return number;
}

Result<std::optional<uint32_t>> IdListReader::scan(uint32_t list, std::string_view id) {
  const std::string_view wanted = id.substr(0, id.size() - IdLists::kTailBytes);
  const PieceMeta& piece = lists_->pieces[2 * list + 1];
  uint16_t tail = 0;
  static_assert(sizeof tail == IdLists::kTailBytes);
  std::memcpy(&tail, id.data() + wanted.size(), sizeof tail);
  for (uint32_t index = 0; index < piece.frames.size(); ++index) {
    TRY_ASSIGN(const std::string_view tails, frame(2 * list + 1, index, IdLists::kTailBytes));
    for (uint32_t row = 0; row < piece.frames[index].rows; ++row) {
      uint16_t at = 0;
      std::memcpy(&at, tails.data() + row * sizeof at, sizeof at);
      if (at != tail) continue;
      const uint32_t n = piece.frames[index].first_row + row;
      TRY_ASSIGN(const std::string_view found, head(list, n));
      if (found == wanted) return std::optional(n);
    }
  }
  return std::optional<uint32_t>();
}

Mutex& IdMemo::turn(std::string_view id) {
  return turns_[xxh3_64(id) % turns_.size()];
}

}  // namespace cordwood
