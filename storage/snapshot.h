// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "storage/block_view.h"

namespace cordwood {

/// What rows must hold, by every clause, to be wanted.
struct TextQuestion {
  struct Clause {
    std::vector<const TextProbe*> any_of;
    /// Streams whose rows may be wanted without; null: none.
    std::function<bool(const StreamPtr&)> but_all_of;
  };
  std::vector<Clause> all_of;
};

struct LocatedBlocks {
  std::vector<BlockSourcePtr> blocks;
  uint64_t ruled_out = 0;  ///< how many more there are
};

/// One state of the store: the published segments and the rows not published yet, taken together under one lock.
/// What it names stays readable for as long as it lives.  Immutable, thread-safe.
class Snapshot {
 public:
  virtual ~Snapshot() = default;
  /// Blocks of a tenant whose rows may lie in `range`, in no order.  A row stands in exactly one of them, but for
  /// copies of a row (equal stream, time, line, sent metadata) that were pushed again later: readers drop those,
  /// the earliest arrival wins.  What is deleted or beyond its retention is in none of them.
  virtual std::vector<BlockSourcePtr> blocks(const TenantId& tenant, TimeRange range) const = 0;
  /// The same, but for those that the indexes of their segments rule out: none of these is looked at.
  virtual LocatedBlocks blocks_with_text(const TenantId& tenant, TimeRange range, const TextQuestion& question,
                                         ReadStats* stats) const {
    (void)question;
    (void)stats;
    return {blocks(tenant, range), 0};
  }
  /// Every stream of a tenant with rows on a UTC day, from published segments alone, whether they may be seen or not.
  virtual std::vector<StreamPtr> published_streams(const TenantId& tenant, int32_t day) const = 0;
  /// The same of all tenants.
  virtual std::vector<StreamPtr> published_streams_of(int32_t day) const {
    std::vector<StreamPtr> all;
    for (const TenantDay& of : published_days()) {
      if (of.day != day) continue;
      for (StreamPtr& stream : published_streams(of.tenant, day)) all.push_back(std::move(stream));
    }
    return all;
  }
  /// Of one tenant, for all rows, published or not.
  virtual std::vector<StreamPtr> all_streams(const TenantId& tenant, int32_t day) const {
    return published_streams(tenant, day);
  }
  /// Tenants and days that published segments hold.
  struct TenantDay {
    TenantId tenant;
    int32_t day = 0;
  };
  virtual std::vector<TenantDay> published_days() const = 0;
  /// Tenants with rows, published or not.
  virtual std::vector<TenantId> tenants() const = 0;
  virtual uint64_t catalog_version() const = 0;
};
using SnapshotPtr = std::shared_ptr<const Snapshot>;

/// Told of streams as they appear, so that an index above storage can know them before they are published.
/// Called on the thread that appends or replays, before the rows can be seen.
class StreamListener {
 public:
  virtual ~StreamListener() = default;
  /// The first row of `stream` on `day` since the current generation began.
  virtual void on_stream_day(const StreamPtr& stream, int32_t day) = 0;
};

}  // namespace cordwood
