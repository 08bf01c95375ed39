// SPDX-License-Identifier: Apache-2.0
#include "api/object_store_choice.h"

#include <fmt/core.h>

#include "storage/cached_store.h"
#include "storage/catalog.h"
#include "storage/s3_address.h"
#include "storage/s3_store.h"

namespace cordwood::api {
namespace {

/// Names the bucket that a data directory belongs to; there is none for a directory store.
constexpr const char* kMarker = "/BUCKET";
/// A name of the directory's own, by which the lease of a bucket knows it.
constexpr const char* kOwner = "/OWNER";
constexpr int64_t kMinLeaseNs = 5 * kNsPerSecond;
constexpr int64_t kMaxLeaseNs = 600 * kNsPerSecond;
constexpr uint64_t kMaxMarkerBytes = 4096;
constexpr uint64_t kMinPartBytes = 5u << 20;  ///< of all parts but the last, as AWS has it
constexpr uint64_t kMaxPartBytes = 1u << 30;
constexpr const char* kHowToMove =
    "stop the server that used it with SIGTERM, copy its objects/ (or the bucket) into the new store, and start with "
    "an "
    "empty data_dir";

Result<std::string> read_marker(FileSystem& fs, const std::string& path) {
  Result<std::string> text = fs.read_all(path, kMaxMarkerBytes);
  if (!text.ok() && text.error().kind == ErrorKind::not_found) return std::string();
  if (text.ok() && text->ends_with('\n')) text->pop_back();
  return text;
}

Result<void> write_marker(FileSystem& fs, const std::string& path, const std::string& text) {
  const std::string fresh = path + ".new";
  TRY_ASSIGN(const bool left_over, fs.exists(fresh));
  if (left_over) TRY(fs.remove(fresh));
  TRY_ASSIGN(const std::unique_ptr<File> file, fs.open(fresh, OpenMode::create_new));
  TRY(file->append(text + "\n"));
  TRY(file->sync());
  TRY(fs.rename(fresh, path));
  return fs.sync_directory(parent_directory(path));
}

/// Whether a server with a directory store has put anything here.
Result<bool> holds_data(FileSystem& fs, const std::string& data_dir) {
  for (const char* below : {"/objects/manifest", "/wal"}) {
    const Result<std::vector<std::string>> names = fs.list(data_dir + below);
    if (!names.ok() && names.error().kind != ErrorKind::not_found) return names.error();
    if (names.ok() && !names->empty()) return true;
  }
  return false;
}

Result<void> claim(FileSystem& fs, const std::string& data_dir, const std::string& bucket) {
  const std::string marker = data_dir + kMarker;
  TRY_ASSIGN(const std::string owner, read_marker(fs, marker));
  if (owner == bucket) return {};  // for a directory store: both empty
  if (!owner.empty()) {
    return Error::invalid(fmt::format("{} belongs to {}, not to {}: {}", data_dir, owner,
                                      bucket.empty() ? "a directory store" : bucket, kHowToMove));
  }
  TRY_ASSIGN(const bool taken, holds_data(fs, data_dir));
  if (taken) {
    return Error::invalid(
        fmt::format("{} holds data of a directory store that {} does not have: {}", data_dir, bucket, kHowToMove));
  }
  return write_marker(fs, marker, bucket);
}

Result<std::string> owner_of(const S3Environment& env, const std::string& data_dir) {
  TRY_ASSIGN(std::string owner, read_marker(*env.fs, data_dir + kOwner));
  if (!owner.empty()) return owner;
  owner = env.random->hex128();
  TRY(write_marker(*env.fs, data_dir + kOwner, owner));
  return owner;
}

}  // namespace

Result<S3Home> open_object_store(const Config& config, const S3Environment& env) {
  if (config.ack != "disk" && config.ack != "bucket") {
    return Error::invalid(fmt::format("store.ack '{}': want disk or bucket", config.ack));
  }
  if (config.ack == "bucket" && config.storage != "s3") return Error::invalid("store.ack bucket: needs `storage: s3`");
  if (config.storage == "directory") {
    TRY(claim(*env.fs, config.data_dir, ""));
    const S3Location& bucket = config.s3.location;
    if (!bucket.bucket.empty() || !bucket.url.empty()) {
      env.log->warn("a bucket is configured, but not used: `storage: s3` makes it the home of all data");
    }
    S3Home home;
    TRY_ASSIGN(home.store, open_directory_store(*env.fs, config.data_dir + "/objects"));
    return home;
  }
  if (config.storage != "s3") {
    return Error::invalid(fmt::format("storage '{}': want directory or s3", config.storage));
  }
  if (config.s3.part_bytes < kMinPartBytes || config.s3.part_bytes > kMaxPartBytes) {
    return Error::invalid("store.s3_part_size: want 5MB to 1GB");
  }
  if (config.lease != "auto" && config.lease != "always" && config.lease != "never") {
    return Error::invalid(fmt::format("store.lease '{}': want auto, always or never", config.lease));
  }
  if (config.s3.lease_duration_ns < kMinLeaseNs || config.s3.lease_duration_ns > kMaxLeaseNs) {
    return Error::invalid("store.lease_duration: want 5s to 10m");
  }
  S3Location location = config.s3.location;
  // Its own message might show the secret.
  if (!take_s3_url(&location).ok()) return Error::invalid("storage_config.aws.s3 is malformed");
  if (location.prefix.ends_with('/')) location.prefix.pop_back();
  TRY_ASSIGN(const std::string owner, owner_of(env, config.data_dir));
  S3Options options = config.s3;
  // Another server of the same node would read what this one acknowledged in the bucket, and publish it again.
  options.node_lease = config.lease == "always" || config.ack == "bucket";
  options.single_writer = config.lease == "never";
  TRY_ASSIGN(S3Home home, open_s3_home(std::move(options), env, owner, config.engine.node));
  TRY(claim(*env.fs, config.data_dir, fmt::format("s3://{}/{}", location.bucket, location.prefix)));
  if (config.cache_bytes == 0) return home;
  RangeCacheOptions cache;
  cache.dir = config.data_dir + "/cache";
  cache.max_bytes = config.cache_bytes;
  cache.sweep_later = true;
  TRY_ASSIGN(auto ranges, RangeCache::open(*env.fs, std::move(cache), *env.metrics));
  home.store = make_cached_store(std::move(home.store), std::move(ranges), "segments/", *env.metrics);
  return home;
}

}  // namespace cordwood::api
