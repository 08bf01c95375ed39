// SPDX-License-Identifier: Apache-2.0
#include "index/day_index.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <optional>
#include <unordered_map>

#include "index/guarded.h"
#include "index/terms.h"

namespace cordwood::index {

namespace {

using DocIds = std::vector<Xapian::docid>;  // ascending

DocIds intersect(const DocIds& a, const DocIds& b) {
  DocIds out;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out));
  return out;
}

DocIds subtract(const DocIds& a, const DocIds& b) {
  DocIds out;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out));
  return out;
}

std::string encode_stream(const Stream& stream) {
  std::string out;
  ByteWriter w(&out);
  w.string(stream.tenant);
  w.u8(static_cast<uint8_t>(stream.kind));
  stream.labels.encode(&out);
  return out;
}

Result<StreamPtr> decode_stream(std::string_view bytes) {
  ByteReader in(bytes);
  TenantId tenant(in.string());
  const auto kind = static_cast<StreamKind>(in.u8());
  TRY_ASSIGN(Labels labels, Labels::decode(&in));
  TRY(in.finish("stream document"));
  return Stream::make(std::move(tenant), kind, std::move(labels));
}

}  // namespace

struct DayIndex::Impl {
  static constexpr size_t kMaxDecoded = 200'000;  ///< streams kept decoded; about 0.5 KB each

  std::string path;
  Xapian::WritableDatabase db;
  std::unordered_map<Xapian::docid, StreamPtr> decoded;

  std::optional<uint64_t> number(const std::string& key) const {
    const std::string text = db.get_metadata(key);
    uint64_t n = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), n);
    if (text.empty() || end.ec != std::errc()) return std::nullopt;
    return n;
  }

  uint64_t number_or_new(const std::string& key, const std::string& counter) {
    if (const auto known = number(key)) return *known;
    const uint64_t next = number(counter).value_or(0) + 1;
    db.set_metadata(counter, std::to_string(next));
    db.set_metadata(key, std::to_string(next));
    return next;
  }

  DocIds postings(const std::string& term) const { return {db.postlist_begin(term), db.postlist_end(term)}; }

  /// Streams with a value of the label for which `accept` holds.  A value that is only partly in its term is taken
  /// along: the labels decide later.
  DocIds with_values(const std::string& prefix, bool partial_too,
                     const std::function<bool(std::string_view)>& accept) const {
    DocIds out;
    for (auto it = db.allterms_begin(prefix); it != db.allterms_end(prefix); ++it) {
      const std::string term = *it;
      bool whole = true;
      const std::string_view value = value_of_term(term, prefix, &whole);
      if (whole ? accept(value) : partial_too) {
        out.insert(out.end(), db.postlist_begin(term), db.postlist_end(term));
      }
    }
    std::sort(out.begin(), out.end());
    return out;
  }

  DocIds candidates(uint64_t tenant, std::span<const Matcher> matchers) const {
    std::optional<DocIds> ids;
    const auto narrow = [&ids](DocIds with) { ids = ids ? intersect(*ids, with) : std::move(with); };
    for (const Matcher& m : matchers) {
      if (m.matches_empty()) continue;
      const auto label = number(label_key(m.name()));
      if (!label) return {};
      if (m.op() == MatchOp::equal) {
        narrow(postings(label_term(tenant, *label, m.value())));
      } else {
        narrow(with_values(label_prefix(tenant, *label), true, [&m](std::string_view v) { return m.matches(v); }));
      }
    }
    if (!ids) ids = postings(tenant_term(tenant));
    for (const Matcher& m : matchers) {
      if (!m.matches_empty() || ids->empty()) continue;
      const auto label = number(label_key(m.name()));
      if (!label) continue;
      ids = subtract(
          *ids, with_values(label_prefix(tenant, *label), false, [&m](std::string_view v) { return !m.matches(v); }));
    }
    return std::move(*ids);
  }

  Result<StreamPtr> stream(Xapian::docid id) {
    if (const auto it = decoded.find(id); it != decoded.end()) return it->second;
    TRY_ASSIGN(StreamPtr stream, decode_stream(db.get_document(id).get_data()));
    if (decoded.size() >= kMaxDecoded) decoded.clear();
    decoded.emplace(id, stream);
    return stream;
  }

  void add(const Stream& stream) {
    const uint64_t tenant = number_or_new(tenant_key(stream.tenant), "tenants");
    const std::string unique = stream_term(tenant, stream.id);
    if (db.term_exists(unique)) return;
    Xapian::Document doc;
    doc.add_boolean_term(unique);
    doc.add_boolean_term(tenant_term(tenant));
    for (const auto& [name, value] : stream.labels.pairs()) {
      doc.add_boolean_term(label_term(tenant, number_or_new(label_key(name), "labels"), value));
    }
    doc.set_data(encode_stream(stream));
    db.add_document(doc);
  }
};

DayIndex::DayIndex(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DayIndex::~DayIndex() = default;

Result<std::unique_ptr<DayIndex>> DayIndex::open(const std::string& path) {
  return guarded<std::unique_ptr<DayIndex>>("stream index " + path, [&]() -> Result<std::unique_ptr<DayIndex>> {
    auto impl = std::make_unique<Impl>();
    impl->path = path;
    impl->db = Xapian::WritableDatabase(path, Xapian::DB_CREATE_OR_OPEN | Xapian::DB_BACKEND_GLASS);
    return std::unique_ptr<DayIndex>(new DayIndex(std::move(impl)));
  });
}

Result<void> DayIndex::add(std::span<const StreamPtr> streams) {
  return guarded<void>("stream index " + impl_->path, [&]() -> Result<void> {
    for (const StreamPtr& stream : streams) impl_->add(*stream);
    impl_->db.commit();
    return {};
  });
}

Result<bool> DayIndex::contains(const Stream& stream) {
  return guarded<bool>("stream index " + impl_->path, [&]() -> Result<bool> {
    const auto tenant = impl_->number(tenant_key(stream.tenant));
    return tenant.has_value() && impl_->db.term_exists(stream_term(*tenant, stream.id));
  });
}

Result<std::vector<StreamPtr>> DayIndex::select(const TenantId& tenant, std::span<const Matcher> matchers) {
  return guarded<std::vector<StreamPtr>>("stream index " + impl_->path, [&]() -> Result<std::vector<StreamPtr>> {
    std::vector<StreamPtr> out;
    const auto number = impl_->number(tenant_key(tenant));
    if (!number) return out;
    for (const Xapian::docid id : impl_->candidates(*number, matchers)) {
      TRY_ASSIGN(StreamPtr stream, impl_->stream(id));
      // Confirms what hashes and cut-off values left open.
      if (stream->tenant == tenant && matches_all(stream->labels, matchers.data(), matchers.size())) {
        out.push_back(std::move(stream));
      }
    }
    return out;
  });
}

uint64_t DayIndex::memory_bytes() const {
  constexpr uint64_t kBytesPerStream = 512;
  return impl_->decoded.size() * kBytesPerStream;
}

}  // namespace cordwood::index
