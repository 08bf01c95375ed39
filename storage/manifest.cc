// SPDX-License-Identifier: Apache-2.0
#include "storage/manifest.h"

#include <algorithm>

#include "storage/base/checksum.h"
#include "storage/base/coding.h"

namespace cordwood {

namespace {

constexpr std::string_view kManifestMagic = "CWMF";
constexpr uint16_t kManifestMajor = 1;
constexpr uint16_t kManifestMinor = 0;
constexpr uint16_t kMinorWithActs = 1;    ///< of objects with deletes or holds: version 1.0 refuses their steps
constexpr uint16_t kMinorWithMarks = 2;   ///< of objects with marks of logs, or that tell who opened the store
constexpr uint16_t kMinorWithDayIds = 3;  ///< of objects with common id tables
constexpr uint64_t kKnownManifestFeatures = 0;
constexpr size_t kManifestPreludeBytes = 20;

/// What one step of a change does; the numbers are on disk.
enum class Step : uint8_t {
  add_segment = 1,
  remove_segment = 2,
  generation_done = 3,
  set_delete = 4,
  drop_delete = 5,
  set_hold = 6,
  drop_hold = 7,
  log_done = 8,
  opened = 9,
  set_day_ids = 10,
  drop_day_ids = 11,
};

void encode_change(const CatalogChange& change, std::string* out) {
  ByteWriter w(out);
  w.varint(change.added.size() + change.removed.size() + change.generations_done.size() + change.deletes.size() +
           change.deletes_gone.size() + change.holds.size() + change.holds_gone.size() +
           (change.opened_by.empty() ? 0 : 1) + change.day_ids.size() + change.day_ids_gone.size());
  std::string argument;
  const auto step = [&](Step kind) {
    w.u8(static_cast<uint8_t>(kind));
    w.string(argument);
    argument.clear();
  };
  for (const SegmentMeta& meta : change.added) {
    meta.encode(&argument);
    step(Step::add_segment);
  }
  for (const std::string& key : change.removed) {
    argument = key;
    step(Step::remove_segment);
  }
  for (const WalLog& log : change.generations_done) {
    ByteWriter writer(&argument);
    writer.varint(log.generation);
    if (log.mark != 0) writer.u64(log.mark);
    step(log.mark == 0 ? Step::generation_done : Step::log_done);
  }
  for (const DeleteRequest& request : change.deletes) {
    request.encode(&argument);
    step(Step::set_delete);
  }
  for (const std::string& id : change.deletes_gone) {
    argument = id;
    step(Step::drop_delete);
  }
  for (const LegalHold& hold : change.holds) {
    hold.encode(&argument);
    step(Step::set_hold);
  }
  for (const std::string& id : change.holds_gone) {
    argument = id;
    step(Step::drop_hold);
  }
  if (!change.opened_by.empty()) {
    argument = change.opened_by;
    step(Step::opened);
  }
  for (const DayIdsMeta& table : change.day_ids) {
    table.encode(&argument);
    step(Step::set_day_ids);
  }
  for (const std::string& key : change.day_ids_gone) {
    argument = key;
    step(Step::drop_day_ids);
  }
}

Result<void> decode_step(uint8_t kind, std::string_view argument, CatalogChange* change) {
  ByteReader in(argument);
  switch (static_cast<Step>(kind)) {
    case Step::add_segment: {
      TRY_ASSIGN(SegmentMeta meta, SegmentMeta::decode(&in));
      change->added.push_back(std::move(meta));
      break;
    }
    case Step::remove_segment: change->removed.emplace_back(in.bytes(in.remaining())); break;
    case Step::generation_done: change->generations_done.push_back({in.varint(), 0}); break;
    case Step::log_done: {
      WalLog log;
      log.generation = in.varint();
      log.mark = in.u64();
      change->generations_done.push_back(log);
      break;
    }
    case Step::set_delete: {
      TRY_ASSIGN(DeleteRequest request, DeleteRequest::decode(&in));
      change->deletes.push_back(std::move(request));
      break;
    }
    case Step::drop_delete: change->deletes_gone.emplace_back(in.bytes(in.remaining())); break;
    case Step::set_hold: {
      TRY_ASSIGN(LegalHold hold, LegalHold::decode(&in));
      change->holds.push_back(std::move(hold));
      break;
    }
    case Step::opened: change->opened_by = in.bytes(in.remaining()); break;
    case Step::set_day_ids: {
      TRY_ASSIGN(DayIdsMeta table, DayIdsMeta::decode(&in));
      change->day_ids.push_back(std::move(table));
      break;
    }
    case Step::drop_day_ids: change->day_ids_gone.emplace_back(in.bytes(in.remaining())); break;
    case Step::drop_hold: change->holds_gone.emplace_back(in.bytes(in.remaining())); break;
    default: return Error::invalid(fmt::format("manifest: change of unknown kind {}, made by a newer version", kind));
  }
  return in.finish("manifest step");
}

uint16_t minor_of(const CatalogChange& change) {
  if (!change.day_ids.empty() || !change.day_ids_gone.empty()) return kMinorWithDayIds;
  const bool marks = std::any_of(change.generations_done.begin(), change.generations_done.end(),
                                 [](const WalLog& log) { return log.mark != 0; });
  if (marks || !change.opened_by.empty()) return kMinorWithMarks;
  return change.changes_acts() ? kMinorWithActs : kManifestMinor;
}

Result<void> check_prelude(ByteReader* in, std::string_view bytes) {
  const std::string_view magic = in->bytes(kManifestMagic.size());
  const uint16_t major = in->u16();
  const uint16_t minor = in->u16();
  const uint64_t features = in->u64();
  const uint32_t checksum = in->u32();
  TRY(in->status("manifest"));
  if (magic != kManifestMagic) return Error::corrupt("not a manifest: its first bytes are not CWMF");
  if (checksum != static_cast<uint32_t>(xxh3_64(bytes.substr(0, kManifestPreludeBytes - sizeof(uint32_t))))) {
    return Error::corrupt("manifest: checksum of version and features does not match");
  }
  if (major != kManifestMajor || (features & ~kKnownManifestFeatures) != 0) {
    return Error::invalid(fmt::format(
        "manifest of version {}.{} with features {:#x}: this program reads version {}.x with features {:#x}", major,
        minor, features, kManifestMajor, kKnownManifestFeatures));
  }
  return {};
}

}  // namespace

std::string encode_manifest(const ManifestObject& object) {
  std::string out;
  ByteWriter w(&out);
  w.bytes(kManifestMagic);
  w.u16(kManifestMajor);
  w.u16(minor_of(object.change));
  w.u64(kKnownManifestFeatures);
  w.u32(static_cast<uint32_t>(xxh3_64(out)));
  w.u8(static_cast<uint8_t>(object.kind));
  w.string(object.node);
  w.u64(object.number);
  w.u64(object.previous);
  encode_change(object.change, &out);
  w.u64(xxh3_64(out));
  return out;
}

uint64_t manifest_checksum(std::string_view bytes) {
  uint64_t checksum = 0;
  CHECK(bytes.size() >= sizeof checksum, "manifest of {} bytes", bytes.size());
  std::memcpy(&checksum, bytes.data() + bytes.size() - sizeof checksum, sizeof checksum);
  return checksum;
}

Result<ManifestObject> decode_manifest(std::string_view bytes) {
  if (bytes.size() < kManifestPreludeBytes + sizeof(uint64_t)) return Error::corrupt("manifest: cut short");
  ByteReader prelude(bytes);
  TRY(check_prelude(&prelude, bytes));
  const std::string_view covered = bytes.substr(0, bytes.size() - sizeof(uint64_t));
  if (manifest_checksum(bytes) != xxh3_64(covered)) return Error::corrupt("manifest: checksum does not match");
  ByteReader in(covered.substr(kManifestPreludeBytes));
  ManifestObject object;
  const uint8_t kind = in.u8();
  object.kind = static_cast<ManifestObject::Kind>(kind);
  object.node = in.string();
  object.number = in.u64();
  object.previous = in.u64();
  if (kind != 1 && kind != 2) return Error::corrupt(fmt::format("manifest: object of unknown kind {}", kind));
  const uint64_t steps = in.count(2);
  for (uint64_t i = 0; i < steps; ++i) {
    const uint8_t step = in.u8();
    const std::string_view argument = in.string();
    TRY(in.status("manifest"));
    TRY(decode_step(step, argument, &object.change));
  }
  TRY(in.finish("manifest"));
  return object;
}

std::string manifest_prefix(const std::string& node) {
  return fmt::format("manifest/{}/", node);
}

std::string manifest_key(const std::string& node, uint64_t number) {
  return fmt::format("manifest/{}/{:020}", node, number);
}

std::string manifest_snapshot_key(const std::string& node, uint64_t number) {
  return fmt::format("manifest/{}/snapshot-{:020}", node, number);
}

void CatalogState::apply(const CatalogChange& change) {
  for (const std::string& key : change.removed) {
    segments.erase(key);
    drop_day_ids_of(key);
  }
  for (const SegmentMeta& meta : change.added) segments.insert_or_assign(meta.key, meta);
  generations_done.insert(change.generations_done.begin(), change.generations_done.end());
  for (const std::string& id : change.deletes_gone) deletes.erase(id);
  for (const DeleteRequest& request : change.deletes) deletes.insert_or_assign(request.id, request);
  for (const std::string& id : change.holds_gone) holds.erase(id);
  for (const LegalHold& hold : change.holds) holds.insert_or_assign(hold.id, hold);
  for (const std::string& key : change.day_ids_gone) drop_day_ids(key);
  for (const DayIdsMeta& table : change.day_ids) set_day_ids(table);
}

void CatalogState::drop_day_ids_of(const std::string& segment) {
  const auto table = table_of_.find(segment);
  if (table != table_of_.end()) drop_day_ids(std::string(table->second));
}

void CatalogState::drop_day_ids(const std::string& key) {
  const auto table = day_ids.find(key);
  if (table == day_ids.end()) return;
  for (const DayIdsMeta::Part& part : table->second.parts) table_of_.erase(part.segment);
  day_ids.erase(table);
}

/// In the place of those that have a segment in common with it; not at all when one of its segments has gone meanwhile.
void CatalogState::set_day_ids(const DayIdsMeta& table) {
  const bool whole = std::all_of(table.parts.begin(), table.parts.end(), [&](const DayIdsMeta::Part& part) {
    const auto segment = segments.find(part.segment);
    return segment != segments.end() && segment->second.blocks == part.blocks;
  });
  if (!whole) return;
  for (const DayIdsMeta::Part& part : table.parts) {
    drop_day_ids_of(part.segment);
    table_of_[part.segment] = table.key;
  }
  day_ids.insert_or_assign(table.key, table);
}

CatalogChange CatalogState::everything() const {
  CatalogChange change;
  for (const auto& [key, meta] : segments) change.added.push_back(meta);
  change.generations_done.assign(generations_done.begin(), generations_done.end());
  for (const auto& [id, request] : deletes) change.deletes.push_back(request);
  for (const auto& [id, hold] : holds) change.holds.push_back(hold);
  for (const auto& [key, table] : day_ids) change.day_ids.push_back(table);
  return change;
}

bool CatalogState::log_done(const WalLog& log) const {
  if (log.mark == 0) return generations_done.contains(log);
  return std::any_of(generations_done.begin(), generations_done.end(),
                     [&](const WalLog& done) { return done.mark == log.mark; });
}

CatalogActs CatalogState::acts() const {
  CatalogActs acts;
  for (const auto& [id, request] : deletes) acts.deletes.push_back(request);
  for (const auto& [id, hold] : holds) acts.holds.push_back(hold);
  const auto by_creation = [](const auto& a, const auto& b) { return a.created_ns < b.created_ns; };
  std::stable_sort(acts.deletes.begin(), acts.deletes.end(), by_creation);
  std::stable_sort(acts.holds.begin(), acts.holds.end(), by_creation);
  return acts;
}

}  // namespace cordwood
