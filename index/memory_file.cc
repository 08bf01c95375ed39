// SPDX-License-Identifier: Apache-2.0
#include "index/memory_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace cordwood::index {

namespace {

Error failure(const char* what) {
  return Error::io(fmt::format("file in memory: {}: {}", what, std::strerror(errno)));
}

}  // namespace

Result<MemoryFile> MemoryFile::make(const char* name) {
  const int fd = ::memfd_create(name, MFD_CLOEXEC);
  if (fd < 0) return failure("memfd_create");
  return MemoryFile(fd);
}

MemoryFile::MemoryFile(MemoryFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

MemoryFile::~MemoryFile() {
  if (fd_ >= 0) ::close(fd_);
}

Result<void> MemoryFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return failure("write");
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return {};
}

Result<std::string> MemoryFile::read_all(uint64_t limit) const {
  const off_t size = ::lseek(fd_, 0, SEEK_END);
  if (size < 0) return failure("lseek");
  std::string bytes(std::min<uint64_t>(static_cast<uint64_t>(size), limit), '\0');
  for (size_t at = 0; at < bytes.size();) {
    const ssize_t got = ::pread(fd_, bytes.data() + at, bytes.size() - at, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return failure("pread");
    at += static_cast<size_t>(got);
  }
  return bytes;
}

Result<int> MemoryFile::duplicate() const {
  const int copy = ::fcntl(fd_, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return failure("fcntl");
  if (::lseek(copy, 0, SEEK_SET) < 0) {
    const Error error = failure("lseek");
    ::close(copy);
    return error;
  }
  return copy;
}

}  // namespace cordwood::index
