// SPDX-License-Identifier: Apache-2.0
#include "storage/base/file_system.h"

namespace cordwood {

std::string parent_directory(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result<std::string> FileSystem::read_all(const std::string& path, uint64_t limit_bytes) {
  TRY_ASSIGN(const std::unique_ptr<File> file, open(path, OpenMode::read));
  TRY_ASSIGN(const uint64_t size, file->size());
  if (size > limit_bytes) {
    return Error::exhausted(fmt::format("{}: {} bytes, the limit is {}", path, size, limit_bytes));
  }
  std::string out(size, '\0');
  TRY_ASSIGN(const size_t got, file->read_at(0, out.data(), size));
  out.resize(got);
  return out;
}

Result<void> FileSystem::create_directories_durably(const std::string& base, const std::string& path) {
  TRY(create_directories(path));
  if (path == base) return {};
  CHECK(path.starts_with(base) && path.size() > base.size() && path[base.size()] == '/', "{} is not below {}", path,
        base);
  for (size_t end = base.size(); end != std::string::npos && end + 1 < path.size(); end = path.find('/', end + 1)) {
    TRY(sync_directory(path.substr(0, end)));
  }
  return {};
}

}  // namespace cordwood
