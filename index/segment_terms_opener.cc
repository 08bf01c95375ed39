// SPDX-License-Identifier: Apache-2.0
#include "index/segment_terms_opener.h"

#include <array>
#include <list>
#include <vector>

#include "index/guarded.h"
#include "index/terms_database.h"
#include "storage/base/checksum.h"
#include "storage/base/mutex.h"

namespace cordwood::index {

namespace {

constexpr size_t kAnswersKept = 16;

/// A database of a part; whoever uses it holds the part's lock.
struct OpenDatabase {
  TermsDatabase terms;
  MemoryReservation memory;
};

/// Blocks in which a row may pass.
struct TermsAnswer {
  std::string key;
  bool any = false;  ///< all of them, because the part is damaged
  std::vector<bool> blocks;
};

void add_postings(const Xapian::Database& db, std::string_view term, TermsAnswer* answer) {
  const std::string name(term);
  for (auto it = db.postlist_begin(name); it != db.postlist_end(name); ++it) {
    if (*it > 0 && *it <= answer->blocks.size()) answer->blocks[*it - 1] = true;
  }
}

void add_field(const TermsDatabase& open, uint32_t number, const FieldProbe& probe, TermsAnswer* answer) {
  add_postings(open.db, unlisted_term(number), answer);
  const std::string ranges = range_prefix(number);
  for (auto it = open.db.allterms_begin(ranges); it != open.db.allterms_end(ranges); ++it) {
    const std::string term = *it;
    const auto range = decode_range(std::string_view(term).substr(ranges.size()));
    if (!range || !probe.accepts_range || probe.accepts_range(range->min, range->max))
      add_postings(open.db, term, answer);
  }
  if (probe.equals) return add_postings(open.db, value_term(number, *probe.equals), answer);
  const std::string prefix = value_prefix(number);
  for (auto it = open.db.allterms_begin(prefix); it != open.db.allterms_end(prefix); ++it) {
    const std::string term = *it;
    if (probe.accepts(std::string_view(term).substr(prefix.size()))) add_postings(open.db, term, answer);
  }
}

void find_blocks(const TermsDatabase& open, const FieldProbe& probe, TermsAnswer* answer) {
  add_postings(open.db, kUndescribedTerm, answer);
  add_postings(open.db, kPackedMetadataTerm, answer);
  if (probe.json) add_postings(open.db, kJsonElsewhereTerm, answer);
  if (probe.logfmt) add_postings(open.db, kLogfmtElsewhereTerm, answer);
  for (uint32_t i = 0; i < open.fields.size(); ++i) {
    const SegmentField& field = open.fields[i];
    if (field.source == ColumnSource::json && !probe.json) continue;
    if (field.source == ColumnSource::logfmt && !probe.logfmt) continue;
    if (probe.may_become(field.source, field.path)) add_field(open, i, probe, answer);
  }
}

}  // namespace

/// What the parts have in common.
struct XapianTermsOpener::Shared {
  Shared(uint64_t bytes, MemoryAccountant& m, Logger& l, Metrics& metrics)
      : open_bytes(bytes),
        memory(m),
        log(l),
        damaged(metrics.counter("cordwood_segment_terms_damaged_total",
                                "Xapian parts of segments that are damaged and rule nothing out.")),
        opened(metrics.counter("cordwood_segment_terms_opened_total", "Databases of Xapian parts opened.")) {}

  /// The open database of a part, which is then the last to be closed.
  std::shared_ptr<OpenDatabase> find(const void* part) EXCLUDES(mu) {
    const MutexLock lock(mu);
    for (auto it = kept.begin(); it != kept.end(); ++it) {
      if (it->part != part) continue;
      kept.splice(kept.begin(), kept, it);
      return it->database;
    }
    return nullptr;
  }
  void keep(const void* part, std::shared_ptr<OpenDatabase> database) EXCLUDES(mu) {
    opened.add();
    const MutexLock lock(mu);
    kept_bytes += database->memory.bytes();
    kept.push_front({part, std::move(database)});
    while (kept_bytes > open_bytes && kept.size() > 1) {
      kept_bytes -= kept.back().database->memory.bytes();
      kept.pop_back();
    }
  }
  void forget(const void* part) EXCLUDES(mu) {
    const MutexLock lock(mu);
    for (auto it = kept.begin(); it != kept.end();) {
      if (it->part == part) kept_bytes -= it->database->memory.bytes();
      it = it->part == part ? kept.erase(it) : std::next(it);
    }
  }

