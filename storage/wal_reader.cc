// SPDX-License-Identifier: Apache-2.0
#include "storage/wal_reader.h"

#include <algorithm>
#include <set>

namespace cordwood {

namespace {

constexpr size_t kCopyBytes = 1u << 20;
constexpr std::string_view kAsideSuffix = ".damaged";

/// The names of the directory's WAL files; empty when there is no directory.
Result<std::vector<WalPlace>> list_places(FileSystem& fs, const std::string& dir) {
  Result<std::vector<std::string>> names = fs.list(dir);
  if (!names.ok() && names.error().kind == ErrorKind::not_found) return std::vector<WalPlace>();
  if (!names.ok()) return names.error();
  std::vector<WalPlace> places;
  for (const std::string& name : *names) {
    if (const auto place = parse_wal_file_name(name)) places.push_back(*place);
  }
  std::sort(places.begin(), places.end(), [](const WalPlace& a, const WalPlace& b) {
    return std::pair(a.generation, a.file_number) < std::pair(b.generation, b.file_number);
  });
  return places;
}

Result<void> copy_file(FileSystem& fs, const std::string& from, const std::string& to) {
  TRY_ASSIGN(const std::unique_ptr<File> source, fs.open(from, OpenMode::read));
  TRY_ASSIGN(const std::unique_ptr<File> target, fs.open(to, OpenMode::create_new));
  std::string buffer(kCopyBytes, '\0');
  for (uint64_t at = 0;;) {
    TRY_ASSIGN(const size_t got, source->read_at(at, buffer.data(), buffer.size()));
    if (got == 0) break;
    TRY(target->append(std::string_view(buffer).substr(0, got)));
    at += got;
  }
  TRY(target->sync());
  return fs.sync_directory(parent_directory(to));
}

/// Keeps a damaged file for a person to look at.  Failing to is a problem to report, not a reason to stop.
void copy_aside(FileSystem& fs, const std::string& path, WalReplayReport* report) {
  const std::string aside = path + std::string(kAsideSuffix);
  const Result<bool> there = fs.exists(aside);
  if (there.ok() && *there) return;
  const Result<void> copied = copy_file(fs, path, aside);
  if (copied.ok()) return;
  static_cast<void>(fs.remove(aside).ok());
  report->problems.push_back(fmt::format("{}: could not be copied aside: {}", path, copied.error().message));
}

Result<void> cut(FileSystem& fs, const std::string& path, uint64_t size) {
  TRY_ASSIGN(const std::unique_ptr<File> file, fs.open(path, OpenMode::read_write));
  TRY(file->truncate(size));
  return file->sync();
}

uint32_t file_number_of(const std::string& path) {
  const auto place = parse_wal_file_name(std::string_view(path).substr(path.rfind('/') + 1));
  CHECK(place.has_value(), "{} was listed as a WAL file", path);
  return place->file_number;
}

/// Nothing when it is damaged; invalid for a file of another version.
Result<std::optional<WalFileHeader>> read_header(FileSystem& fs, const std::string& path) {
  TRY_ASSIGN(const std::unique_ptr<File> file, fs.open(path, OpenMode::read));
  std::string bytes(kMaxWalHeaderBytes, '\0');
  TRY_ASSIGN(const size_t got, file->read_at(0, bytes.data(), bytes.size()));
  std::string_view head = std::string_view(bytes).substr(0, got);
  Result<WalFileHeader> header = parse_wal_file_header(&head);
  if (header.ok()) return std::optional(std::move(header).value());
  if (header.error().kind != ErrorKind::corrupt) return header.error().with_context(path);
  return std::optional<WalFileHeader>();
}

void judge(FileSystem& fs, const std::string& path, const WalFileScan& scan, bool may_be_torn,
           WalReplayReport* report) {
  for (const WalFileScan::Damage& d : scan.damages) {
    report->problems.push_back(fmt::format("{}: bytes {} to {} skipped: {}", path, d.begin, d.end, d.what));
  }
  report->damaged_records += scan.damaged_records;
  bool keep = scan.damaged_records > 0;
  const uint64_t tail_bytes = scan.file_bytes - scan.intact_end;
  if (tail_bytes > 0 && !may_be_torn) {
    keep = true;
    ++report->damaged_records;
    report->problems.push_back(
        fmt::format("{}: no record in the last {} bytes, from {}", path, tail_bytes, scan.intact_end));
  }
  if (keep) copy_aside(fs, path, report);
  if (tail_bytes > 0 && may_be_torn) {
    report->torn_bytes += tail_bytes;
    const Result<void> done = cut(fs, path, scan.intact_end);
    if (!done.ok()) report->problems.push_back(fmt::format("torn tail left in place: {}", done.error().message));
  }
}

}  // namespace

Result<std::vector<uint64_t>> list_wal_generations(FileSystem& fs, const std::string& dir) {
  TRY_ASSIGN(const std::vector<WalPlace> places, list_places(fs, dir));
  std::vector<uint64_t> generations;
  for (const WalPlace& place : places) {
    if (generations.empty() || generations.back() != place.generation) generations.push_back(place.generation);
  }
  return generations;
}

Result<std::vector<std::string>> list_wal_files(FileSystem& fs, const std::string& dir, uint64_t generation) {
  TRY_ASSIGN(const std::vector<WalPlace> places, list_places(fs, dir));
  std::vector<std::string> paths;
  for (const WalPlace& place : places) {
    if (place.generation == generation) paths.push_back(fmt::format("{}/{}", dir, wal_file_name(place)));
  }
  return paths;
}

Result<WalReplayReport> replay_wal(FileSystem& fs, const std::string& dir, uint64_t generation, bool newest,
                                   const std::function<Result<void>(const WalRecord&)>& visit,
                                   std::optional<uint64_t> written_as) {
  TRY_ASSIGN(const std::vector<std::string> files, list_wal_files(fs, dir, generation));
  WalReplayReport report;
  for (size_t i = 0; i < files.size(); ++i) {
    const std::string& path = files[i];
    const WalPlace place{written_as.value_or(generation), file_number_of(path)};
    TRY_ASSIGN(const WalFileScan scan,
               scan_wal_file(fs, path, place, [&](uint64_t, const WalRecord& record) { return visit(record); }));
    report.records += scan.records;
    judge(fs, path, scan, newest && i + 1 == files.size(), &report);
  }
  return report;
}

Result<std::vector<LocalWalLog>> list_wal_logs(FileSystem& fs, const std::string& dir) {
  TRY_ASSIGN(const std::vector<uint64_t> numbers, list_wal_generations(fs, dir));
  std::vector<LocalWalLog> logs;
  for (const uint64_t number : numbers) {
    LocalWalLog& log = logs.emplace_back(LocalWalLog{number, false, {number, 0}});
    TRY_ASSIGN(const std::vector<std::string> files, list_wal_files(fs, dir, number));
    for (size_t i = 0; i < files.size() && !log.known; ++i) {
      TRY_ASSIGN(const std::optional<WalFileHeader> header, read_header(fs, files[i]));
      if (!header) continue;
      log.known = true;
      log.log = {header->generation, header->mark};
    }
  }
  return logs;
}

Result<void> scan_wal_log(FileSystem& fs, const std::string& dir, const LocalWalLog& log,
                          const std::function<bool(const WalRecord&)>& visit) {
  TRY_ASSIGN(const std::vector<std::string> files, list_wal_files(fs, dir, log.number));
  bool stopped = false;
  for (const std::string& path : files) {
    const WalPlace place{log.log.generation, file_number_of(path)};
    const auto scan = scan_wal_file(fs, path, place, [&](uint64_t, const WalRecord& record) -> Result<void> {
      stopped = !visit(record);
      return stopped ? Result<void>(Error::cancelled("seen enough")) : Result<void>();
    });
    if (stopped) return {};
    if (!scan.ok()) return scan.error();
  }
  return {};
}

Result<void> rename_wal(FileSystem& fs, const std::string& dir, uint64_t from, uint64_t to) {
  TRY_ASSIGN(const std::vector<std::string> files, list_wal_files(fs, dir, from));
  for (const std::string& path : files) {
    const std::string fresh = fmt::format("{}/{}", dir, wal_file_name({to, file_number_of(path)}));
    TRY_ASSIGN(const bool taken, fs.exists(fresh));
    if (taken) return Error::corrupt(fmt::format("{} cannot be renamed: {} is there", path, fresh));
    TRY(fs.rename(path, fresh));
  }
  return fs.sync_directory(dir);
}

Result<void> remove_wal(FileSystem& fs, const std::string& dir, uint64_t generation) {
  TRY_ASSIGN(const std::vector<std::string> files, list_wal_files(fs, dir, generation));
  for (const std::string& path : files) TRY(fs.remove(path));
  if (files.empty()) return {};
  return fs.sync_directory(dir);
}

}  // namespace cordwood
