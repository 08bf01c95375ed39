// SPDX-License-Identifier: Apache-2.0
#include "index/terms_database.h"

#include "index/guarded.h"
#include "index/memory_file.h"
#include "storage/segment_terms.h"

namespace cordwood::index {

Result<TermsDatabase> TermsDatabase::open(std::string_view bytes) {
  TRY_ASSIGN(const TermsPart part, TermsPart::decode(bytes));
  TRY_ASSIGN(const std::string raw, part.database());
  TRY_ASSIGN(MemoryFile file, MemoryFile::make("cordwood-terms"));
  TRY(file.write(raw));
  return guarded<TermsDatabase>("xapian part", [&]() -> Result<TermsDatabase> {
    TermsDatabase open;
    open.bytes = raw.size();
    TRY_ASSIGN(const int fd, file.duplicate());
    open.db = Xapian::Database(fd);
    if (open.db.get_doccount() != part.blocks) return Error::corrupt("xapian part: it has not as many blocks");
    TRY_ASSIGN(open.fields, decode_fields(open.db.get_metadata(std::string(kFieldsKey))));
    return open;
  });
}

namespace {

struct Tally {
  uint64_t terms = 0;
  uint64_t postings = 0;
};

Tally count_terms(const Xapian::Database& db, const std::string& prefix) {
  Tally tally;
  for (auto term = db.allterms_begin(prefix); term != db.allterms_end(prefix); ++term) {
    ++tally.terms;
    for (auto it = db.postlist_begin(*term); it != db.postlist_end(*term); ++it) ++tally.postings;
  }
  return tally;
}

uint64_t count_blocks(const Xapian::Database& db, std::string_view term) {
  uint64_t blocks = 0;
  const std::string name(term);
  for (auto it = db.postlist_begin(name); it != db.postlist_end(name); ++it) ++blocks;
  return blocks;
}

std::string name_of(const SegmentField& field) {
  std::string name(to_string(field.source));
  for (size_t i = 0; i < field.path.size(); ++i) name += (i > 0 ? "." : " ") + field.path[i];
  return name;
}

}  // namespace

Result<void> list_terms(std::string_view part, const std::function<void(std::string_view)>& print) {
  TRY_ASSIGN(const TermsDatabase open, TermsDatabase::open(part));
  return guarded<void>("xapian part", [&]() -> Result<void> {
    for (uint32_t i = 0; i < open.fields.size(); ++i) {
      const Tally values = count_terms(open.db, value_prefix(i));
      print(fmt::format("    {}: {} values, {} times in a block; range alone in {} blocks, nothing in {}",
                        name_of(open.fields[i]), values.terms, values.postings,
                        count_terms(open.db, range_prefix(i)).postings, count_blocks(open.db, unlisted_term(i))));
    }
    const Tally words = count_terms(open.db, word_term(""));
    print(fmt::format("    words of templates: {}, {} times in a block", words.terms, words.postings));
    print(fmt::format("    blocks not described: {}, with packed metadata: {}, with more for json: {}, for logfmt: {}",
                      count_blocks(open.db, kUndescribedTerm), count_blocks(open.db, kPackedMetadataTerm),
                      count_blocks(open.db, kJsonElsewhereTerm), count_blocks(open.db, kLogfmtElsewhereTerm)));
    return {};
  });
}

}  // namespace cordwood::index
