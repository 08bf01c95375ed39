// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "storage/catalog.h"

namespace cordwood {

/// One object of the manifest: a numbered change, or a snapshot of everything up to a number, which is the change
/// that leads there from nothing.
struct ManifestObject {
  enum class Kind : uint8_t { change = 1, snapshot = 2 };  ///< on disk
  Kind kind = Kind::change;
  std::string node;
  uint64_t number = 0;
  uint64_t previous = 0;  ///< change: checksum of change number - 1 (0 before the first); snapshot: of its own number
  CatalogChange change;
};

/// The object's bytes; they end with its checksum.
std::string encode_manifest(const ManifestObject& object);
/// invalid: written by a version or with a kind of change this one does not know; corrupt: damaged.
Result<ManifestObject> decode_manifest(std::string_view bytes);
/// The checksum at the end of encoded bytes.
uint64_t manifest_checksum(std::string_view bytes);

/// `manifest/<node>/`
std::string manifest_prefix(const std::string& node);
std::string manifest_key(const std::string& node, uint64_t number);
std::string manifest_snapshot_key(const std::string& node, uint64_t number);

/// What the manifest says up to a number.
struct CatalogState {
  uint64_t version = 0;                         ///< number of the last change applied
  uint64_t checksum = 0;                        ///< of that change: the next one names it
  std::map<std::string, SegmentMeta> segments;  ///< by key
  std::set<WalLog> generations_done;
  std::map<std::string, DeleteRequest> deletes;  ///< by id
  std::map<std::string, LegalHold> holds;        ///< by id
  std::map<std::string, DayIdsMeta> day_ids;     ///< by key; changed by apply() alone

  /// Applying a change twice is the same as once.
  void apply(const CatalogChange& change);
  /// The change that leads here from nothing.
  CatalogChange everything() const;
  CatalogActs acts() const;
  /// Whether an object under `segments/` is of this state.
  bool names_object(const std::string& key) const { return segments.contains(key) || day_ids.contains(key); }
  /// A mark is of one log alone, whatever number it was replayed under.
  bool log_done(const WalLog& log) const;

 private:
  void drop_day_ids_of(const std::string& segment);
  void set_day_ids(const DayIdsMeta& table);
  void drop_day_ids(const std::string& key);

  std::map<std::string, std::string> table_of_;  ///< segment: the table that names it
};

}  // namespace cordwood
