// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>

#include "api/commands.h"
#include "api/config_flags.h"
#include "api/data_lock_command.h"
#include "api/lease_keeper.h"
#include "api/object_store_choice.h"
#include "lifecycle/backup.h"
#include "lifecycle/repair.h"
#include "storage/base/clock.h"
#include "storage/base/random.h"
#include "storage/catalog.h"
#include "storage/s3_store.h"

namespace cordwood::api {
namespace {

constexpr std::string_view kBucketUrl = "s3://";

/// What the commands need of the world.
struct World {
  explicit World(Config c) : config(std::move(c)) {}
  S3Environment bucket() {
    return {.fs = &fs,
            .clock = &clock,
            .random = &random,
            .metrics = &metrics,
            .log = log.get(),
            .variable = environment_variable,
            .wait_ns = sleep_ns};
  }
  lifecycle::BackupOptions options() const {
    return {.node = config.engine.node, .wal_dir = config.data_dir + "/wal", .parallel = 8};
  }

  Config config;
  PosixFileSystem fs;
  SystemClock clock;
  SystemRandom random;
  Metrics metrics;
  std::shared_ptr<Logger> log = Logger::to_stderr(LogLevel::warn);
};

Result<std::unique_ptr<World>> make_world(const ConfigSources& sources) {
  TRY_ASSIGN(const LoadedConfig loaded, load_config(sources));
  TRY(check_findings(loaded.findings, sources.file));
  auto world = std::make_unique<World>(loaded.config);
  world->config.cache_bytes = 0;
  return world;
}

/// A store and its lease for as long as it is used.
struct Place {
  std::unique_ptr<ObjectStore> store;
  std::unique_ptr<LeaseKeeper> lease;
};

Result<Place> hold(S3Home home) {
  Place place{std::move(home.store), nullptr};
  if (home.lease == nullptr) return place;
  place.lease = std::make_unique<LeaseKeeper>(*home.lease);
  TRY(place.lease->wait([](const std::string&) { return true; }));
  return place;
}

/// A directory, or `s3://bucket/prefix` with the endpoint and the keys of the configuration.
Result<Place> open_place(World& world, const std::string& place, bool write) {
  Place opened;
  if (!place.starts_with(kBucketUrl) && write) {
    TRY_ASSIGN(opened.store, open_directory_store(world.fs, place));
    return opened;
  }
  if (!place.starts_with(kBucketUrl)) {
    opened.store = view_directory_store(world.fs, place);
    return opened;
  }
  const std::string rest = place.substr(kBucketUrl.size());
  S3Options options = world.config.s3;
  const size_t slash = std::min(rest.find('/'), rest.size());
  options.location.bucket = rest.substr(0, slash);
  options.location.prefix = rest.substr(std::min(slash + 1, rest.size()));
  options.single_writer = world.config.lease == "never";
  TRY_ASSIGN(S3Home home, open_s3_home(options, world.bucket(), world.random.hex128(), "backup"));
  if (write) return hold(std::move(home));
  opened.store = std::move(home.store);
  return opened;
}

/// The configured store, which a server may be using.
Result<std::unique_ptr<ObjectStore>> view_store(World& world) {
  if (world.config.storage == "directory") return view_directory_store(world.fs, world.config.data_dir + "/objects");
  if (world.config.storage != "s3") return Error::invalid("storage: want directory or s3");
  return open_s3_store(world.config.s3, world.bucket());
}

int print(const char* what, const Result<lifecycle::BackupReport>& report) {
  if (!report.ok()) return fail(report.error().message);
  std::printf(
      "%s: %llu segments (%llu copied, %llu bytes), %llu files and %llu objects of the write-ahead log, manifest "
      "%llu\n",
      what, static_cast<unsigned long long>(report->segments), static_cast<unsigned long long>(report->segments_copied),
      static_cast<unsigned long long>(report->bytes_copied), static_cast<unsigned long long>(report->wal_files),
      static_cast<unsigned long long>(report->wal_objects), static_cast<unsigned long long>(report->manifest));
  return 0;
}

int run_backup(const ConfigSources& sources, const std::string& place) {
  auto world = make_world(sources);
  if (!world.ok()) return fail(world.error().message);
  auto from = view_store(**world);
  if (!from.ok()) return fail(from.error().message);
  auto to = open_place(**world, place, true);
  if (!to.ok()) return fail(to.error().message);
  return print("backed up", lifecycle::back_up(**from, *to->store, (*world)->fs, (*world)->options(), *(*world)->log));
}

int run_restore(const ConfigSources& sources, const std::string& place) {
  auto world = make_world(sources);
  if (!world.ok()) return fail(world.error().message);
  if (auto locked = lock_directory((*world)->config.data_dir); !locked.ok()) return fail(locked.error().message);
  auto from = open_place(**world, place, false);
  if (!from.ok()) return fail(from.error().message);
  auto home = open_object_store((*world)->config, (*world)->bucket());
  if (!home.ok()) return fail(home.error().message);
  auto to = hold(std::move(*home));
  if (!to.ok()) return fail(to.error().message);
  return print("restored",
               lifecycle::restore_backup(*from->store, *to->store, (*world)->fs, (*world)->options(), *(*world)->log));
}

int run_repair(const ConfigSources& sources, bool force, bool dry_run) {
  auto world = make_world(sources);
  if (!world.ok()) return fail(world.error().message);
  if (auto locked = lock_directory((*world)->config.data_dir); !locked.ok()) return fail(locked.error().message);
  auto home = open_object_store((*world)->config, (*world)->bucket());
  if (!home.ok()) return fail(home.error().message);
  auto store = hold(std::move(*home));
  if (!store.ok()) return fail(store.error().message);
  lifecycle::RepairOptions options;
  options.node = (*world)->config.engine.node;
  options.data_dir = (*world)->config.data_dir;
  options.force = force;
  options.dry_run = dry_run;
  const auto report = lifecycle::repair(*store->store, (*world)->fs, options, *(*world)->log);
  if (!report.ok()) return fail(report.error().message);
  uint64_t rows = 0;
  for (const SegmentMeta& meta : report->plan.named) rows += meta.rows;
  for (const auto& left : report->plan.left_out) std::printf("left out %s: %s\n", left.key.c_str(), left.why.c_str());
  std::printf("%s %zu segments with %llu rows, %zu left out\n", dry_run ? "would name" : "named",
              report->plan.named.size(), static_cast<unsigned long long>(rows), report->plan.left_out.size());
  return 0;
}

}  // namespace

void add_backup_commands(CLI::App& app, Command* chosen) {
  const auto sources = std::make_shared<ConfigSources>();
  const auto place = std::make_shared<std::string>();
  CLI::App* backup = app.add_subcommand("backup", "Copy all data to a directory or bucket; a server may be running");
  add_config_flags(*backup, sources.get());
  backup->add_option("target", *place, "Directory, or s3://bucket/prefix")->required();
  backup->callback([=] { *chosen = [=] { return run_backup(*sources, *place); }; });
  CLI::App* restore = app.add_subcommand("restore", "Bring a backup back into an empty store");
  add_config_flags(*restore, sources.get());
  restore->add_option("source", *place, "Directory, or s3://bucket/prefix")->required();
  restore->callback([=] { *chosen = [=] { return run_restore(*sources, *place); }; });
  CLI::App* repair = app.add_subcommand("repair", "Make a lost manifest again from the segments that are there");
  add_config_flags(*repair, sources.get());
  const auto force = std::make_shared<bool>(false);
  const auto dry_run = std::make_shared<bool>(false);
  repair->add_flag("--force", *force, "Although the manifest can be read");
  repair->add_flag("--dry-run", *dry_run, "Only say what would be done");
  repair->callback([=] { *chosen = [=] { return run_repair(*sources, *force, *dry_run); }; });
}

}  // namespace cordwood::api
