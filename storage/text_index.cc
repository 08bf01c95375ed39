// SPDX-License-Identifier: Apache-2.0
#include "storage/text_index.h"

#include "storage/bloom_filter.h"
#include "storage/id_table.h"

namespace cordwood {

namespace {

using ReadPage = std::function<Result<std::string>(uint64_t, uint64_t)>;

/// One of a block's two filters.
struct FilterPlace {
  uint64_t offset = 0;
  uint32_t blocks = 0;
  uint32_t kind = 0;
};

/// Whether all keys may be in the filter.
bool filter_holds(const std::vector<uint64_t>& hashes, const FilterPlace& filter, const ReadPage& read,
                  ReadStats* stats) {
  if (filter.blocks == 0) return hashes.empty();
  std::string page;
  uint32_t page_number = UINT32_MAX;
  for (const uint64_t hash : hashes) {
    const BloomPlace place = bloom_place(hash, filter.blocks);
    if (place.page != page_number) {
      Result<std::string> bytes =
          read(filter.offset + bloom_page_offset(place.page), bloom_page_bytes(place.page, filter.blocks));
      if (is_away(bytes)) return true;
      if (!bytes.ok() || !check_bloom_page(*bytes, place.page, filter.kind).ok()) {
        ++stats->index_damages;
        return true;
      }
      page = std::move(bytes).value();
      page_number = place.page;
    }
    if (!bloom_holds(page, place.block, hash)) return false;
  }
  return true;
}

}  // namespace

bool ids_tell(const BlockTextFacts& facts, const TextProbe::Id& id) {
  const bool long_uuid = (facts.flags & BlockTextFacts::kLongUuid) != 0;
  return (facts.hex_lengths & id.or_lengths) == 0 && !(id.or_long_uuid && long_uuid);
}

std::optional<bool> facts_tell(const BlockTextFacts& facts, const TextProbe& probe) {
  const auto has = [&facts](uint32_t flag) { return (facts.flags & flag) != 0; };
  if (!probe.useful() || !has(BlockTextFacts::kIndexed)) return true;
  if (probe.is_value() && has(BlockTextFacts::kHidden)) return true;
  const TextProbe::Conditions& c = probe.conditions();
  for (const uint32_t lengths : c.hex_lengths)
    if ((facts.hex_lengths & lengths) == 0) return false;
  if (c.long_uuid && !has(BlockTextFacts::kLongUuid)) return false;
  for (const TextProbe::Id& id : c.ids)
    if (ids_tell(facts, id) && has(id.ruled_out_by)) return false;
  return std::nullopt;
}

bool pages_may_hold(const BlockTextFacts& facts, const TextProbe& probe, const ReadPage& read, ReadStats* stats) {
  const auto has = [&facts](uint32_t flag) { return (facts.flags & flag) != 0; };
  const TextProbe::Conditions& c = probe.conditions();
  const FilterPlace tokens{0, facts.token_blocks, kTokenFilter};
  if (has(BlockTextFacts::kTokens) && !filter_holds(c.tokens, tokens, read, stats)) return false;
  const FilterPlace grams{bloom_bytes(facts.token_blocks), facts.gram_blocks, kGramFilter};
  if (has(BlockTextFacts::kJoints) && !filter_holds(c.joints, grams, read, stats)) return false;
  return !has(BlockTextFacts::kGrams) || filter_holds(c.grams, grams, read, stats);
}

}  // namespace cordwood
