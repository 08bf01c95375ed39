// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>

#include "storage/wal_reader.h"

namespace cordwood {

namespace {

constexpr size_t kWindowBytes = 1u << 20;
constexpr size_t kMarkerOffset = 12;                      ///< of marker and version in a record header
constexpr std::string_view kMarkerAndVersion = "CW\x01";  ///< little-endian 0x5743, then version 1
constexpr uint64_t kHashBudgetFactor = 8;  ///< bytes hashed in search of records after damage, per byte of file

/// A sliding view of a file.
class Window {
 public:
  Window(File& file, uint64_t file_bytes) : file_(file), file_bytes_(file_bytes) {}
  /// [offset, offset + size), cut at the end of the file; valid until the next call.
  Result<std::string_view> view(uint64_t offset, uint64_t size) {
    size = std::min(size, file_bytes_ - std::min(offset, file_bytes_));
    if (offset < begin_ || offset + size > begin_ + bytes_.size()) {
      begin_ = offset;
      bytes_.resize(std::min<uint64_t>(std::max<uint64_t>(size, kWindowBytes), file_bytes_ - offset));
      TRY_ASSIGN(const size_t got, file_.read_at(offset, bytes_.data(), bytes_.size()));
      bytes_.resize(got);
      if (bytes_.capacity() > 4 * kWindowBytes && bytes_.size() <= kWindowBytes) bytes_.shrink_to_fit();
    }
    return std::string_view(bytes_).substr(offset - begin_, size);
  }

 private:
  File& file_;
  const uint64_t file_bytes_;
  uint64_t begin_ = 0;
  std::string bytes_;
};

using Visit = std::function<Result<void>(uint64_t offset, const WalRecord&)>;

class Scanner {
 public:
  Scanner(File& file, uint64_t file_bytes, WalPlace place)
      : window_(file, file_bytes), place_(place), hash_budget_(kHashBudgetFactor * file_bytes + kWindowBytes) {
    scan_.file_bytes = file_bytes;
  }

  Result<WalFileScan> run(const Visit& visit) {
    TRY_ASSIGN(uint64_t at, read_header());
    while (at < scan_.file_bytes) {
      TRY_ASSIGN(const std::optional<uint64_t> end, intact_record(at));
      if (end.has_value()) {
        close_damage(at);
        TRY(hand_over(at, *end, visit));
        at = scan_.intact_end = *end;
        continue;
      }
      if (!damage_begin_.has_value()) damage_begin_ = at;
      TRY_ASSIGN(at, next_candidate(at));
    }
    return std::move(scan_);
  }

 private:
  Result<uint64_t> read_header() {
    TRY_ASSIGN(std::string_view bytes, window_.view(0, kMaxWalHeaderBytes));
    const size_t before = bytes.size();
    const Result<WalFileHeader> header = parse_wal_file_header(&bytes);
    if (header.ok()) {
      place_ = {header->generation, header->file_number};
      return scan_.intact_end = before - bytes.size();
    }
    if (header.error().kind != ErrorKind::corrupt) return header.error();
    damage_begin_ = 0;
    damage_what_ = header.error().message;
    return uint64_t{0};
  }

  /// Where the record at `at` ends, if there is an intact one.
  Result<std::optional<uint64_t>> intact_record(uint64_t at) {
    TRY_ASSIGN(const std::string_view start, window_.view(at, kWalRecordHeaderBytes));
    const std::optional<WalRecordHeader> header = parse_wal_record_header(start);
    if (!header.has_value()) return std::optional<uint64_t>();
    const uint64_t bytes = kWalRecordHeaderBytes + header->body_bytes;
    if (bytes > scan_.file_bytes - at) return std::optional<uint64_t>();
    if (damage_begin_.has_value()) {
      if (bytes > hash_budget_) return std::optional<uint64_t>();
      hash_budget_ -= bytes;
    }
    TRY_ASSIGN(const std::string_view record, window_.view(at, bytes));
    if (record.size() != bytes || !wal_record_intact(place_, record)) return std::optional<uint64_t>();
    return std::optional<uint64_t>(at + bytes);
  }

  Result<void> hand_over(uint64_t at, uint64_t end, const Visit& visit) {
    TRY_ASSIGN(const std::string_view record, window_.view(at, end - at));
    const Result<WalRecord> parsed =
        parse_wal_record(*parse_wal_record_header(record), record.substr(kWalRecordHeaderBytes));
    if (!parsed.ok()) {
      note_damage(at, end, parsed.error().message);
      return {};
    }
    ++scan_.records;
    return visit(at, *parsed);
  }

  /// The record after the damaged one, if its length can be believed; else the next place that looks like a start.
  /// The length comes first: what a client sent inside a body is not to be taken for a record.
  Result<uint64_t> next_candidate(uint64_t at) {
    TRY_ASSIGN(const std::string_view start, window_.view(at, kWalRecordHeaderBytes));
    const std::optional<WalRecordHeader> header = parse_wal_record_header(start);
    if (header.has_value() && at == *damage_begin_) {
      const uint64_t next = at + kWalRecordHeaderBytes + header->body_bytes;
      TRY_ASSIGN(const std::optional<uint64_t> end, intact_record(std::min(next, scan_.file_bytes)));
      if (end.has_value()) return next;
    }
    for (uint64_t from = at + 1 + kMarkerOffset; from < scan_.file_bytes;) {
      TRY_ASSIGN(const std::string_view bytes, window_.view(from, kWindowBytes / 2));
      const size_t found = bytes.find(kMarkerAndVersion);
      if (found != std::string_view::npos) return from + found - kMarkerOffset;
      if (bytes.size() < kMarkerAndVersion.size()) break;
      from += bytes.size() - kMarkerAndVersion.size() + 1;
    }
    return scan_.file_bytes;
  }

  void close_damage(uint64_t end) {
    if (!damage_begin_.has_value()) return;
    note_damage(*damage_begin_, end, damage_what_);
    damage_begin_.reset();
    damage_what_ = kBadRecord;
  }

  void note_damage(uint64_t begin, uint64_t end, std::string_view what) {
    ++scan_.damaged_records;
    if (scan_.damages.size() < WalFileScan::kMaxDamages) scan_.damages.push_back({begin, end, std::string(what)});
  }

  static constexpr std::string_view kBadRecord = "record malformed or its checksum does not match";

  Window window_;
  WalPlace place_;
  uint64_t hash_budget_;
  WalFileScan scan_;
  std::optional<uint64_t> damage_begin_;
  std::string damage_what_{kBadRecord};
};

}  // namespace

Result<WalFileScan> scan_wal_file(FileSystem& fs, const std::string& path, const WalPlace& place, const Visit& visit) {
  TRY_ASSIGN(const std::unique_ptr<File> file, fs.open(path, OpenMode::read));
  TRY_ASSIGN(const uint64_t file_bytes, file->size());
  Result<WalFileScan> scan = Scanner(*file, file_bytes, place).run(visit);
  if (!scan.ok()) return scan.error().with_context(path);
  return scan;
}

}  // namespace cordwood