  struct Kept {
    const void* part = nullptr;
    std::shared_ptr<OpenDatabase> database;
  };
  const uint64_t open_bytes;
  MemoryAccountant& memory;
  Logger& log;
  Counter& damaged;
  Counter& opened;
  Mutex mu;
  std::list<Kept> kept GUARDED_BY(mu);  ///< asked last first
  uint64_t kept_bytes GUARDED_BY(mu) = 0;
};

namespace {

template <typename Shared>
class XapianTerms final : public SegmentTerms {
 public:
  XapianTerms(std::shared_ptr<Shared> shared, std::string part, uint32_t blocks)
      : shared_(std::move(shared)), part_(std::move(part)), blocks_(blocks) {}
  ~XapianTerms() override { shared_->forget(this); }

  bool may_hold(uint32_t block, const FieldProbe& probe, ReadStats* stats) const override {
    const std::shared_ptr<const TermsAnswer> answer = answer_to(probe, stats);
    return answer->any || block >= answer->blocks.size() || answer->blocks[block];
  }
  uint64_t memory_bytes() const override { return part_.size() + sizeof(*this); }

 private:
  std::shared_ptr<const TermsAnswer> answer_to(const FieldProbe& probe, ReadStats* stats) const EXCLUDES(mu_) {
    const MutexLock lock(mu_);
    for (const auto& answer : answers_)
      if (answer != nullptr && answer->key == probe.key) return answer;
    auto answer = std::make_shared<TermsAnswer>();
    answer->key = probe.key;
    answer->blocks.assign(blocks_, false);
    if (const Result<void> asked = ask(probe, answer.get(), stats); !asked.ok()) {
      answer->any = true;
      ++stats->index_damages;
      if (!damaged_) {
        shared_->damaged.add();
        shared_->log.warn("the Xapian part of a segment is damaged and rules no block out",
                          {{"error", asked.error().message}});
      }
      damaged_ = true;
    }
    answers_[next_answer_++ % kAnswersKept] = answer;
    return answer;
  }

  Result<void> ask(const FieldProbe& probe, TermsAnswer* answer, ReadStats* stats) const REQUIRES(mu_) {
    if (damaged_) return Error::corrupt("xapian part: it is damaged");
    std::shared_ptr<OpenDatabase> open = shared_->find(this);
    if (open == nullptr) {
      TRY_ASSIGN(TermsDatabase terms, TermsDatabase::open(part_));
      MemoryReservation memory = shared_->memory.charge(MemoryShare::cache, terms.bytes);
      open = std::make_shared<OpenDatabase>(OpenDatabase{std::move(terms), std::move(memory)});
      shared_->keep(this, open);
      ++stats->index_reads;
      stats->index_bytes += part_.size();
    }
    return guarded<void>("xapian part", [&]() -> Result<void> {
      find_blocks(open->terms, probe, answer);
      return {};
    });
  }

  const std::shared_ptr<Shared> shared_;
  const std::string part_;
  const uint32_t blocks_;
  mutable Mutex mu_;
  mutable std::array<std::shared_ptr<const TermsAnswer>, kAnswersKept> answers_ GUARDED_BY(mu_);
  mutable size_t next_answer_ GUARDED_BY(mu_) = 0;
  mutable bool damaged_ GUARDED_BY(mu_) = false;
};

}  // namespace

XapianTermsOpener::XapianTermsOpener(uint64_t open_bytes, MemoryAccountant& memory, Logger& log, Metrics& metrics)
    : shared_(std::make_shared<Shared>(open_bytes, memory, log, metrics)) {}
XapianTermsOpener::~XapianTermsOpener() = default;

std::shared_ptr<const SegmentTerms> XapianTermsOpener::open(std::string_view part, uint64_t checksum, uint32_t blocks) {
  // In every build: the library does not bear a damaged database.
  const bool intact = xxh3_64(part) == checksum;
  Result<TermsPart> decoded = TermsPart::decode(part);
  if (!intact || !decoded.ok() || decoded->blocks != blocks) {
    shared_->damaged.add();
    shared_->log.warn("the Xapian part of a segment is damaged and rules no block out", {{"bytes", part.size()}});
    return nullptr;
  }
  return std::make_shared<XapianTerms<Shared>>(shared_, std::string(part), blocks);
}

}  // namespace cordwood::index
