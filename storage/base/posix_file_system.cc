// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "storage/base/file_system.h"
#include "storage/base/niceness.h"

namespace cordwood {

namespace {

constexpr mode_t kFileMode = 0640;
constexpr mode_t kDirectoryMode = 0750;

Error os_error(std::string_view what, const std::string& path, int code) {
  std::string message = fmt::format("{} {}: {}", what, path, std::generic_category().message(code));
  switch (code) {
    case ENOENT: return Error::not_found(std::move(message));
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE: return Error::unavailable(std::move(message));
    default: return Error::io(std::move(message));
  }
}

/// An owned descriptor.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;  // closed once
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

int open_retrying(const std::string& path, int flags, mode_t mode) {
  int fd = -1;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  return fd;
}

class PosixFile final : public File {
 public:
  PosixFile(int fd, std::string path, uint64_t size) : fd_(fd), path_(std::move(path)), end_(size) {}

  Result<size_t> read_at(uint64_t offset, char* out, size_t size) override {
    size_t done = 0;
    while (done < size) {
      give_way();
      const ssize_t n = ::pread(fd_.get(), out + done, size - done, static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return os_error("read", path_, errno);
      if (n == 0) break;
      done += static_cast<size_t>(n);
    }
    return done;
  }

  void will_read(uint64_t offset, uint64_t size) override {
    (void)::posix_fadvise(fd_.get(), static_cast<off_t>(offset), static_cast<off_t>(size), POSIX_FADV_WILLNEED);
  }

  Result<void> write_at(uint64_t offset, std::string_view data) override {
    while (!data.empty()) {
      give_way();
      const ssize_t n = ::pwrite(fd_.get(), data.data(), data.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return os_error("write", path_, errno);
      if (n == 0) return os_error("write", path_, ENOSPC);
      offset += static_cast<uint64_t>(n);
      data.remove_prefix(static_cast<size_t>(n));
      if (offset > end_.load(std::memory_order_relaxed)) end_.store(offset, std::memory_order_relaxed);
    }
    return {};
  }

  Result<void> append(std::string_view data) override { return write_at(end_.load(std::memory_order_relaxed), data); }

  Result<void> truncate(uint64_t size) override {
    int r = 0;
    do {
      r = ::ftruncate(fd_.get(), static_cast<off_t>(size));
    } while (r != 0 && errno == EINTR);
    if (r != 0) return os_error("truncate", path_, errno);
    end_.store(size, std::memory_order_relaxed);
    return {};
  }

  /// Not repeated on failure: the kernel may have dropped the dirty pages, so a second success would mean nothing.
  Result<void> sync() override {
    if (::fdatasync(fd_.get()) != 0) return os_error("sync", path_, errno);
    return {};
  }

  Result<uint64_t> size() override {
    struct stat st {};
    if (::fstat(fd_.get(), &st) != 0) return os_error("stat", path_, errno);
    return static_cast<uint64_t>(st.st_size);
  }

 private:
  const Descriptor fd_;
  const std::string path_;
  std::atomic<uint64_t> end_;  ///< where append() writes
};

int flags_of(OpenMode mode) {
  switch (mode) {
    case OpenMode::read: return O_RDONLY;
    case OpenMode::read_write: return O_RDWR;
    case OpenMode::create_new: return O_RDWR | O_CREAT | O_EXCL;
    case OpenMode::open_or_create: return O_RDWR | O_CREAT;
  }
  CHECK(false, "open mode {}", static_cast<int>(mode));
}

}  // namespace

Result<std::unique_ptr<File>> PosixFileSystem::open(const std::string& path, OpenMode mode) {
  const int fd = open_retrying(path, flags_of(mode), kFileMode);
  if (fd < 0) return os_error("open", path, errno);
  struct stat st {};
  if (::fstat(fd, &st) != 0 || S_ISDIR(st.st_mode)) {
    const int code = S_ISDIR(st.st_mode) ? EISDIR : errno;
    ::close(fd);
    return os_error("open", path, code);
  }
  return std::unique_ptr<File>(std::make_unique<PosixFile>(fd, path, static_cast<uint64_t>(st.st_size)));
}

Result<void> PosixFileSystem::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return os_error("rename", from + " to " + to, errno);
  return {};
}

Result<void> PosixFileSystem::remove(const std::string& path) {
  if (::unlink(path.c_str()) != 0) return os_error("remove", path, errno);
  return {};
}

Result<void> PosixFileSystem::create_directories(const std::string& path) {
  for (size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    if (::mkdir(part.c_str(), kDirectoryMode) != 0) {
      if (errno != EEXIST) return os_error("create directory", part, errno);
      struct stat st {};
      if (::stat(part.c_str(), &st) != 0) return os_error("stat", part, errno);
      if (!S_ISDIR(st.st_mode)) return os_error("create directory", part, ENOTDIR);
    }
    if (end == std::string::npos) return {};
  }
}

Result<void> PosixFileSystem::remove_directory(const std::string& path) {
  if (::rmdir(path.c_str()) != 0) return os_error("remove directory", path, errno);
  return {};
}

Result<void> PosixFileSystem::sync_directory(const std::string& path) {
  const Descriptor fd(open_retrying(path.empty() ? "." : path, O_RDONLY | O_DIRECTORY, 0));
  if (fd.get() < 0) return os_error("open directory", path, errno);
  if (::fsync(fd.get()) != 0) return os_error("sync directory", path, errno);
  return {};
}

Result<bool> PosixFileSystem::exists(const std::string& path) {
  struct stat st {};
  if (::stat(path.c_str(), &st) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  return os_error("stat", path, errno);
}

Result<std::vector<std::string>> PosixFileSystem::list(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(path.empty() ? "." : path.c_str()), &::closedir);
  if (dir == nullptr) return os_error("list", path, errno);
  std::vector<std::string> names;
  while (true) {
    errno = 0;
    const dirent* entry = ::readdir(dir.get());
    if (entry == nullptr && errno != 0) return os_error("list", path, errno);
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    bool is_directory = entry->d_type == DT_DIR;
    if (entry->d_type == DT_UNKNOWN || entry->d_type == DT_LNK) {
      struct stat st {};
      is_directory = ::fstatat(::dirfd(dir.get()), entry->d_name, &st, 0) == 0 && S_ISDIR(st.st_mode);
    }
    names.emplace_back(is_directory ? fmt::format("{}/", name) : std::string(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace cordwood
