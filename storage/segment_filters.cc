// SPDX-License-Identifier: Apache-2.0
#include "storage/segment_filters.h"

#include <utility>

#include "storage/bloom_filter.h"
#include "storage/text_index.h"

namespace cordwood {

namespace {

/// Filters of grams that are far away come whole, up to this: a needle has many grams.
constexpr uint64_t kGramsAtOnce = 8u << 20;

bool asks_filters(const TextProbe::Conditions& keys) {
  return !keys.tokens.empty() || !keys.grams.empty() || !keys.joints.empty();
}

}  // namespace

SegmentFilters::SegmentFilters(SegmentIndexDirectory directory, const SectionPlace& section,
                               std::shared_ptr<const ByteSource> source)
    : directory_(std::move(directory)), section_(section), source_(std::move(source)) {}

uint64_t SegmentFilters::memory_bytes() const {
  const uint64_t places = directory_.slices == nullptr
                              ? directory_.page_offsets.capacity() * sizeof(uint64_t)
                              : directory_.slices->tokens.memory_bytes() + directory_.slices->grams.memory_bytes();
  return directory_.blocks.capacity() * sizeof(BlockTextFacts) + places;
}

std::shared_ptr<const SegmentFilters::Answer> SegmentFilters::known(const TextProbe::Conditions& keys) const {
  return recent_.find([&keys](const Answer& one) {
    return one.keys.tokens == keys.tokens && one.keys.grams == keys.grams && one.keys.joints == keys.joints;
  });
}

bool SegmentFilters::may_hold(uint32_t block, const TextProbe& probe, ReadStats* stats) const {
  const TextProbe::Conditions& keys = probe.conditions();
  if (directory_.slices == nullptr) {
    const auto page = [&](uint64_t at, uint64_t size) {
      ++stats->index_reads;
      stats->index_bytes += size;
      return source_->read(section_.offset + directory_.page_offsets[block] + at, size);
    };
    return pages_may_hold(facts(block), probe, page, stats);
  }
  return !asks_filters(keys) || answer_to(keys, stats)->blocks.test(block);
}

void SegmentFilters::rule_out(const TextProbe& probe, RowBits* blocks, ReadStats* stats) const {
  const TextProbe::Conditions& keys = probe.conditions();
  if (!asks_filters(keys) || directory_.slices == nullptr || source_->is_far() || blocks->none()) return;
  blocks->keep(answer_to(keys, stats)->blocks);
}

std::shared_ptr<const SegmentFilters::Answer> SegmentFilters::answer_to(const TextProbe::Conditions& keys,
                                                                        ReadStats* stats) const {
  if (auto answer = known(keys)) return answer;
  RowBits all(block_count());
  all.set_all();
  const bool whole = ask(keys, &all, stats);
  auto answer = std::make_shared<const Answer>(Answer{keys, std::move(all)});
  // Others may have asked the same meanwhile.
  if (whole && known(keys) == nullptr) recent_.add(answer);
  return answer;
}

/// False when some of it cannot be read now.
bool SegmentFilters::ask(const TextProbe::Conditions& keys, RowBits* blocks, ReadStats* stats) const {
  const FilterSlices& tokens = directory_.slices->tokens;
  const FilterSlices& grams = directory_.slices->grams;
  const Kind of_tokens{&tokens, section_.offset, &BlockTextFacts::token_blocks, BlockTextFacts::kTokens, false};
  Kind of_grams{&grams, section_.offset + tokens.bytes(), &BlockTextFacts::gram_blocks, BlockTextFacts::kGrams,
                source_->is_far() && grams.bytes() <= kGramsAtOnce};
  ObjectBytes near;
  if (!ask(of_tokens, keys.tokens, blocks, &near, stats)) return false;
  if (!ask(of_grams, keys.grams, blocks, &near, stats)) return false;
  of_grams.flag = BlockTextFacts::kJoints;
  return ask(of_grams, keys.joints, blocks, &near, stats);
}

/// `near`: what came along with what was read before.
bool SegmentFilters::ask(const Kind& kind, const std::vector<uint64_t>& hashes, RowBits* blocks, ObjectBytes* near,
                         ReadStats* stats) const {
  if (hashes.empty()) return true;
  RowBits asked(block_count());
  RowBits left(block_count());
  for (uint32_t block = blocks->next(0); block < block_count(); block = blocks->next(block + 1)) {
    if ((facts(block).flags & kind.flag) == 0) continue;
    asked.set(block);
    if (facts(block).*kind.size > 0) left.set(block);
  }
  const auto read_part = [&](uint64_t at, uint64_t size) { return read(kind, {kind.offset + at, size}, near, stats); };
  bool whole = true;
  for (const uint64_t hash : hashes) {
    if (left.none() || !whole) break;
    whole = kind.slices->rule_out(hash, read_part, &left, stats);
  }
  asked.remove(left);
  blocks->remove(asked);
  return whole;
}

Result<std::string> SegmentFilters::read(const Kind& kind, ObjectRange wanted, ObjectBytes* near,
                                         ReadStats* stats) const {
  if (!kind.at_once) {
    ++stats->index_reads;
    stats->index_bytes += wanted.size;
    return source_->read(wanted.offset, wanted.size);
  }
  if (!near->holds(wanted)) {
    ++stats->index_reads;
    TRY_ASSIGN(*near, source_->read_near(wanted, {kind.offset, kind.slices->bytes()}));
    stats->index_bytes += near->bytes.size();
    if (!near->holds(wanted)) return Error::corrupt("filters end early");
  }
  return near->bytes.substr(wanted.offset - near->offset, wanted.size);
}

Result<void> FilterParts::load() {
  const SlicedFilters& slices = *filters_->directory_.slices;
  TRY_ASSIGN(const std::string all, filters_->source_->read(filters_->section_.offset, slices.bytes()));
  if (all.size() != slices.bytes()) return Error::corrupt("filters end early");
  TRY_ASSIGN(tokens_, slices.tokens.gather(std::string_view(all).substr(0, slices.tokens.bytes())));
  TRY_ASSIGN(grams_, slices.grams.gather(std::string_view(all).substr(slices.tokens.bytes())));
  tokens_.resize(filters_->block_count());
  grams_.resize(filters_->block_count());
  return {};
}

Result<FilterParts::Part> FilterParts::of(uint32_t block) {
  if (block >= filters_->block_count() || (filters_->facts(block).flags & BlockTextFacts::kIndexed) == 0)
    return Error::corrupt("a block is not indexed");
  Part part;
  part.facts = filters_->facts(block);
  if (filters_->directory_.slices == nullptr) {
    TRY_ASSIGN(part.filters, read_pages(block));
    return part;
  }
  if (!loaded_ || (!loaded_->ok() && is_away(loaded_->error()))) loaded_ = load();
  if (!loaded_->ok()) return loaded_->error();
  part.filters.reserve(part.facts.filter_bytes());
  append_bloom_pages(tokens_[block], kTokenFilter, &part.filters);
  append_bloom_pages(grams_[block], kGramFilter, &part.filters);
  return part;
}

Result<std::string> FilterParts::read_pages(uint32_t block) const {
  const BlockTextFacts& facts = filters_->facts(block);
  if (facts.filter_bytes() == 0) return std::string();
  const uint64_t offset = filters_->section_.offset + filters_->directory_.page_offsets[block];
  TRY_ASSIGN(std::string filters, filters_->source_->read(offset, facts.filter_bytes()));
  if (filters.size() != facts.filter_bytes()) return Error::corrupt("filters end early");
  std::string_view rest = filters;
  for (const auto& [kind, blocks] : {std::pair(kTokenFilter, facts.token_blocks), {kGramFilter, facts.gram_blocks}}) {
    const uint32_t pages = (blocks + kBloomPageBlocks - 1) / kBloomPageBlocks;
    for (uint32_t page = 0; page < pages; ++page) {
      const uint32_t bytes = bloom_page_bytes(page, blocks);
      TRY(check_bloom_page(rest.substr(0, bytes), page, kind));
      rest.remove_prefix(bytes);
    }
  }
  return filters;
}

}  // namespace cordwood
