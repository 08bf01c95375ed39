// SPDX-License-Identifier: Apache-2.0
#include "index/segment_terms_builder.h"

#include <algorithm>
#include <set>

#include "index/guarded.h"
#include "index/memory_file.h"
#include "storage/base/niceness.h"

namespace cordwood::index {

namespace {

constexpr int kDatabaseBlockBytes = 2048;  ///< the least: tables of a few KB each
constexpr size_t kFlagTerms = 3;           ///< what is told of a block besides fields and words, at most

}  // namespace

XapianTermsBuilder::XapianTermsBuilder(SegmentTermsOptions options, std::string directory, FileSystem& fs,
                                       Metrics& metrics)
    : options_(options),
      directory_(std::move(directory)),
      fs_(fs),
      built_(metrics.counter("cordwood_segment_terms_built_total", "Xapian parts made for merged segments.")),
      bytes_(metrics.counter("cordwood_segment_terms_bytes_total", "Bytes of these.")),
      postings_(metrics.counter("cordwood_segment_terms_postings_total", "Terms of blocks in these.")) {}

Result<std::string> XapianTermsBuilder::build(const std::vector<SpilledBlock>& blocks) {
  std::vector<Document> documents;
  std::map<SegmentField, uint32_t> numbers;
  for (const SpilledBlock& block : blocks) {
    give_way();
    TRY_ASSIGN(BlockFields fields, read_block_fields(block, options_.limits));
    documents.push_back(make_document(std::move(fields), terms_of(block, blocks.size()), &numbers));
  }
  TRY(clear_directory());
  Result<std::string> part = write(documents, numbers);
  TRY(clear_directory());
  if (!part.ok()) return part;
  built_.add();
  bytes_.add(part->size());
  for (const Document& document : documents) postings_.add(document.terms.size());
  return part;
}

size_t XapianTermsBuilder::terms_of(const SpilledBlock& block, size_t blocks) const {
  const uint64_t by_size = std::max<uint64_t>(block.info.raw_bytes / options_.raw_bytes_per_term, options_.least_terms);
  return std::min<uint64_t>({by_size, options_.terms_per_block, options_.terms_per_segment / blocks});
}

XapianTermsBuilder::Document XapianTermsBuilder::make_document(BlockFields block, size_t max_terms,
                                                               std::map<SegmentField, uint32_t>* numbers) {
  Document out;
  if (!block.described || block.fields.size() + kFlagTerms > max_terms) {
    out.terms.emplace_back(kUndescribedTerm);
    return out;
  }
  if (block.packed_metadata) out.terms.emplace_back(kPackedMetadataTerm);
  if (block.json_elsewhere) out.terms.emplace_back(kJsonElsewhereTerm);
  if (block.logfmt_elsewhere) out.terms.emplace_back(kLogfmtElsewhereTerm);
  // Every field takes one term, listed or not; words a quarter of what is left at most.
  size_t left = max_terms - kFlagTerms - block.fields.size();
  block.words.resize(std::min(block.words.size(), left / 4));
  left -= block.words.size();
  for (const std::string& word : block.words) out.terms.push_back(word_term(word));
  std::stable_sort(block.fields.begin(), block.fields.end(),
                   [](const BlockField& a, const BlockField& b) { return a.values.size() < b.values.size(); });
  for (BlockField& field : block.fields) {
    const uint32_t number =
        numbers->try_emplace({field.source, std::move(field.path)}, static_cast<uint32_t>(numbers->size()))
            .first->second;
    const size_t more = field.values.empty() ? 0 : field.values.size() - 1;
    if (!field.listed || more > left) {
      out.terms.push_back(field.range ? range_term(number, *field.range) : unlisted_term(number));
      continue;
    }
    left -= more;
    for (const std::string& value : field.values) out.terms.push_back(value_term(number, value));
  }
  return out;
}

Result<std::string> XapianTermsBuilder::write(const std::vector<Document>& documents,
                                              const std::map<SegmentField, uint32_t>& numbers) {
  std::vector<SegmentField> fields(numbers.size());
  for (const auto& [field, number] : numbers) fields[number] = field;
  TRY_ASSIGN(MemoryFile file, MemoryFile::make("cordwood-terms"));
  TRY(guarded<void>("xapian part", [&]() -> Result<void> {
    Xapian::WritableDatabase db(directory_,
                                Xapian::DB_CREATE_OR_OVERWRITE | Xapian::DB_BACKEND_GLASS | Xapian::DB_NO_SYNC);
    for (const Document& document : documents) {
      give_way();
      Xapian::Document doc;
      for (const std::string& term : document.terms) doc.add_boolean_term(term);
      db.add_document(doc);
    }
    db.set_metadata(std::string(kFieldsKey), encode_fields(fields));
    db.commit();
    TRY_ASSIGN(const int copy, file.duplicate());
    db.compact(copy, Xapian::DBCOMPACT_NO_RENUMBER, kDatabaseBlockBytes);
    return {};
  }));
  TRY_ASSIGN(const std::string database, file.read_all(TermsPart::kMaxDatabaseBytes + 1));
  if (database.size() > TermsPart::kMaxDatabaseBytes) return std::string();
  TermsPart part;
  part.blocks = documents.size();
  part.fields = fields.size();
  std::set<std::string_view> different;
  for (const Document& document : documents) {
    give_way();
    part.postings += document.terms.size();
    different.insert(document.terms.begin(), document.terms.end());
  }
  part.terms = different.size();
  std::string out;
  part.encode(database, &out);
  return out;
}

/// What a process that was killed left behind goes too.
Result<void> XapianTermsBuilder::clear_directory() {
  TRY_ASSIGN(const bool there, fs_.exists(directory_));
  if (!there) return {};
  TRY_ASSIGN(const std::vector<std::string> names, fs_.list(directory_));
  for (const std::string& name : names) TRY(fs_.remove(directory_ + "/" + name));
  return fs_.remove_directory(directory_);
}

}  // namespace cordwood::index
