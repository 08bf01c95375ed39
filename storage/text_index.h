// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "storage/base/result.h"
#include "storage/block_index.h"
#include "storage/block_view.h"
#include "storage/text_probe.h"

namespace cordwood {

/// Where the ids and filters of one block lie.
class BlockTextIndex {
 public:
  virtual ~BlockTextIndex() = default;
  /// Whether it may have the id, as far as the ids themselves tell.
  virtual bool may_have(const TextProbe::Id& id, ReadStats* stats) const = 0;
  /// Whether all keys of the probe may be in its filters.
  virtual bool filters_may_hold(const BlockTextFacts& facts, const TextProbe& probe, ReadStats* stats) const = 0;
};

/// What the facts alone answer; nothing where ids and filters must be asked.
std::optional<bool> facts_tell(const BlockTextFacts& facts, const TextProbe& probe);
/// Whether a block's ids must be asked for this one: else it may lie within a longer run of digits.
bool ids_tell(const BlockTextFacts& facts, const TextProbe::Id& id);

/// What filters in pages answer.  `read` reads an offset and a size within them: that of tokens, behind it that of
/// grams.
bool pages_may_hold(const BlockTextFacts& facts, const TextProbe& probe,
                    const std::function<Result<std::string>(uint64_t, uint64_t)>& read, ReadStats* stats);

/// What BlockSource::may_hold() answers for a block of these facts.  Damage rules nothing out; `stats` counts it.
bool may_hold_text(const BlockTextFacts& facts, const TextProbe& probe, const BlockTextIndex& index, ReadStats* stats);

}  // namespace cordwood
