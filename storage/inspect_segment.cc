// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <tuple>

#include "storage/base/checksum.h"
#include "storage/base/coding.h"
#include "storage/block_frames.h"
#include "storage/bloom_filter.h"
#include "storage/id_list.h"
#include "storage/inspect.h"
#include "storage/segment_format.h"
#include "storage/segment_index.h"
#include "storage/segment_terms.h"

namespace cordwood {

namespace {

constexpr uint64_t kMaxSectionBytes = 1u << 30;
constexpr std::string_view kSectionNames[kSegmentSections] = {"id table", "filters",     "stream table",
                                                              "xapian",   "block index", "meta"};
constexpr std::string_view kFormNames[] = {"raw", "json", "logfmt", "text"};

std::string path_text(const ColumnMeta& c) {
  std::string text(to_string(c.source));
  if (!c.path.empty()) text += " ";
  for (size_t i = 0; i < c.path.size(); ++i) text += (i > 0 ? "." : "") + c.path[i];
  if (c.occurrence > 0) text += fmt::format("#{}", c.occurrence);
  return text;
}

std::string type_text(const ColumnMeta& c) {
  std::string text(to_string(c.type));
  switch (c.type) {
    case ColumnType::constant: text += fmt::format(" {:?}", c.constant); break;
    case ColumnType::dictionary:
    case ColumnType::pattern:
    case ColumnType::rendered: text += fmt::format(" of {}", c.distinct); break;
    case ColumnType::hex: text += fmt::format(" of {} digits", c.digits); break;
    case ColumnType::decimal: text += fmt::format(" with {} digits", c.digits); break;
    case ColumnType::timestamp: text += (c.flags & kRelative) != 0 ? " relative to the row" : " absolute"; break;
    default: break;
  }
  if (c.type >= ColumnType::integer && c.type <= ColumnType::ipv4 && (c.flags & kExceptions) != 0)
    text += ", exceptions";
  if (is_binary(c) && (c.flags & kListed) != 0) text += ", listed";
  return text;
}

std::string seconds_of(const std::vector<int64_t>& widths_ns) {
  std::string out;
  for (const int64_t width_ns : widths_ns)
    out += fmt::format("{}{} s", out.empty() ? "" : ", ", width_ns / kNsPerSecond);
  return out.empty() ? "no table" : out;
}

class SegmentInspector {
 public:
  SegmentInspector(std::shared_ptr<File> file, const InspectOptions& options, const InspectOutput& print)
      : file_(std::move(file)), source_(file_source(file_)), options_(options), print_(print) {}
  Result<InspectReport> run();

 private:
  struct Usage {
    uint64_t blocks = 0;
    uint64_t cells = 0;
    uint64_t bytes = 0;
  };
  void damage(const std::string& what) {
    ++report_.damages;
    print_("DAMAGE " + what);
  }
  Result<SegmentFooter> read_footer(uint64_t size);
  /// The section's bytes, whatever its checksum says; empty when they cannot be read.
  std::string read_section(SegmentSection which, const SegmentFooter& footer);
  void inspect_meta(std::string_view bytes);
  void inspect_index(const SegmentFooter& footer);
  void inspect_terms(std::string_view bytes, uint64_t checksum);
  void inspect_ids(std::string_view* index);
  void check_frames(BlockFrames* frames, const std::vector<PieceMeta>& pieces, const std::string& what);
  void check_filter(std::string_view bytes, uint32_t blocks, uint32_t kind, size_t number);
  void inspect_record(const BlockRecord& record, const StreamTable& streams, uint64_t number);
  void inspect_columns(const BlockDirectory& directory);
  void print_forms();

