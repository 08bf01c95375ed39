// SPDX-License-Identifier: Apache-2.0
#include "lifecycle/backup.h"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "storage/base/checksum.h"
#include "storage/base/coding.h"
#include "storage/base/parallel.h"
#include "storage/manifest_store.h"
#include "storage/segment_key.h"
#include "storage/wal_objects.h"
#include "storage/wal_reader.h"

namespace cordwood::lifecycle {

namespace {

constexpr uint64_t kCopyBytes = 8u << 20;
constexpr int kMaxRounds = 20;
constexpr uint64_t kMaxWalFileBytes = 4ull << 30;
constexpr uint64_t kMaxLabelBytes = 16u << 20;
constexpr std::string_view kMagic = "CWBK";

/// What completes a backup: `backup/<node>/<number>/complete`.
struct Label {
  std::string node;
  uint64_t manifest = 0;
  struct WalFile {
    std::string name;
    uint64_t bytes = 0;
  };
  std::vector<WalFile> wal_files;

  std::string encode() const {
    std::string out;
    ByteWriter w(&out);
    w.bytes(kMagic);
    w.u32(1);
    w.string(node);
    w.u64(manifest);
    w.varint(wal_files.size());
    for (const WalFile& file : wal_files) {
      w.string(file.name);
      w.u64(file.bytes);
    }
    w.u64(xxh3_64(out));
    return out;
  }
  static Result<Label> decode(std::string_view bytes) {
    if (bytes.size() < 8) return Error::corrupt("the label of a backup is too short");
    ByteReader trailer(bytes.substr(bytes.size() - 8));
    if (trailer.u64() != xxh3_64(bytes.substr(0, bytes.size() - 8))) {
      return Error::corrupt("the label of a backup is damaged");
    }
    ByteReader in(bytes.substr(0, bytes.size() - 8));
    Label label;
    if (in.bytes(4) != kMagic || in.u32() != 1) return Error::invalid("a backup of another version");
    label.node = in.string();
    label.manifest = in.u64();
    const uint64_t files = in.count(9);
    for (uint64_t i = 0; i < files; ++i) {
      WalFile file;
      file.name = in.string();
      file.bytes = in.u64();
      if (!parse_wal_file_name(file.name)) in.fail();
      label.wal_files.push_back(std::move(file));
    }
    TRY(in.finish("label of a backup"));
    return label;
  }
};

std::string backups_prefix(const std::string& node) {
  return fmt::format("backup/{}/", node);
}

std::string backup_prefix(const std::string& node, uint64_t number) {
  return fmt::format("{}{:020}/", backups_prefix(node), number);
}

/// Numbers of the backups that are there, complete ones or not.
Result<std::map<uint64_t, bool>> list_backups(ObjectStore& store, const std::string& node) {
  const std::string prefix = backups_prefix(node);
  TRY_ASSIGN(const std::vector<ObjectInfo> objects, store.list_all(prefix));
  std::map<uint64_t, bool> found;
  for (const ObjectInfo& object : objects) {
    const std::string rest = object.key.substr(prefix.size());
    const size_t slash = rest.find('/');
    if (slash != 20 || rest.find_first_not_of("0123456789") != slash) continue;
    found[std::strtoull(rest.c_str(), nullptr, 10)] |= rest.substr(slash) == "/complete";
  }
  return found;
}

Result<void> copy_object(ObjectStore& from, ObjectStore& to, const ObjectInfo& object, const std::string& to_key) {
  TRY_ASSIGN(const std::unique_ptr<ObjectUpload> upload, to.upload(to_key));
  for (uint64_t at = 0; at < object.size_bytes; at += kCopyBytes) {
    TRY_ASSIGN(const std::string bytes, from.get_range(object.key, at, std::min(kCopyBytes, object.size_bytes - at)));
    TRY(upload->append(bytes));
  }
  return upload->finish();
}

/// Segments and common id tables that `to` lacks.  not_found when one has gone meanwhile: a merge replaced it.
Result<void> copy_segments(ObjectStore& from, ObjectStore& to, const CatalogState& state, size_t parallel,
                           BackupReport* report) {
  TRY_ASSIGN(const std::vector<ObjectInfo> there, to.list_all("segments/"));
  std::map<std::string, uint64_t> sizes;
  for (const ObjectInfo& object : there) sizes[object.key] = object.size_bytes;
  std::vector<ObjectInfo> wanted;
  for (const auto& [key, meta] : state.segments) wanted.push_back({key, meta.size_bytes});
  for (const auto& [key, table] : state.day_ids) wanted.push_back({key, table.size_bytes});
  std::vector<ObjectInfo> missing;
  for (ObjectInfo& object : wanted) {
    const auto found = sizes.find(object.key);
    if (found != sizes.end() && found->second == object.size_bytes) continue;
    if (found != sizes.end()) TRY(to.remove(object.key));
    missing.push_back(std::move(object));
  }
  TRY(run_parallel(missing.size(), parallel,
                   [&](size_t i) { return copy_object(from, to, missing[i], missing[i].key); }));
  report->segments_copied += missing.size();
  for (const ObjectInfo& object : missing) report->bytes_copied += object.size_bytes;
  return {};
}

/// Who had what deleted or held.
Result<void> copy_audit_log(ObjectStore& from, ObjectStore& to) {
  TRY_ASSIGN(const std::vector<ObjectInfo> there, to.list_all("audit/"));
  std::set<std::string> known;
  for (const ObjectInfo& object : there) known.insert(object.key);
  TRY_ASSIGN(const std::vector<ObjectInfo> objects, from.list_all("audit/"));
  for (const ObjectInfo& object : objects) {
    if (!known.contains(object.key)) TRY(copy_object(from, to, object, object.key));
  }
  return {};
}

Result<std::vector<Label::WalFile>> copy_wal(FileSystem& fs, const std::string& wal_dir, ObjectStore& to,
                                             const std::string& prefix) {
  std::vector<Label::WalFile> copied;
  TRY_ASSIGN(const std::vector<uint64_t> generations, list_wal_generations(fs, wal_dir));
  for (const uint64_t generation : generations) {
    TRY_ASSIGN(const std::vector<std::string> paths, list_wal_files(fs, wal_dir, generation));
    for (const std::string& path : paths) {
      const Result<std::string> bytes = fs.read_all(path, kMaxWalFileBytes);
      // Its generation was published in between: the manifest, which is read later, names it.
      if (!bytes.ok() && bytes.error().kind == ErrorKind::not_found) continue;
      if (!bytes.ok()) return bytes.error();
      const std::string name = path.substr(path.rfind('/') + 1);
      TRY_ASSIGN(const std::unique_ptr<ObjectUpload> upload, to.upload(prefix + "wal/" + name));
      TRY(upload->append(*bytes));
      TRY(upload->finish());
      copied.push_back({name, bytes->size()});
    }
  }
  return copied;
}

/// What a server that answers once the bucket has a push put there; the only copy when its machine is lost.
Result<uint64_t> copy_wal_objects(ObjectStore& from, const std::string& from_prefix, ObjectStore& to,
                                  const std::string& to_prefix, size_t parallel) {
  TRY_ASSIGN(const std::vector<ObjectInfo> objects, from.list_all(from_prefix));
  // What an attempt left that failed.
  TRY(to.remove_where(to_prefix, parallel, [](const std::string&) { return true; }));
  TRY(run_parallel(objects.size(), parallel, [&](size_t i) -> Result<void> {
    const std::string to_key = to_prefix + objects[i].key.substr(from_prefix.size());
    const Result<void> copied = copy_object(from, to, objects[i], to_key);
    // As with files.
    if (!copied.ok() && copied.error().kind == ErrorKind::not_found) return {};
    return copied;
  }));
  return objects.size();
}

/// What the newest backup does not need.
Result<void> prune(ObjectStore& to, const std::string& node, size_t parallel, uint64_t number,
                   const CatalogState& state) {
  const std::string snapshot = manifest_snapshot_key(node, state.version);
  TRY(to.remove_where(manifest_prefix(node), parallel, [&](const std::string& key) { return key != snapshot; }));
  const std::string newest = backup_prefix(node, number);
  TRY(to.remove_where(backups_prefix(node), parallel,
                      [&](const std::string& key) { return !key.starts_with(newest); }));
  TRY(to.remove_where(segment_prefix(node), parallel,
                      [&](const std::string& key) { return !state.names_object(key); }));
  return {};
}

/// A backup goes forward only.
Result<void> check_history(ManifestStore& there, const CatalogState& state) {
  CatalogState old;
  TRY(there.read_all(&old));
  const bool same = old.version < state.version || (old.version == state.version && old.checksum == state.checksum);
  if (old.version == 0 || same) return {};
  return Error::invalid(fmt::format("the target holds a backup of another store (change {} of the manifest, here {})",
                                    old.version, state.version));
}

}  // namespace

Result<BackupReport> back_up(ObjectStore& from, ObjectStore& to, FileSystem& fs, const BackupOptions& options,
                             Logger& log) {
  BackupReport report;
  TRY_ASSIGN(const auto backups, list_backups(to, options.node));
  const uint64_t number = backups.empty() ? 1 : backups.rbegin()->first + 1;
  Label label;
  label.node = options.node;
  const std::string prefix = backup_prefix(options.node, number);
  TRY_ASSIGN(label.wal_files, copy_wal(fs, options.wal_dir, to, prefix));
  TRY_ASSIGN(report.wal_objects,
             copy_wal_objects(from, wal_object_prefix(options.node), to, prefix + "log/", options.parallel));
  CatalogState state;
  ManifestStore manifest(from, options.node, log, options.parallel);
  ManifestStore target(to, options.node, log, options.parallel);
  for (int round = 1;; ++round) {
    state = {};
    TRY(manifest.read_all(&state));
    if (state.version == 0) return Error::not_found(fmt::format("there is no store of node {}", options.node));
    TRY(check_history(target, state));
    const Result<void> copied = copy_segments(from, to, state, options.parallel, &report);
    if (copied.ok()) break;
    if (copied.error().kind != ErrorKind::not_found || round == kMaxRounds) return copied.error();
  }
  TRY(copy_audit_log(from, to));
  TRY(target.write_snapshot(state));
  label.manifest = state.version;
  TRY_ASSIGN(const bool fresh, to.put_if_absent(prefix + "complete", label.encode()));
  if (!fresh) return Error::unavailable("another backup goes to the same place");
  TRY(prune(to, options.node, options.parallel, number, state));
  report.manifest = state.version;
  report.segments = state.segments.size();
  report.wal_files = label.wal_files.size();
  return report;
}

Result<BackupReport> restore_backup(ObjectStore& from, ObjectStore& to, FileSystem& fs, const BackupOptions& options,
                                    Logger& log) {
  TRY_ASSIGN(const auto backups, list_backups(from, options.node));
  uint64_t number = 0;
  for (const auto& [n, complete] : backups) number = complete ? n : number;
  if (number == 0) return Error::not_found(fmt::format("no complete backup of node {}", options.node));
  const std::string prefix = backup_prefix(options.node, number);
  TRY_ASSIGN(const ObjectInfo info, from.head(prefix + "complete"));
  if (info.size_bytes > kMaxLabelBytes) return Error::corrupt(prefix + "complete: too long");
  TRY_ASSIGN(const std::string encoded, from.get_range(prefix + "complete", 0, info.size_bytes));
  TRY_ASSIGN(const Label label, Label::decode(encoded));

  ManifestStore target(to, options.node, log, options.parallel);
  CatalogState old;
  TRY(target.read_all(&old));
  TRY_ASSIGN(const std::vector<uint64_t> generations, list_wal_generations(fs, options.wal_dir));
  if (old.version != 0 || !generations.empty())
    return Error::invalid("there is a store already; restore into an empty one");

  CatalogState state;
  ManifestStore manifest(from, options.node, log, options.parallel);
  TRY(manifest.read_snapshot(label.manifest, &state));
  BackupReport report;
  TRY(copy_segments(from, to, state, options.parallel, &report));
  TRY(copy_audit_log(from, to));
  TRY(fs.create_directories(options.wal_dir));
  for (const Label::WalFile& wal : label.wal_files) {
    TRY_ASSIGN(const std::string bytes, from.get_range(prefix + "wal/" + wal.name, 0, wal.bytes));
    TRY_ASSIGN(const std::unique_ptr<File> file, fs.open(options.wal_dir + "/" + wal.name, OpenMode::create_new));
    TRY(file->append(bytes));
    TRY(file->sync());
  }
  TRY(fs.sync_directory(options.wal_dir));
  // The start of a server fetches them from there.
  TRY_ASSIGN(report.wal_objects,
             copy_wal_objects(from, prefix + "log/", to, wal_object_prefix(options.node), options.parallel));
  // Last: without it nobody takes what is there for a store.
  TRY(target.write_snapshot(state));
  report.manifest = state.version;
  report.segments = state.segments.size();
  report.wal_files = label.wal_files.size();
  return report;
}

}  // namespace cordwood::lifecycle
