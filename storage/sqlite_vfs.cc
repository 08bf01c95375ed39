// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite_vfs.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "storage/base/checksum.h"

namespace cordwood {

namespace {

constexpr int kMaxPathBytes = 4096;
constexpr int kSectorBytes = 4096;
constexpr double kJulianDayOf1970 = 2440587.5;
constexpr sqlite3_int64 kMsPerDay = 86'400'000;

/// SQLite allocates this and knows its first member; the rest is made by open().
struct VfsFile {
  sqlite3_file base;
  FileSystem* fs;
  std::unique_ptr<File> file;
  std::string path;
  bool name_unsynced;  ///< the file was created: its directory is synced together with its first bytes
  bool remove_when_closed;
};

VfsFile* self(sqlite3_file* file) {
  return reinterpret_cast<VfsFile*>(file);
}

int code_of(const Error& error, int otherwise) {
  return error.kind == ErrorKind::unavailable ? SQLITE_FULL : otherwise;
}

int vfs_close(sqlite3_file* file) {
  VfsFile* f = self(file);
  f->file.reset();
  const bool removed = !f->remove_when_closed || f->fs->remove(f->path).ok();
  f->path.~basic_string();
  f->file.~unique_ptr();
  f->base.pMethods = nullptr;
  return removed ? SQLITE_OK : SQLITE_IOERR_DELETE;
}

int vfs_read(sqlite3_file* file, void* out, int size, sqlite3_int64 offset) {
  const Result<size_t> got =
      self(file)->file->read_at(static_cast<uint64_t>(offset), static_cast<char*>(out), static_cast<size_t>(size));
  if (!got.ok()) return SQLITE_IOERR_READ;
  if (*got == static_cast<size_t>(size)) return SQLITE_OK;
  std::memset(static_cast<char*>(out) + *got, 0, static_cast<size_t>(size) - *got);
  return SQLITE_IOERR_SHORT_READ;
}

int vfs_write(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
  const Result<void> done = self(file)->file->write_at(static_cast<uint64_t>(offset),
                                                       {static_cast<const char*>(data), static_cast<size_t>(size)});
  return done.ok() ? SQLITE_OK : code_of(done.error(), SQLITE_IOERR_WRITE);
}

int vfs_truncate(sqlite3_file* file, sqlite3_int64 size) {
  return self(file)->file->truncate(static_cast<uint64_t>(size)).ok() ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

int vfs_sync(sqlite3_file* file, int /*flags*/) {
  VfsFile* f = self(file);
  const Result<void> done = f->file->sync();
  if (!done.ok()) return code_of(done.error(), SQLITE_IOERR_FSYNC);
  if (f->name_unsynced) {
    if (!f->fs->sync_directory(parent_directory(f->path)).ok()) return SQLITE_IOERR_DIR_FSYNC;
    f->name_unsynced = false;
  }
  return SQLITE_OK;
}

int vfs_file_size(sqlite3_file* file, sqlite3_int64* size) {
  const Result<uint64_t> got = self(file)->file->size();
  if (!got.ok()) return SQLITE_IOERR_FSTAT;
  *size = static_cast<sqlite3_int64>(*got);
  return SQLITE_OK;
}

int vfs_lock(sqlite3_file* /*file*/, int /*level*/) {
  return SQLITE_OK;
}

int vfs_check_reserved_lock(sqlite3_file* /*file*/, int* held) {
  *held = 0;
  return SQLITE_OK;
}

int vfs_file_control(sqlite3_file* /*file*/, int /*operation*/, void* /*argument*/) {
  return SQLITE_NOTFOUND;
}
int vfs_sector_size(sqlite3_file* /*file*/) {
  return kSectorBytes;
}
int vfs_device_characteristics(sqlite3_file* /*file*/) {
  return 0;
}

sqlite3_io_methods make_methods() {
  sqlite3_io_methods m{};
  m.iVersion = 1;  // no shared memory, no memory mapping
  m.xClose = vfs_close;
  m.xRead = vfs_read;
  m.xWrite = vfs_write;
  m.xTruncate = vfs_truncate;
  m.xSync = vfs_sync;
  m.xFileSize = vfs_file_size;
  m.xLock = vfs_lock;
  m.xUnlock = vfs_lock;
  m.xCheckReservedLock = vfs_check_reserved_lock;
  m.xFileControl = vfs_file_control;
  m.xSectorSize = vfs_sector_size;
  m.xDeviceCharacteristics = vfs_device_characteristics;
  return m;
}

const sqlite3_io_methods kMethods = make_methods();

FileSystem& fs_of(sqlite3_vfs* vfs) {
  return *static_cast<FileSystem*>(vfs->pAppData);
}

int vfs_open(sqlite3_vfs* vfs, const char* path, sqlite3_file* out, int flags, int* flags_out) {
  out->pMethods = nullptr;
  if (path == nullptr) return SQLITE_CANTOPEN;  // temporary files stay in memory
  FileSystem& fs = fs_of(vfs);
  bool created = false;
  OpenMode mode = (flags & SQLITE_OPEN_READWRITE) != 0 ? OpenMode::read_write : OpenMode::read;
  if ((flags & SQLITE_OPEN_CREATE) != 0) {
    const Result<bool> there = fs.exists(path);
    if (!there.ok()) return SQLITE_CANTOPEN;
    created = !*there;
    if (created) mode = OpenMode::create_new;
  }
  Result<std::unique_ptr<File>> file = fs.open(path, mode);
  if (!file.ok()) return code_of(file.error(), SQLITE_CANTOPEN);
  new (out) VfsFile{{&kMethods}, &fs, std::move(*file), path, created, (flags & SQLITE_OPEN_DELETEONCLOSE) != 0};
  if (flags_out != nullptr) *flags_out = flags;
  return SQLITE_OK;
}

int vfs_delete(sqlite3_vfs* vfs, const char* path, int sync_directory) {
  FileSystem& fs = fs_of(vfs);
  const Result<void> removed = fs.remove(path);
  if (!removed.ok()) {
    return removed.error().kind == ErrorKind::not_found ? SQLITE_IOERR_DELETE_NOENT : SQLITE_IOERR_DELETE;
  }
  if (sync_directory != 0 && !fs.sync_directory(parent_directory(path)).ok()) return SQLITE_IOERR_DIR_FSYNC;
  return SQLITE_OK;
}

int vfs_access(sqlite3_vfs* vfs, const char* path, int /*flags*/, int* out) {
  const Result<bool> there = fs_of(vfs).exists(path);
  if (!there.ok()) return SQLITE_IOERR_ACCESS;
  *out = *there ? 1 : 0;
  return SQLITE_OK;
}

int vfs_full_pathname(sqlite3_vfs* /*vfs*/, const char* path, int size, char* out) {
  const size_t bytes = std::strlen(path) + 1;
  if (bytes > static_cast<size_t>(size)) return SQLITE_CANTOPEN;
  std::memcpy(out, path, bytes);
  return SQLITE_OK;
}

/// Names temporary files and salts journals; nothing secret, and tests want the same every time.
int vfs_randomness(sqlite3_vfs* /*vfs*/, int size, char* out) {
  for (int i = 0; i < size; ++i) out[i] = static_cast<char>(xxh3_64({}, static_cast<uint64_t>(i)));
  return size;
}

int vfs_sleep(sqlite3_vfs* /*vfs*/, int microseconds) {
  return microseconds;
}

/// Our statements ask for no time.
int vfs_current_time(sqlite3_vfs* /*vfs*/, double* out) {
  *out = kJulianDayOf1970;
  return SQLITE_OK;
}

int vfs_current_time_ms(sqlite3_vfs* /*vfs*/, sqlite3_int64* out) {
  *out = static_cast<sqlite3_int64>(kJulianDayOf1970 * static_cast<double>(kMsPerDay));
  return SQLITE_OK;
}

int vfs_last_error(sqlite3_vfs* /*vfs*/, int /*size*/, char* /*out*/) {
  return 0;
}

}  // namespace

struct SqliteVfs::Impl {
  std::string name;
  sqlite3_vfs vfs{};
};

SqliteVfs::SqliteVfs(FileSystem& fs) : impl_(std::make_unique<Impl>()) {
  impl_->name = fmt::format("cordwood-{}", static_cast<const void*>(impl_.get()));
  sqlite3_vfs& v = impl_->vfs;
  v.iVersion = 2;
  v.szOsFile = sizeof(VfsFile);
  v.mxPathname = kMaxPathBytes;
  v.zName = impl_->name.c_str();
  v.pAppData = &fs;
  v.xOpen = vfs_open;
  v.xDelete = vfs_delete;
  v.xAccess = vfs_access;
  v.xFullPathname = vfs_full_pathname;
  v.xRandomness = vfs_randomness;
  v.xSleep = vfs_sleep;
  v.xCurrentTime = vfs_current_time;
  v.xCurrentTimeInt64 = vfs_current_time_ms;
  v.xGetLastError = vfs_last_error;
  const int code = sqlite3_vfs_register(&v, 0);
  CHECK(code == SQLITE_OK, "sqlite3_vfs_register: {}", code);
}

SqliteVfs::~SqliteVfs() {
  sqlite3_vfs_unregister(&impl_->vfs);
}

const char* SqliteVfs::name() const {
  return impl_->name.c_str();
}

}  // namespace cordwood
