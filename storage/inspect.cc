// SPDX-License-Identifier: Apache-2.0
#include "storage/inspect.h"

#include <algorithm>
#include <array>

#include "storage/base/checksum.h"
#include "storage/base/coding.h"
#include "storage/manifest.h"
#include "storage/segment_format.h"
#include "storage/wal_reader.h"

namespace cordwood {

namespace {

constexpr uint64_t kMaxManifestBytes = 256u << 20;

std::string_view file_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

std::string_view name_of(WalRecordType type) {
  switch (type) {
    case WalRecordType::push_body: return "push_body";
    case WalRecordType::push_batch: return "push_batch";
    case WalRecordType::policy: return "policy";
  }
  return "unknown";
}

Result<InspectReport> inspect_wal(FileSystem& fs, const std::string& path, const InspectOutput& print) {
  const WalPlace place = parse_wal_file_name(file_name(path)).value_or(WalPlace());
  print(fmt::format("write-ahead log, generation {}, file {}", place.generation, place.file_number));
  TRY_ASSIGN(
      const WalFileScan scan, scan_wal_file(fs, path, place, [&](uint64_t offset, const WalRecord& r) -> Result<void> {
        print(
            fmt::format("{:12} {:10} sequence {} tenant {:?} time {} policy {:016x} format {} encoding {} "
                        "refused {} payload {} B",
                        offset, name_of(r.type), r.sequence, r.tenant, r.receive_time_ns, r.policy_id,
                        static_cast<int>(r.format), static_cast<int>(r.encoding), r.refused.size(), r.payload.size()));
        return {};
      }));
  InspectReport report;
  report.damages = scan.damaged_records;
  for (const WalFileScan::Damage& d : scan.damages) print(fmt::format("DAMAGE [{}, {}): {}", d.begin, d.end, d.what));
  if (scan.intact_end < scan.file_bytes) {
    print(fmt::format("unfinished write: {} B from {}", scan.file_bytes - scan.intact_end, scan.intact_end));
  }
  print(fmt::format("{} records, {} damaged, {} B", scan.records, scan.damaged_records, scan.file_bytes));
  return report;
}

Result<InspectReport> inspect_manifest(std::string_view bytes, const InspectOutput& print) {
  InspectReport report;
  const Result<ManifestObject> decoded = decode_manifest(bytes);
  if (!decoded.ok()) {
    print("manifest object");
    print("DAMAGE " + decoded.error().message);
    ++report.damages;
    return report;
  }
  const ManifestObject& o = *decoded;
  print(fmt::format("manifest {} {} of node {:?}, previous {:016x}",
                    o.kind == ManifestObject::Kind::change ? "change" : "snapshot", o.number, o.node, o.previous));
  for (const SegmentMeta& m : o.change.added) {
    print(fmt::format(
        "  add {} {} B (tail {}) generation {} level {} blocks {} rows {} raw {} B time [{}, {}] arrival [{}, {}]",
        m.key, m.size_bytes, m.tail_bytes, m.generation, m.level, m.blocks, m.rows, m.raw_bytes, m.time_min_ns,
        m.time_max_ns, m.arrival_min, m.arrival_max));
    for (const std::string& key : m.replaces) print("      replaces " + key);
  }
  for (const std::string& key : o.change.removed) print("  remove " + key);
  for (const WalLog& log : o.change.generations_done) {
    print(fmt::format("  generation {} done{}", log.generation,
                      log.mark == 0 ? "" : fmt::format(", log {:016x}", log.mark)));
  }
  for (const DeleteRequest& d : o.change.deletes) {
    print(fmt::format("  delete {} of tenant {:?}: {:?} time [{}, {}] arrival to {} generation to {}{}", d.id, d.tenant,
                      d.query, d.start_ns, d.end_ns, d.arrival_cut, d.generation,
                      d.state == DeleteRequest::State::processed ? ", processed" : ""));
  }
  for (const std::string& id : o.change.deletes_gone) print("  no more delete " + id);
  for (const LegalHold& h : o.change.holds) {
    print(fmt::format("  hold {} of tenant {:?}: {:?} time [{}, {}] {:?}", h.id, h.tenant, h.selector, h.start_ns,
                      h.end_ns, h.reason));
  }
  for (const DayIdsMeta& t : o.change.day_ids) {
    print(fmt::format("  common id table {} {} B of {} ids, remainder {} bits, {} + {} buckets, reach {}", t.key,
                      t.size_bytes, t.shape.ids, t.shape.remainder_bits, t.shape.buckets, t.shape.overflow,
                      t.shape.reach));
    for (const DayIdsMeta::Part& part : t.parts) print(fmt::format("      {} {} blocks", part.segment, part.blocks));
  }
  for (const std::string& key : o.change.day_ids_gone) print("  no more common id table " + key);
  if (!o.change.opened_by.empty()) print("  opened by " + o.change.opened_by);
  for (const std::string& id : o.change.holds_gone) print("  no more hold " + id);
  return report;
}

/// Its shape is in the manifest: here buckets are only told from damaged ones.
Result<InspectReport> inspect_day_ids(File& file, uint64_t size, const InspectOutput& print) {
  constexpr uint64_t kBucket = IdTableShape::kBucketBytes;
  InspectReport report;
  const uint64_t buckets = (size - std::min<uint64_t>(size, kDayIdsHeaderBytes)) / kBucket;
  uint64_t groups = 0;
  std::string bucket(kBucket, '\0');
  for (uint64_t i = 0; i < buckets; ++i) {
    TRY_ASSIGN(const size_t got, file.read_at(kDayIdsHeaderBytes + i * kBucket, bucket.data(), kBucket));
    ByteReader in(bucket);
    const uint32_t stored = in.u32();
    if (got != kBucket || stored != static_cast<uint32_t>(xxh3_64(std::string_view(bucket).substr(4), i))) {
      print(fmt::format("DAMAGE bucket {}", i));
      ++report.damages;
      continue;
    }
    groups += in.u16();
  }
  if (size != kDayIdsHeaderBytes + buckets * kBucket) {
    print("DAMAGE it does not end with a bucket");
    ++report.damages;
  }
  print(fmt::format("common id table of some segments: {} buckets, {} ids, {} B", buckets, groups, size));
  return report;
}

}  // namespace

Result<InspectReport> inspect_file(FileSystem& fs, const std::string& path, const InspectOptions& options,
                                   const InspectOutput& print) {
  TRY_ASSIGN(std::unique_ptr<File> opened, fs.open(path, OpenMode::read));
  std::shared_ptr<File> file = std::move(opened);
  TRY_ASSIGN(const uint64_t size, file->size());
  std::array<char, 16> head{};
  TRY_ASSIGN(const size_t got, file->read_at(0, head.data(), head.size()));
  const std::string_view magic(head.data(), got);
  // The end of a segment tells it too, should its first bytes be damaged.
  std::array<char, 8> tail{};
  if (size >= tail.size()) {
    TRY_ASSIGN(const size_t read, file->read_at(size - tail.size(), tail.data(), tail.size()));
    if (read != tail.size()) return Error::io(path + ": became shorter");
  }
  const bool ends_as_segment = std::string_view(tail.data(), tail.size()) == kSegmentMagic;
  if (magic.starts_with(kSegmentPreludeMagic) || ends_as_segment)
    return inspect_segment(std::move(file), options, print);
  const std::string_view name = file_name(path);
  if (magic.starts_with("CWAL") || name.ends_with(".wal")) return inspect_wal(fs, path, print);
  if (magic.starts_with("CWMF")) {
    TRY_ASSIGN(const std::string bytes, fs.read_all(path, kMaxManifestBytes));
    return inspect_manifest(bytes, print);
  }
  if (magic.starts_with(kDayIdsMagic)) return inspect_day_ids(*file, size, print);
  if (magic.starts_with("SQLite format 3")) {
    print(
        "SQLite: the local view of the manifest.  It holds nothing of its own and may be deleted while nothing runs.");
    return InspectReport();
  }
  return Error::invalid(path + ": not a file that cordwood writes");
}

}  // namespace cordwood
