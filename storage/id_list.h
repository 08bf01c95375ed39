// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/mutex.h"
#include "storage/block_entry.h"
#include "storage/block_frames.h"
#include "storage/recent_answers.h"

namespace cordwood {

/// The last ids that were looked for in the lists of one segment, and where they are: many blocks ask for the same.
/// Thread-safe.
class IdMemo {
 public:
  struct Found {
    uint32_t list = 0;
    std::string id;
    std::optional<uint32_t> number;  ///< nothing: it is in none
  };
  /// Null when it was not looked for lately.
  std::shared_ptr<const Found> recall(uint32_t list, std::string_view id) const {
    return recent_.find([&](const Found& found) { return found.list == list && found.id == id; });
  }
  void remember(const Found& found) { recent_.add(std::make_shared<const Found>(found)); }
  /// Held by whoever looks for the id.
  Mutex& turn(std::string_view id);

 private:
  RecentAnswers<Found, 16> recent_;
  std::array<Mutex, 8> turns_;
};

/// Ids that stand in many rows of a segment, kept once: the columns of its blocks hold their numbers.  One list for
/// each width.  They are numbered in the order of their times, so that rows near in time have near numbers.
struct IdLists {
  /// Frames have so many ids, the last one of a piece what is left.  Those of heads are small, as they are read here
  /// and there; a list may have others.
  static constexpr uint32_t kHeadRows = 256;
  static constexpr uint32_t kTailRows = 16384;
  /// The last bytes of the ids lie apart: looking for an id compares them first.
  static constexpr uint32_t kTailBytes = 2;
  static constexpr uint32_t kMinWidth = 8;
  static constexpr uint32_t kMaxWidth = 128;

  struct List {
    uint8_t width = 0;  ///< bytes of an id
    uint32_t ids = 0;
  };
  std::vector<List> lists;
  std::vector<PieceMeta> pieces;  ///< of list i: 2 * i the heads, 2 * i + 1 the tails
  std::shared_ptr<const ByteSource> source;
  uint64_t offset = 0;  ///< of the first frame in the source
  std::shared_ptr<IdMemo> memo = std::make_shared<IdMemo>();
  uint64_t bytes() const;

  bool empty() const { return lists.empty(); }
  /// How many ids a frame of heads has.
  uint32_t head_rows(uint32_t list) const { return std::max(1U, pieces[2 * list].frames.front().rows); }
  /// Number of the list with this width.
  std::optional<uint32_t> list_of(uint32_t width) const;
  uint64_t memory_bytes() const;

  /// How they stand before the records of the block index: size, checksum, directory.
  void encode(std::string* out) const;
  /// Takes them off the front of `index`, whether they hold or not; corrupt when they do not.  `source` is not set.
  static Result<IdLists> take(std::string_view* index);
};

/// Reads ids for one open block; what it has read it keeps.
class IdListReader {
 public:
  /// `lists` outlives it.
  IdListReader(const IdLists* lists, ReadStats* stats);
  const IdLists& lists() const { return *lists_; }
  /// Copies the id, of the list's width.  corrupt when there is no such number.
  Result<void> copy(uint32_t list, int64_t number, char* out);
  /// The number of an id; nothing when the list has it not.
  Result<std::optional<uint32_t>> find(uint32_t list, std::string_view id);
  /// See BlockFrames; keeps only what is not much, or nothing.
  uint64_t settle(bool forget);
  void begin_again(ReadStats* stats) { frames_.begin_again(stats); }

 private:
  Result<std::optional<uint32_t>> scan(uint32_t list, std::string_view id);
  Result<std::string_view> frame(uint32_t piece, uint32_t index, uint64_t width);
  /// All but the last bytes of an id that is there.
  Result<std::string_view> head(uint32_t list, uint32_t number);

  const IdLists* lists_;
  BlockFrames frames_;
  IdMemo::Found found_;  ///< the id that was found last: whoever looks for it is going to copy it
};

}  // namespace cordwood
