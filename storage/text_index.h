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

/// What the facts alone answer; nothing where ids and filters must be asked.
std::optional<bool> facts_tell(const BlockTextFacts& facts, const TextProbe& probe);
/// Whether a block's ids must be asked for this one: else it may lie within a longer run of digits.
bool ids_tell(const BlockTextFacts& facts, const TextProbe::Id& id);

/// What filters in pages answer.  Damage rules nothing out; `stats` counts it.  `read` reads an offset and a size
/// within them: that of tokens, behind it that of grams.
bool pages_may_hold(const BlockTextFacts& facts, const TextProbe& probe,
                    const std::function<Result<std::string>(uint64_t, uint64_t)>& read, ReadStats* stats);

}  // namespace cordwood
