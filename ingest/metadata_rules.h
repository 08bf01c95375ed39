// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "storage/base/arena.h"
#include "storage/base/result.h"
#include "storage/model/row_batch.h"

namespace cordwood::ingest {

/// A metadata name as Loki stores it: every run of other characters than letters and digits becomes one `_`, a
/// leading digit gets `key_` in front, `__x__` keeps its outer underscores.  Views `name` when nothing changes, else
/// the arena.  invalid when nothing but underscores would be left (Loki answers such a push with 500).
Result<std::string_view> normalise_metadata_name(std::string_view name, Arena* arena);

/// U+FFFD and bytes that are not UTF-8 become spaces.  Views `value` when there are none.
std::string_view normalise_metadata_value(std::string_view value, Arena* arena);

/// Appends the pairs as they are stored: names and values normalised, empty values left out, sorted by name, the
/// last of equal names kept.
Result<void> append_normalised(std::span<const MetadataPair> sent, Arena* arena, std::vector<MetadataPair>* out);

}  // namespace cordwood::ingest