  std::shared_ptr<File> file_;
  std::shared_ptr<const ByteSource> source_;
  const InspectOptions options_;
  const InspectOutput& print_;
  InspectReport report_;
  uint64_t form_rows_[4] = {};
  std::map<std::tuple<std::string, std::string>, Usage> usage_;  ///< by column and type
};

Result<SegmentFooter> SegmentInspector::read_footer(uint64_t size) {
  if (size < SegmentFooter::kBytes) return Error::corrupt("segment: too short for a footer");
  TRY_ASSIGN(const std::string bytes, source_->read(size - SegmentFooter::kBytes, SegmentFooter::kBytes));
  Result<SegmentFooter> footer = SegmentFooter::decode(bytes, size);
  if (footer.ok()) return footer;
  damage(footer.error().message);
  if (footer.error().kind == ErrorKind::invalid) return footer;
  return SegmentFooter::decode_unchecked(bytes);
}

std::string SegmentInspector::read_section(SegmentSection which, const SegmentFooter& footer) {
  const SectionPlace& place = footer.sections[which];
  if (place.size == 0) return {};
  if (place.size > kMaxSectionBytes) {
    damage(fmt::format("{}: its size cannot be", kSectionNames[which]));
    return {};
  }
  Result<std::string> bytes = source_->read(place.offset, place.size);
  if (!bytes.ok()) {
    damage(fmt::format("{}: {}", kSectionNames[which], bytes.error().message));
    return {};
  }
  if (checksum_differs(place.checksum, xxh3_64(*bytes)))
    damage(fmt::format("{}: checksum differs", kSectionNames[which]));
  return std::move(bytes).value();
}

void SegmentInspector::inspect_meta(std::string_view bytes) {
  ByteReader in(bytes);
  const Result<SegmentMeta> meta = SegmentMeta::decode(&in);
  if (!meta.ok()) return damage(meta.error().message);
  print_(fmt::format(
      "key {}, node {:?}, generation {}, level {}, blocks {}, rows {}, raw {} B, time [{}, {}], arrival [{}, {}]",
      meta->key, meta->node, meta->generation, meta->level, meta->blocks, meta->rows, meta->raw_bytes,
      meta->time_min_ns, meta->time_max_ns, meta->arrival_min, meta->arrival_max));
  for (const std::string& key : meta->replaces) print_("replaces " + key);
}

/// The pages of one filter, which `bytes` begin with.
void SegmentInspector::check_filter(std::string_view bytes, uint32_t blocks, uint32_t kind, size_t number) {
  uint32_t page = 0;
  for (uint64_t left = bloom_bytes(blocks); left > 0; ++page) {
    const uint32_t size = bloom_page_bytes(page, blocks);
    if (!check_bloom_page(bytes.substr(bloom_page_offset(page), size), page, kind).ok())
      damage(fmt::format("block {}, filter {}, page {}: its checksum differs", number, kind, page));
    left -= size;
  }
}

void SegmentInspector::inspect_index(const SegmentFooter& footer) {
  if ((footer.features & kFeatureFilters) == 0) return;
  const std::string filters = read_section(kFilterSection, footer);
  const std::string ids = read_section(kIdTableSection, footer);
  const Result<SegmentIndexDirectory> directory = SegmentIndexDirectory::decode(filters, footer);
  if (!directory.ok()) return damage(directory.error().message);
  const IdTableShape& shape = directory->ids;
  print_(fmt::format("id table: {} ids, {} entries, {} buckets, {} overflow, reach {}, {} + {} bits", shape.ids,
                     shape.entries, shape.buckets, shape.overflow, shape.reach, shape.remainder_bits,
                     shape.block_bits));
  for (uint64_t i = 0; i * IdTableShape::kBucketBytes < ids.size(); ++i) {
    IdMatch match;
    const std::string_view bucket =
        std::string_view(ids).substr(i * IdTableShape::kBucketBytes, IdTableShape::kBucketBytes);
    if (!search_id_bucket(bucket, i, 0, shape, &match).ok())
      damage(fmt::format("id table, bucket {}: it is damaged", i));
  }
  if (filters.empty()) return;
  for (size_t i = 0; i < directory->blocks.size(); ++i) {
    const BlockTextFacts& facts = directory->blocks[i];
    if (!options_.forms) {
      print_(fmt::format("index of block {}: flags {:#x}, tokens {} B, grams {} B, hex lengths {:#x}", i, facts.flags,
                         bloom_bytes(facts.token_blocks), bloom_bytes(facts.gram_blocks), facts.hex_lengths));
    }
    if (directory->slices != nullptr) continue;
    const std::string_view own = std::string_view(filters).substr(directory->page_offsets[i]);
    check_filter(own, facts.token_blocks, kTokenFilter, i);
    check_filter(own.substr(bloom_bytes(facts.token_blocks)), facts.gram_blocks, kGramFilter, i);
  }
  if (directory->slices == nullptr) return;
  const auto report = [this](const Error& error) { damage(error.message); };
  const auto& [tokens, grams] = *directory->slices;
  tokens.check(std::string_view(filters).substr(0, tokens.bytes()), report);
  grams.check(std::string_view(filters).substr(tokens.bytes(), grams.bytes()), report);
}

void SegmentInspector::inspect_terms(std::string_view bytes, uint64_t checksum) {
  const Result<TermsPart> part = TermsPart::decode(bytes);
  if (!part.ok()) return damage(part.error().message);
  print_(fmt::format("xapian part: {} blocks, {} fields, {} terms, {} postings, database of {} B in {} B", part->blocks,
                     part->fields, part->terms, part->postings, part->database_bytes, bytes.size()));
  if (const auto database = part->database(); !database.ok()) return damage("xapian part: " + database.error().message);
  // The library that opens it does not bear damage.
  if (!options_.list_terms || xxh3_64(bytes) != checksum) return;
  if (const auto listed = options_.list_terms(bytes, print_); !listed.ok()) damage(listed.error().message);
}

void SegmentInspector::inspect_columns(const BlockDirectory& directory) {
  for (const ColumnMeta& c : directory.columns) {
    uint64_t bytes = 0;
    for (uint32_t p = 0; p < c.pieces; ++p) bytes += directory.pieces[c.first_piece + p].packed_bytes();
    const bool listed = is_binary(c) && (c.flags & kListed) != 0;
    Usage& u = usage_[{path_text(c), std::string(listed ? "listed " : "") + std::string(to_string(c.type))}];
    ++u.blocks;
    u.cells += c.cells;
    u.bytes += bytes;
    if (options_.forms) continue;
    std::string range;
    if (c.range) range = fmt::format(" in [{}, {}]", c.range->min, c.range->max);
    print_(fmt::format("    {}: {}, {} cells, {} B{}", path_text(c), type_text(c), c.cells, bytes, range));
  }
}

void SegmentInspector::check_frames(BlockFrames* frames, const std::vector<PieceMeta>& pieces,
                                    const std::string& what) {
  for (uint32_t p = 0; p < pieces.size(); ++p) {
    for (uint32_t f = 0; f < pieces[p].frames.size(); ++f) {
      const auto raw = frames->frame(p, f);
      if (!raw.ok()) damage(fmt::format("{}, piece {}, frame {}: {}", what, p, f, raw.error().message));
    }
  }
}

void SegmentInspector::inspect_ids(std::string_view* index) {
  const Result<IdLists> lists = IdLists::take(index);
  if (!lists.ok()) return damage(lists.error().message);
  for (size_t i = 0; i < lists->lists.size(); ++i) {
    print_(fmt::format("id list: {} ids of {} B, {} B", lists->lists[i].ids, lists->lists[i].width,
                       lists->pieces[2 * i].packed_bytes() + lists->pieces[2 * i + 1].packed_bytes()));
  }
  ReadStats stats;
  BlockFrames frames({source_, 0, lists->offset, nullptr}, &lists->pieces, &stats);
  check_frames(&frames, lists->pieces, "id lists");
}

void SegmentInspector::inspect_record(const BlockRecord& record, const StreamTable& streams, uint64_t number) {
  const Result<EntryParts> parts = decode_entry(record.entry);
  if (!parts.ok()) return damage(fmt::format("block {}: {}", number, parts.error().message));
  const BlockSummary& s = parts->summary;
  const std::string tenant = record.tenant < streams.tenants.size() ? streams.tenants[record.tenant] : "?";
  const uint64_t stored = s.narrow_bytes + s.heap_bytes + record.entry.size();
  if (!options_.forms) {
    print_(
        fmt::format("block {} tenant {:?} rows {} raw {} B stored {} B ({:.2f}) narrow {} B at {} heap {} B at {} "
                    "entry {} B arrival [{}, {}] counts every {}",
                    number, tenant, s.rows, s.raw_bytes, stored,
                    static_cast<double>(s.raw_bytes) / static_cast<double>(std::max<uint64_t>(1, stored)),
                    s.narrow_bytes, record.narrow_offset, s.heap_bytes, record.heap_offset, record.entry.size(),
                    s.arrival_min, s.arrival_max, seconds_of(s.count_widths_ns)));
    for (size_t i = 0; i < s.runs.size() && i < record.streams.size(); ++i) {
      const uint32_t n = record.streams[i];
      print_(fmt::format("    stream {} rows {} time [{}, {}]",
                         n < streams.streams.size() ? streams.streams[n]->label_string : "?", s.runs[i].rows,
                         s.runs[i].time_min_ns, s.runs[i].time_max_ns));
    }
  }
  const Result<std::string> raw = unpack_part(parts->directory);
  if (!raw.ok()) return damage(fmt::format("block {}: {}", number, raw.error().message));
  const Result<BlockDirectory> directory = decode_directory(*raw, s);
  if (!directory.ok()) return damage(fmt::format("block {}: {}", number, directory.error().message));
  for (size_t f = 0; f < 4; ++f) form_rows_[f] += directory->form_rows[f];
  if (!options_.forms) {
    print_(fmt::format("    lines raw {} json {} logfmt {} text {}, shapes {}, metadata shapes {}",
                       directory->form_rows[0], directory->form_rows[1], directory->form_rows[2],
                       directory->form_rows[3], directory->shape_count, directory->metadata_shape_count));
  }
  inspect_columns(*directory);
  ReadStats stats;
  BlockFrames frames({source_, record.narrow_offset, record.heap_offset, nullptr}, &directory->pieces, &stats);
  check_frames(&frames, directory->pieces, fmt::format("block {}", number));
}

void SegmentInspector::print_forms() {
  uint64_t rows = 0;
  for (const uint64_t n : form_rows_) rows += n;
  for (size_t f = 0; f < 4; ++f) {
    print_(fmt::format("form {} {} lines {:.2f} %", kFormNames[f], form_rows_[f],
                       100.0 * static_cast<double>(form_rows_[f]) / static_cast<double>(std::max<uint64_t>(1, rows))));
  }
  for (const auto& [key, u] : usage_) {
    print_(fmt::format("column {}: {} in {} blocks, {} cells, {} B", std::get<0>(key), std::get<1>(key), u.blocks,
                       u.cells, u.bytes));
  }
}

Result<InspectReport> SegmentInspector::run() {
  TRY_ASSIGN(const uint64_t size, file_->size());
  print_(fmt::format("segment of {} B", size));
  const Result<SegmentFooter> footer = read_footer(size);
  if (!footer.ok()) {
    if (report_.damages == 0) damage(footer.error().message);
    return report_;
  }
  print_(fmt::format("version {}.{}, features {:#x}", footer->major, footer->minor, footer->features));
  for (uint32_t i = 0; i < kSegmentSections; ++i) {
    const SectionPlace& s = footer->sections[i];
    print_(fmt::format("section {}: {} B at {}, checksum {:016x}", kSectionNames[i], s.size, s.offset, s.checksum));
  }
  inspect_meta(read_section(kMetaSection, *footer));
  StreamTable streams;
  Result<StreamTable> table = StreamTable::decode(read_section(kStreamSection, *footer));
  if (table.ok()) {
    streams = std::move(table).value();
    print_(fmt::format("{} tenants, {} streams", streams.tenants.size(), streams.streams.size()));
  } else {
    damage(table.error().message);
  }
  inspect_index(*footer);
  if ((footer->features & kFeatureXapian) != 0)
    inspect_terms(read_section(kXapianSection, *footer), footer->sections[kXapianSection].checksum);
  uint64_t number = 0;
  const std::string blocks = read_section(kBlockSection, *footer);
  std::string_view index = blocks;
  if ((footer->features & kFeatureIdLists) != 0) inspect_ids(&index);
  for_each_block_record(index, [&](Result<std::string_view> bytes) {
    const uint64_t n = number++;
    if (!bytes.ok()) return damage(fmt::format("block {}: {}", n, bytes.error().message));
    const Result<BlockRecord> record = BlockRecord::decode(*bytes);
    if (!record.ok()) return damage(fmt::format("block {}: {}", n, record.error().message));
    inspect_record(*record, streams, n);
  });
  if (options_.forms) print_forms();
  print_(fmt::format("{} blocks, {} damages", number, report_.damages));
  return report_;
}

}  // namespace

Result<InspectReport> inspect_segment(std::shared_ptr<File> file, const InspectOptions& options,
                                      const InspectOutput& print) {
  return SegmentInspector(std::move(file), options, print).run();
}

}  // namespace cordwood
