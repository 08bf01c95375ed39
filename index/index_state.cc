// SPDX-License-Identifier: Apache-2.0
#include "index/index_state.h"

#include <algorithm>

#include "storage/base/checksum.h"
#include "storage/base/coding.h"

namespace cordwood::index {

namespace {
constexpr uint32_t kMagic = 0x58495343;  // "CSIX"
constexpr uint16_t kVersion = 1;
constexpr uint64_t kMaxStateBytes = 64u << 20;
constexpr uint64_t kReadBytes = 1u << 20;

Result<DayFiles::Entry> sum_file(FileSystem& fs, const std::string& path, const std::string& name) {
  TRY_ASSIGN(const auto file, fs.open(path + "/" + name, OpenMode::read));
  DayFiles::Entry entry{name, 0, 0};
  std::string buffer(kReadBytes, '\0');
  for (;;) {
    TRY_ASSIGN(const size_t n, file->read_at(entry.size_bytes, buffer.data(), buffer.size()));
    if (n == 0) return entry;
    entry.size_bytes += n;
    entry.xxh3 = xxh3_64({buffer.data(), n}, entry.xxh3);
  }
}
}  // namespace

Result<DayFiles> sum_files(FileSystem& fs, const std::string& path) {
  DayFiles files;
  TRY_ASSIGN(const std::vector<std::string> names, fs.list(path));
  for (const std::string& name : names) {
    if (name == "flintlock" || name.ends_with('/')) continue;
    TRY_ASSIGN(DayFiles::Entry entry, sum_file(fs, path, name));
    files.entries.push_back(std::move(entry));
  }
  return files;
}

Result<IndexState> IndexState::load(FileSystem& fs, const std::string& directory) {
  TRY_ASSIGN(const std::string bytes, fs.read_all(directory + "/state", kMaxStateBytes));
  if (bytes.size() < 8) return Error::corrupt("stream index state: too short");
  const std::string_view body = std::string_view(bytes).substr(0, bytes.size() - 8);
  ByteReader sum(std::string_view(bytes).substr(body.size()));
  if (sum.u64() != xxh3_64(body)) return Error::corrupt("stream index state: checksum differs");
  ByteReader in(body);
  if (in.u32() != kMagic || in.u16() != kVersion) return Error::corrupt("stream index state: unknown version");
  IndexState state;
  state.catalog_version = in.varint();
  for (uint64_t n = in.count(2); n > 0; --n) {
    DayFiles& day = state.days[static_cast<int32_t>(in.zigzag())];
    for (uint64_t files = in.count(10); files > 0; --files) {
      DayFiles::Entry entry;
      entry.name = in.string();
      entry.size_bytes = in.varint();
      entry.xxh3 = in.u64();
      day.entries.push_back(std::move(entry));
    }
  }
  TRY(in.finish("stream index state"));
  return state;
}

Result<void> IndexState::save(FileSystem& fs, const std::string& directory) const {
  std::string bytes;
  ByteWriter w(&bytes);
  w.u32(kMagic);
  w.u16(kVersion);
  w.varint(catalog_version);
  w.varint(days.size());
  for (const auto& [day, files] : days) {
    w.zigzag(day);
    w.varint(files.entries.size());
    for (const DayFiles::Entry& entry : files.entries) {
      w.string(entry.name);
      w.varint(entry.size_bytes);
      w.u64(entry.xxh3);
    }
  }
  w.u64(xxh3_64(bytes));
  const std::string temporary = directory + "/state.new";
  TRY_ASSIGN(const auto file, fs.open(temporary, OpenMode::open_or_create));
  TRY(file->truncate(0));
  TRY(file->append(bytes));
  TRY(file->sync());
  TRY(fs.rename(temporary, directory + "/state"));
  return fs.sync_directory(directory);
}

}  // namespace cordwood::index
